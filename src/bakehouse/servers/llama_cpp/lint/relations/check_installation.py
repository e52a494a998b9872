"""An installation by CMake: where it goes, and whether the loader finds its libraries there."""

from __future__ import annotations

import itertools
import posixpath
import re
from collections.abc import Iterator

from bakehouse.lint.finding import Finding, finding
from bakehouse.lint.relations.view import Build, View
from bakehouse.servers.llama_cpp.lint.relations.gathered import PROGRAM

STANDARD = re.compile(r"/(?:usr/)?lib(?:64)?(?:/[a-z0-9_]+-linux-(?:gnu|musl)[a-z]*)?")
"""Folders that the loader looks at by itself."""
RPATH = "-DCMAKE_INSTALL_RPATH='$ORIGIN' -DCMAKE_BUILD_WITH_INSTALL_RPATH=ON"
CMAKE = "https://cmake.org/cmake/help/latest/prop_tgt/BUILD_WITH_INSTALL_RPATH.html"


def check_installation(view: View) -> Iterator[Finding]:
    yield from _check_installed(view)
    yield from _check_prefix(view)


def _check_installed(view: View) -> Iterator[Finding]:
    """`cmake --install` in the image itself: to a folder that the loader knows by its cache only."""
    elsewhere = list(view.builds_elsewhere)
    own = [build for build in view.builds if build not in elsewhere and build.shares_libraries and not build.is_static]
    words = view.image.entrypoint or view.image.command
    if not own or not words or view.image.base.libc != "glibc" or is_told(view, {"/usr/local/lib"}):
        return
    for build in own:
        prefix = build.value("CMAKE_INSTALL_PREFIX") or "/usr/local"
        program = words[0].text
        starts = program == posixpath.basename(program) or posixpath.dirname(program) == f"{prefix}/bin"
        named = any(word.text == "--prefix" for command in build.stage.commands for word in command.words)
        is_ours = bool(PROGRAM.fullmatch(posixpath.basename(program)))
        if (
            is_ours
            and starts
            and prefix == "/usr/local"
            and not named
            and is_installed(build)
            and not sets_rpath(build)
        ):
            yield finding(
                words[0],
                "does not find its libraries",
                "They are installed to /usr/local/lib, which the loader knows by its cache only, and nothing wrote it.",
                "RUN ldconfig after the installation",
                link=CMAKE,
            )


def _check_prefix(view: View) -> Iterator[Finding]:
    """An installation that is copied to another image: its programs have no search path any more."""
    words = view.image.entrypoint or view.image.command
    if not words or not PROGRAM.fullmatch(posixpath.basename(words[0].text)) or view.image.unseen:
        return
    if view.image.base.libc != "glibc":
        return
    for build in view.builds_elsewhere:
        prefix = _prefix(build)
        if prefix is None or not build.shares_libraries or build.is_static or sets_rpath(build):
            continue
        for copy in view.image.copies:
            stage = view.stage_named(copy.source) if copy.source else None
            if stage is None or build.stage.contents not in stage.chain or len(copy.words) != 1:
                continue
            source, target = copy.words[0].text.rstrip("/"), copy.target.rstrip("/")
            folder = {prefix: f"{target}/lib", f"{prefix}/lib": target}.get(source)
            if folder and not STANDARD.fullmatch(folder) and not is_told(view, {folder}):
                yield finding(
                    copy.words[0],
                    "brings libraries that are not found",
                    "The installation took the search path out of its programs, and the loader does not look at "
                    f"{folder}{', of which it knows by its cache only' if folder == '/usr/local/lib' else ''}.",
                    "RUN ldconfig" if folder == "/usr/local/lib" else f"ENV LD_LIBRARY_PATH={folder}, or {RPATH}",
                    link=CMAKE,
                )


def _prefix(build: Build) -> str | None:
    """Where it is installed to; None where it is not, or where that is not known."""
    for command in build.stage.commands:
        texts = [word.text for word in command.words]
        if command.program != "cmake" or "--install" not in texts:
            continue
        after = [two for one, two in itertools.pairwise(texts) if one == "--prefix"]
        joined = [text.partition("=")[2] for text in texts if text.startswith("--prefix=")]
        if found := (*after, *joined):
            return found[0].rstrip("/")
        return (build.value("CMAKE_INSTALL_PREFIX") or "/usr/local").rstrip("/")
    return None


def sets_rpath(build: Build) -> bool:
    return "rpath" in build.flags.lower() or any("RPATH" in name for name in build.options)


def is_installed(build: Build) -> bool:
    """`cmake --install` writes the search path anew."""
    return any(
        any(word.text in ("--install", "install", "install/strip") for word in command.words)
        for command in build.stage.commands
        if command.program in ("cmake", "make", "ninja")
    )


def is_told(view: View, folders: set[str]) -> bool:
    image = view.image
    if any(command.program in ("ldconfig", "patchelf", "chrpath") for command in image.commands):
        return True
    if any(command.program in ("patchelf", "chrpath") for stage in view.sources for command in stage.commands):
        return True
    setting = image.environment.get("LD_LIBRARY_PATH")
    if setting is None:
        return False
    paths = [path for path in setting.value.split(":") if "LD_LIBRARY_PATH" not in path]
    return any("$" in path or (path.rstrip("/") or "/") in folders for path in paths)
