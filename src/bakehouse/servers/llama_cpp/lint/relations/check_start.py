"""Whether the program that an image starts lies where it is looked for."""

from __future__ import annotations

import posixpath
import re
from collections.abc import Iterator

from bakehouse.lint.container_file import Contents
from bakehouse.lint.finding import Finding, finding
from bakehouse.lint.relations.view import View
from bakehouse.lint.server_start import find_start
from bakehouse.lint.settings import Word
from bakehouse.servers.llama_cpp.lint.relations.gathered import is_folder

_PROGRAMS = ("llama-server", "llama-cli", "llama-bench", "ggml-rpc-server", "rpc-server", "llama", "server")
_PATH = ("/usr/local/sbin", "/usr/local/bin", "/usr/sbin", "/usr/bin", "/sbin", "/bin")
_MOVERS = re.compile(r"\b(?:cp|mv|ln|install|rsync|tar|unzip|cpack|dpkg|curl|wget)\b|--install\b")
"""In a RUN line of the image itself: programs come to lie anywhere."""


def check_start(view: View) -> Iterator[Finding]:
    yield from _check_sources(view)
    image = view.image
    start = find_start((*image.entrypoint, *image.command), _PROGRAMS)
    if start is None or image.inherited or image.unseen or image.base.image is None or not start.program.complete:
        return
    if image.base.image.entrypoint or any(_MOVERS.search(_text(body)) for body in _runs(view)):
        return
    yield from _check_place(start.program, view)


def _check_sources(view: View) -> Iterator[Finding]:
    """A program that is copied from a folder where the build puts none: make once put them at the top."""
    for copy in view.image.copies:
        stage = view.stage_named(copy.source) if copy.source else None
        builds = [build for build in view.builds if stage is not None and build.stage.contents in stage.chain]
        if stage is None or stage.unseen or not builds or any(_moves(one) for one in stage.chain):
            continue
        if any("OUTPUT_DIRECTORY" in name for build in builds for name in build.options):
            continue
        for word in copy.words:
            folder, name = posixpath.split(word.text)
            if name in _PROGRAMS and posixpath.basename(folder) != "bin" and word.complete and "*" not in folder:
                yield finding(
                    word,
                    "is not where the build puts it",
                    "CMake puts programs into bin/ of the build folder: COPY finds nothing, and the build stops.",
                    posixpath.join(folder, "build/bin", name),
                )


def _moves(one: Contents) -> bool:
    texts = (instruction.body.text for instruction in one.stage.instructions if instruction.name == "RUN")
    return any(_MOVERS.search(_text(text)) or "-o " in text for text in texts)


def _check_place(program: Word, view: View) -> Iterator[Finding]:
    name = posixpath.basename(program.text)
    places = _places(name, view)
    if not places:
        return
    bare = "/" not in program.text
    path = name if bare else posixpath.normpath(posixpath.join(view.image.workdir, program.text))
    if (bare and {posixpath.dirname(one) for one in places} & set(_searched(view))) or path in places:
        return
    told = min(places, key=len)
    yield finding(
        program,
        "is not where it is looked for",
        f"{'PATH' if bare else path} does not lead to it: it lies in {posixpath.dirname(told)}. "
        'The container ends with "no such file or directory".',
        told,
    )


def _places(name: str, view: View) -> set[str] | None:
    """Paths that the program may lie at; None where it may be anywhere."""
    found: set[str] = set()
    if any(build.stage.contents in view.image.chain for build in view.builds):
        return None
    for copy in view.image.copies:
        for word in copy.words:
            if posixpath.basename(word.text) == name or posixpath.basename(copy.target) == name:
                found |= {copy.target.rstrip("/"), f"{copy.target.rstrip('/')}/{posixpath.basename(word.text)}"}
            elif is_folder(word.text) or "*" in word.text or not word.complete:
                return None
    return {one for one in found if posixpath.basename(one) == name}


def _searched(view: View) -> list[str]:
    """The folders of PATH."""
    setting = view.image.environment.get("PATH")
    own = setting.value.split(":") if setting else []
    return [*_PATH, *(one.rstrip("/") for one in own)]


def _runs(view: View) -> Iterator[str]:
    for one in view.image.chain:
        for instruction in one.stage.instructions:
            if instruction.name == "RUN":
                yield instruction.body.text


def _text(body: str) -> str:
    """Without the names of packages that are installed, like curl."""
    return re.sub(r"\b(?:apt-get|apt|apk|dnf|microdnf|yum|zypper)\b[^&;|]*", "", body)
