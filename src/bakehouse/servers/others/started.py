"""A server of others that something starts: a container by its image, or a command line by its program."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, replace

from bakehouse.lint.container_run import ContainerRun
from bakehouse.lint.examined import Looked
from bakehouse.lint.server_start import SHELLS, WRAPPERS, unwrapped
from bakehouse.lint.settings import Setting, Word
from bakehouse.servers.others.known import KnownImage, OtherServer, ToldBy, find_image, servers

_PYTHON = re.compile(r"python[0-9.]*")


@dataclass(frozen=True, kw_only=True, slots=True)
class Started:
    """One server with its words."""

    server: OtherServer
    program: Word
    words: tuple[Word, ...]
    variables: tuple[Setting, ...] = ()
    given: tuple[Word, ...] = ()
    """The container's command, where the image's entrypoint is not the server."""
    image: KnownImage | None = None
    """The vendor's own image, where it starts it."""
    is_inherited: bool = False
    """Whether the image's entrypoint starts it."""

    def told(self, by: ToldBy) -> Word | None:
        """What an option or a variable says; the last option counts, and comes before variables."""
        found = None
        for index, word in enumerate(self.words):
            name, equals, value = word.text.partition("=")
            if name in by.options and equals:
                found = Word(text=value, where=word.where, complete=word.complete)
            elif name in by.options and index + 1 < len(self.words):
                found = self.words[index + 1]
        if found is not None:
            return found
        given = [one for one in self.variables if one.name in by.variables]
        one = given[-1] if given else None
        return Word(text=one.value, where=one.where, complete=one.complete) if one else None

    def number(self, options: Sequence[str]) -> int | None:
        """Of an option; None where it is not told, or not known."""
        word = self.told(ToldBy(default=1, options=tuple(options)))
        return int(word.text) if word and word.text.isdigit() else None

    @property
    def port(self) -> str | None:
        """Where it listens; None where that is not known."""
        word = self.told(self.server.port)
        if word is None:
            return str(self.server.port.default)
        number = word.text.rpartition(":")[2] if ":" in word.text or not word.text[:1].isdigit() else word.text
        if word.complete and (number.isdigit() or "." in word.text):
            return number if number.isdigit() and "." not in number else str(self.server.port.default)
        return None


def started_by(run: ContainerRun) -> Started | None:
    """What a container starts."""
    image = run.image if run.image and run.image.complete else None
    found = find_image(image.text) if image else None
    if run.entrypoint or run.entrypoint_is_cleared:
        return find_program((*run.entrypoint, *run.command), run.variables)
    if found is not None and image is not None:
        server, kind = found
        own = find_program(run.command, run.variables)
        if own is not None and not kind.starts:
            return replace(own, image=kind)
        return Started(
            server=server,
            program=image,
            words=run.command if kind.starts else (),
            given=() if kind.starts else run.command,
            variables=run.variables,
            image=kind,
            is_inherited=True,
        )
    return find_program(run.command, run.variables)


def find_program(words: Sequence[Word], variables: Sequence[Setting] = ()) -> Started | None:
    """The server that a command line starts: `vllm serve MODEL`, `python3 -m sglang.launch_server`."""
    words = [*unwrapped(words)]
    while words and words[0].text.rpartition("/")[2] in WRAPPERS:
        words = words[1:]
    for server in servers():
        for program in server.programs:
            length = _begins(words, program.split(" "))
            if length:
                rest = tuple(words[length:])
                return Started(server=server, program=words[0], words=rest, variables=tuple(variables))
    return None


def _begins(words: Sequence[Word], program: Sequence[str]) -> int:
    """How many words name the program; 0 where it is another one."""
    texts = [word.text for word in words[:6]]
    if program[0] == "-m":
        if not texts or not _PYTHON.fullmatch(texts[0].rpartition("/")[2]):
            return 0
        at = next((index for index in range(1, len(texts) - 1) if texts[index : index + 2] == list(program)), 0)
        return at + 2 if at else 0
    named = [texts[0].rpartition("/")[2], *texts[1 : len(program)]] if texts else []
    return len(program) if named == list(program) else 0


def is_program(word: Word, server: OtherServer) -> bool:
    """Whether a word is a program where arguments of the server are expected."""
    name = word.text.rpartition("/")[2]
    own = {program.split(" ")[0] for program in server.programs if not program.startswith("-")}
    if not any(image.alone for image in server.images):
        own |= {part for program in server.programs if not program.startswith("-") for part in program.split(" ")}
    return name in own | SHELLS or bool(_PYTHON.fullmatch(name))


def looked_at(started: Started | None) -> Looked:
    if started is None:
        return Looked()
    return Looked(arguments=len(started.words), variables=len(started.variables))
