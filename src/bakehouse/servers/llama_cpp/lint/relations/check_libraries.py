"""llama.cpp's own libraries: whether they come along, under the right names, and whether they are found."""

from __future__ import annotations

import posixpath
import re
from collections.abc import Iterator, Sequence

from bakehouse.lint.finding import Finding, Severity, finding
from bakehouse.lint.relations.view import Build, View
from bakehouse.lint.settings import Word
from bakehouse.servers.llama_cpp.lint.relations.check_installation import (
    CMAKE,
    RPATH,
    STANDARD,
    is_installed,
    is_told,
    sets_rpath,
)
from bakehouse.servers.llama_cpp.lint.relations.gathered import PROGRAM, GatheredFiles, gathered

NAMES = ("llama", "llama-common", "llama-server-impl", "mtmd", "ggml", "ggml-base")
"""Libraries that a server of shared libraries asks for by name, whatever its backends."""
_COPIED = "https://github.com/ggml-org/llama.cpp/issues/17190"
_PLUGINS = "https://github.com/ggml-org/llama.cpp/blob/master/ggml/src/ggml-backend-reg.cpp"


def check_libraries(view: View) -> Iterator[Finding]:
    builds = [build for build in view.builds_elsewhere if not build.is_static]
    shared = [build for build in builds if build.shares_libraries]
    yield from _check_origin(view.builds)
    if not shared or len(shared) != len(builds):
        return
    files = gathered(view)
    program = next((one for one in files if one.is_program), None)
    own = _server(view)
    if program is None and (own is None or not files):
        return
    word = program.word if program else own
    folder = program.folder if program else posixpath.dirname(own.text) if own else "/"
    if word is None:
        return
    libraries = [one for one in files if one.may_have_libraries]
    if not libraries:
        if not view.image.unseen:
            yield finding(
                word,
                "is copied without its libraries",
                "libllama, libggml and others are shared by default and stay behind: the server does not start.",
                "copy the libraries too (with their links), or -DBUILD_SHARED_LIBS=OFF",
                link=_COPIED,
            )
        return
    named = list(_check_names(view, libraries)) or list(_check_all(view, libraries))
    yield from named
    if not named:
        yield from _check_loader(view, shared, word, libraries)
    yield from _check_plugins(shared, folder, libraries, word)


def _server(view: View) -> Word | None:
    """The program that the image starts, where it is one of llama.cpp's."""
    words = view.image.entrypoint or view.image.command
    if words and PROGRAM.fullmatch(posixpath.basename(words[0].text)) and words[0].text.startswith("/"):
        return words[0]
    return None


def _check_names(view: View, libraries: Sequence[GatheredFiles]) -> Iterator[Finding]:
    """Programs ask for `libllama.so.0`; `libllama.so` is the name that linkers use."""
    if any(one.keeps_versions for one in libraries):
        return
    first = libraries[0]
    if first.files_only:
        if not any(command.program == "ldconfig" for command in view.image.commands):  # which makes the links anew
            yield finding(
                first.word,
                "leaves the links behind under whose names the libraries are asked for",
                '`find -type f` passes over links, and libllama.so.0 is one: "libllama.so.0: cannot open shared object '
                'file".',
                "no -type f, and `cp -P` or `cp -a`",
                link="https://github.com/ggml-org/llama.cpp/issues/17176",
                since_build=7100,
            )
        return
    yield finding(
        first.word,
        "leaves the libraries behind under the names that are asked for",
        'The server asks for libllama.so.0 and its like, to which libllama.so is only a link: "libllama.so.0: cannot '
        'open shared object file".',
        f"{_versioned(first.word.text)}, with `cp -P` or `cp -a` to keep the links as links",
        link="https://github.com/ggml-org/llama.cpp/issues/17176",
        since_build=7100,
    )


def _check_all(view: View, libraries: Sequence[GatheredFiles]) -> Iterator[Finding]:
    """Where each library is named, one that the others ask for may be forgotten."""
    if view.image.unseen or not all(one.is_library for one in libraries):
        return
    left = [name for name in NAMES if not any(one.may_hold(f"lib{name}.so.0") for one in libraries)]
    if left:
        yield finding(
            libraries[0].word,
            f"leaves libraries behind: {', '.join(f'lib{name}' for name in left)}",
            "The server and the others ask for them: it does not start.",
            "copy lib*.so*, with the links as links",
            link=_COPIED,
            by_revision=True,
        )


def _versioned(text: str) -> str:
    return re.sub(r"\.so$", ".so*", text)


# ---------------------------------------------------------------------------------------------- the loader


def _check_origin(builds: Sequence[Build]) -> Iterator[Finding]:
    """`$ORIGIN` outside single quotes is a variable of the shell, and empty."""
    for build in builds:
        for name, setting in build.options.items():
            if "RPATH" in name and not setting.complete and re.search(r"\$\{?ORIGIN", setting.value):
                yield finding(
                    Word(text=setting.as_option, where=setting.where),
                    "loses $ORIGIN",
                    "The shell takes it for a variable, which is empty: libraries beside the program are not found.",
                    f"-D{name}='$ORIGIN' in single quotes",
                )


def _check_loader(
    view: View, builds: Sequence[Build], word: Word, libraries: Sequence[GatheredFiles]
) -> Iterator[Finding]:
    folders = {one.folder for one in libraries}
    if any(_has_rpath(build) for build in builds) or is_told(view, folders) or view.image.unseen:
        return
    if any(STANDARD.fullmatch(one) for one in folders):
        return
    if _at_build(builds, libraries):
        return
    local = "/usr/local/lib" in folders
    if local and view.image.base.libc == "musl":
        return
    if view.image.workdir.rstrip("/") in folders and not local:
        yield finding(
            word,
            "finds its libraries by the working folder alone",
            "The search path of the build ends with an empty entry, and that is the folder where the container starts: "
            "with `docker run -w`, or in a pod with a workingDir, the server does not start.",
            RPATH,
            severity=Severity.WARNING,
            link=CMAKE,
        )
        return
    yield finding(
        word,
        "does not find its libraries",
        "The loader knows /usr/local/lib by its cache only, which was not written."
        if local
        else "Its search path is the build folder, which this image lacks: the libraries beside it are not looked at.",
        "RUN ldconfig" if local else RPATH,
        link=CMAKE,
    )


def _has_rpath(build: Build) -> bool:
    """Whether programs look beside themselves, in the build folder or once they are installed."""
    origin = any(
        "RPATH" in name and ("$ORIGIN" in setting.value or name.endswith("USE_ORIGIN"))
        for name, setting in build.options.items()
    )
    if not origin:
        return sets_rpath(build)
    if build.is_on("CMAKE_BUILD_WITH_INSTALL_RPATH") or build.is_on("CMAKE_BUILD_RPATH_USE_ORIGIN"):
        return True
    if any("BUILD_RPATH" in name for name in build.options):
        return True
    return is_installed(build)


def _at_build(builds: Sequence[Build], libraries: Sequence[GatheredFiles]) -> bool:
    """Whether the libraries lie where the build folder was."""
    return any(
        posixpath.dirname(one.word.text.rstrip("/")) == one.folder or one.word.text.rstrip("/") == one.folder
        for one in libraries
        if one.word.text.startswith("/")
    ) and bool(builds)


def _check_plugins(
    builds: Sequence[Build], folder: str, libraries: Sequence[GatheredFiles], word: Word
) -> Iterator[Finding]:
    """Backends that are plugins are looked for beside the program and in the working folder."""
    if not any(build.is_on("GGML_BACKEND_DL") for build in builds):
        return
    left = [
        name
        for name, files in _plugins(builds).items()
        if not any(one.may_hold(file) for one in libraries for file in files)
    ]
    if left:
        yield finding(
            libraries[0].word,
            f"leaves plugins behind: {', '.join(left)}",
            "With GGML_BACKEND_DL=ON the backends are files that nothing links to, and none of these words names them: "
            "the server starts, and has no such backend.",
            "copy libggml-*.so too",
            link=_PLUGINS,
        )
        return
    if any("GGML_BACKEND_DIR" in build.options for build in builds):
        return
    if any(one.folder == folder or folder.startswith(f"{one.folder.rstrip('/')}/") for one in libraries):
        return
    yield finding(
        word,
        "does not find its backends",
        f"With GGML_BACKEND_DL=ON they are files that are looked for beside the program ({folder}), and they lie in "
        f"{', '.join(sorted({one.folder for one in libraries}))}: the server has no backend at all, not even the CPU.",
        f"copy the libraries to {folder}",
        link=_PLUGINS,
    )


_BACKENDS = ("CUDA", "HIP", "VULKAN", "SYCL", "OPENCL", "BLAS", "RPC")


def _plugins(builds: Sequence[Build]) -> dict[str, tuple[str, ...]]:
    """By what a plugin is called: file names that it has, one of which a word must name."""
    found: dict[str, tuple[str, ...]] = {}
    for build in builds:
        if build.is_on("GGML_BACKEND_DL"):
            found["libggml-cpu"] = ("libggml-cpu.so", "libggml-cpu-x64.so", "libggml-cpu-haswell.so")
            names = (f"libggml-{one.lower()}" for one in _BACKENDS if build.is_on(f"GGML_{one}"))
            found |= {name: (f"{name}.so",) for name in names}
    return found
