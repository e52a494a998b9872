"""What a Dockerfile does, as far as the lint asks: configure steps, packages, copies, variables, the command."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field

from bakehouse.errors import Where
from bakehouse.lint.command import ASSIGNMENT, Command, command_of, definitions
from bakehouse.lint.dockerfile import Dockerfile, DockerfileStage, Instruction
from bakehouse.lint.settings import Setting, Word
from bakehouse.lint.shell import Token, split

_INSTALLERS = frozenset({"apt-get", "apt", "apk", "dnf", "yum", "microdnf"})
_SHELLS = frozenset({"sh", "bash", "dash"})


@dataclass(kw_only=True, slots=True)
class Contents:
    """What one stage does."""

    file: str
    stage: DockerfileStage
    image: str
    """What it starts from, with arguments filled in."""
    variables: list[Setting] = field(default_factory=list)
    arguments: list[Setting] = field(default_factory=list)
    """ARG with a default."""
    commands: list[Command] = field(default_factory=list)
    copies: list[tuple[str | None, tuple[Word, ...]]] = field(default_factory=list)
    """(stage it copies from, sources and destination)."""
    workdirs: list[tuple[int, str]] = field(default_factory=list)
    """(line, as written): each WORKDIR."""
    user: Word | None = None
    ports: list[Word] = field(default_factory=list)
    health: tuple[Command, ...] | None = None
    health_where: Where | None = None
    entrypoint: tuple[Word, ...] = ()
    command: tuple[Word, ...] = ()
    shell_entrypoint: Word | None = None
    """The program of an ENTRYPOINT that is no list: a shell runs it, and gives it nothing of what follows."""

    @property
    def packages(self) -> Iterator[Word]:
        for command in self.commands:
            if command.program in _INSTALLERS:
                words = [word for word in command.words[1:] if not word.text.startswith("-")]
                if words and words[0].text in ("install", "add"):
                    yield from words[1:]

    @property
    def steps(self) -> Iterator[tuple[Command, tuple[Setting, ...]]]:
        """Each step of CMake with its options, as often and in the order as they are written."""
        for command in self.commands:
            if command.configures:
                yield command, tuple(definitions(command.words[1:]))


def read_contents(dockerfile: Dockerfile) -> list[Contents]:
    """One for each stage, variables and arguments of earlier stages carried on where a stage stands on another."""
    globals_: dict[str, str] = {}
    for argument in dockerfile.arguments:  # one may be made from those before it
        globals_ |= dict(_defaults([argument], globals_))
    found: dict[str, tuple[Contents, dict[str, str]]] = {}
    contents: list[Contents] = []
    for stage in dockerfile.stages:
        image = _filled(stage.image, globals_)
        below = found.get(image.lower())
        one, known = _read_stage(stage, image, dict(below[1]) if below else {}, globals_, dockerfile.file)
        if below:
            _inherit(one, below[0])
        contents.append(one)
        if stage.name:
            found[stage.name] = (one, known)
    return contents


def _inherit(one: Contents, below: Contents) -> None:
    one.user = one.user or below.user
    one.ports = one.ports or below.ports
    if not one.entrypoint:
        one.entrypoint, one.shell_entrypoint = below.entrypoint, below.shell_entrypoint
    one.command = one.command or below.command
    if one.health is None:
        one.health, one.health_where = below.health, below.health_where


def _read_stage(
    stage: DockerfileStage, image: str, known: dict[str, str], globals_: Mapping[str, str], file: str
) -> tuple[Contents, dict[str, str]]:
    one = Contents(file=file, stage=stage, image=image)
    for instruction in stage.instructions:
        _Reader(instruction=instruction, file=file, known=known, globals_=globals_).into(one)
    return one, known


@dataclass(frozen=True, kw_only=True, slots=True)
class _Reader:
    instruction: Instruction
    file: str
    known: dict[str, str]
    """Variables at this point; ENV and ARG add to it."""
    globals_: Mapping[str, str]

    def into(self, one: Contents) -> None:
        match self.instruction.name:
            case "ARG":
                defaults = dict(_defaults([self.instruction], self.globals_))
                one.arguments += [
                    Setting(name=name, value=value, where=self._where(0)) for name, value in defaults.items()
                ]
                self.known.update(defaults)
            case "ENV":
                for setting in self._environment():
                    one.variables.append(setting)
                    self.known[setting.name] = setting.value
            case "RUN":
                one.commands += self._commands()
            case "COPY" | "ADD":
                words = self._words()
                source = next((word.text[7:] for word in words if word.text.startswith("--from=")), None)
                one.copies.append((source, tuple(word for word in words if not word.text.startswith("--"))))
            case _:
                self._settle(one)

    def _settle(self, one: Contents) -> None:
        """Instructions of which the last one counts."""
        match self.instruction.name:
            case "WORKDIR":
                one.workdirs += [(self.instruction.line, word.text) for word in self._words()[:1]]
            case "USER":
                one.user = next(iter(self._words()), None)
            case "EXPOSE":
                one.ports += self._words()
            case "ENTRYPOINT":
                one.entrypoint, one.command = self._exec(), ()
                one.shell_entrypoint = None if self._json(0) else next(iter(one.entrypoint), None)
            case "CMD":
                one.command = self._exec()
            case "HEALTHCHECK":
                one.health_where = self._where(0)
                one.health = self._health()
            case _:
                pass

    def _where(self, offset: int) -> Where:
        return Where(file=self.file, line=self.instruction.body.line(offset))

    def _word(self, token: Token) -> Word:
        return Word(text=token.text, where=self._where(token.offset), complete=token.complete)

    def _words(self) -> list[Word]:
        """A list in JSON, or words."""
        return list(self._json(0) or [self._word(token) for command in self._split() for token in command])

    def _split(self, start: int = 0) -> list[list[Token]]:
        text = self.instruction.body.text
        return split(" " * start + text[start:], self.known)

    def _environment(self) -> Iterator[Setting]:
        tokens = [token for command in self._split() for token in command]
        if tokens and "=" not in tokens[0].text:
            text = self.instruction.body.text.strip()
            name, _, value = text.partition(" ")
            yield Setting(name=name, value=value.strip(), where=self._where(0))
            return
        for token in tokens:
            if found := ASSIGNMENT.fullmatch(token.text):
                # An empty variable that nothing set is the usual tail of a path: PATH=/x:${PATH}.
                yield Setting(
                    name=found["name"], value=found["value"], where=self._where(token.offset), complete=token.complete
                )

    def _commands(self, start: int = 0) -> list[Command]:
        text = self.instruction.body.text
        words = self._json(start)
        if words:
            if words[0].text.rpartition("/")[2] in _SHELLS and len(words) > 2:  # noqa: PLR2004 - sh -c "..."
                inner = split(words[-1].text, self.known)
                return [
                    command_of([Word(text=t.text, where=words[-1].where, complete=t.complete) for t in one])
                    for one in inner
                ]
            return [command_of(list(words))]
        begin = start + _flags_length(text[start:])
        has_cache = "type=cache" in text[start:begin]
        return [
            command_of([self._word(token) for token in command], has_cache=has_cache) for command in self._split(begin)
        ]

    def _exec(self) -> tuple[Word, ...]:
        if words := self._json(0):
            return words
        commands = self._commands()
        return commands[-1].words if commands else ()

    def _health(self) -> tuple[Command, ...] | None:
        text = self.instruction.body.text
        at = text.find("CMD")
        return tuple(self._commands(at + 3)) if at >= 0 else None

    def _json(self, start: int) -> tuple[Word, ...]:
        """The words of the exec form, or none if it is not that."""
        text = self.instruction.body.text
        begin = len(text) - len(text[start:].lstrip())
        if not text[begin:].startswith("["):
            return ()
        try:
            values = json.loads(text[begin:])
        except ValueError:
            return ()
        if not all(isinstance(value, str) for value in values):
            return ()
        words, at = [], begin
        for value in values:
            at = max(text.find(json.dumps(value, ensure_ascii=False), at), at)
            words.append(Word(text=value, where=self._where(at)))
            at += 1
        return tuple(words)


def _flags_length(text: str) -> int:
    """Characters of `--mount=... --network=...` before a RUN's command."""
    found = re.match(r"\s*(?:--[a-z]+(?:=\S+)?\s+)*", text)
    return found.end() if found else 0


def _defaults(
    instructions: tuple[Instruction, ...] | list[Instruction], globals_: Mapping[str, str]
) -> Iterator[tuple[str, str]]:
    for instruction in instructions:
        for command in split(instruction.body.text, globals_):
            for token in command:
                name, equals, value = token.text.partition("=")
                if equals:
                    yield name, value
                elif name in globals_:
                    yield name, globals_[name]


def _filled(text: str, known: Mapping[str, str]) -> str:
    words = split(text, known)
    return words[0][0].text if words else text
