"""One stage as it is when its last line has run: everything that it stands on included."""

from __future__ import annotations

import posixpath
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from bakehouse.errors import Where
from bakehouse.lint.command import Command
from bakehouse.lint.container_file import Contents
from bakehouse.lint.dockerfile import Dockerfile
from bakehouse.lint.settings import Setting, Word
from bakehouse.lint.shell import split
from bakehouse.lint.stages.bases import BaseCatalogue, KnownBase, find_base
from bakehouse.lint.stages.components import Component, load_components
from bakehouse.lint.stages.packages import Packages, is_package_manager, read_packages

_SHELLS = frozenset({"sh", "bash", "dash", "ash", "zsh", "python", "python3", "perl"})
_SYSTEM = re.compile(
    r"/(?:usr|lib|lib64|opt|usr/local|usr/lib(?:64)?|usr/local/lib(?:64)?|usr/lib/[a-z0-9_]+-linux-gnu|nix|nix/store)?/?\*?"
)
_MOUNT = re.compile(r"--mount=\S*\bfrom=(?P<name>[^,\s]+)")


@dataclass(frozen=True, kw_only=True, slots=True)
class Copy:
    """Files that come from another stage, from another image, or from the build context."""

    source: str | None
    """Stage or image; None is the context."""
    words: tuple[Word, ...]
    """What is copied."""
    target: str
    """Absolute; ends with `/` where it is a folder for sure."""

    @property
    def folder(self) -> str:
        """Where the files lie: the target's own folder, where it is a file."""
        if self.target.endswith("/") or len(self.words) > 1 or any("*" in word.text for word in self.words):
            return self.target.rstrip("/") or "/"
        name = posixpath.basename(self.words[0].text.rstrip("/"))
        if posixpath.basename(self.target) == name or "." in posixpath.basename(self.target):
            return posixpath.dirname(self.target)
        return self.target


@dataclass(frozen=True, kw_only=True, slots=True)
class Unseen:
    """Something that may bring anything, and that was not read."""

    where: Where
    subject: str
    why: str


@dataclass(frozen=True, kw_only=True, slots=True)
class StageModel:
    """A stage with all that it stands on."""

    contents: Contents
    chain: tuple[Contents, ...]
    """The stages of this file that it consists of, the lowest first, itself last."""
    base: KnownBase
    packages: Packages
    copies: tuple[Copy, ...]
    environment: Mapping[str, Setting]
    """As it is in force at the end, with what a known image sets."""
    arguments: Mapping[str, str]
    """Build arguments with a default: RUN lines have them in their environment."""
    workdir: str
    entrypoint: tuple[Word, ...]
    command: tuple[Word, ...]
    health: str | None
    """The health check of a known image, where this file has none of its own."""
    inherited: bool
    """Whether the entrypoint is that of the image."""
    unseen: tuple[Unseen, ...]

    @property
    def commands(self) -> Iterator[Command]:
        for one in self.chain:
            yield from one.commands

    @property
    def where(self) -> Where:
        return Where(file=self.contents.file, line=self.contents.stage.line)

    def fills(self, pattern: re.Pattern[str]) -> bool:
        """Whether a line that puts files into it has a match."""
        return any(
            pattern.search(instruction.body.text)
            for one in self.chain
            for instruction in one.stage.instructions
            if instruction.name in ("RUN", "COPY", "ADD")
        )

    def has(self, name: str, *, by_use: bool = True) -> bool | None:
        """Whether it holds a component of components.yaml. None where it cannot be told.

        `by_use`: a RUN line that calls the program shows that it is there.
        """
        component = load_components()[name]
        if self.brings(name) is not None:
            return True
        if by_use and component.program and any(one.program == component.program for one in self.commands):
            return True
        if any(component.is_in(word.text) for word in self._file_words()):
            return True
        known = self.base.has(name)
        if known is False and self.unseen:
            return None
        return known

    def brings(self, name: str) -> Word | None:
        """The package that brings a component, as it was written."""
        component = load_components()[name]
        for one in self.packages.installed:
            if component.is_brought_by(one.name) or _recommended(component, one.name, recommends=one.recommends):
                return one.word
        return None

    def only_recommended(self, name: str) -> Word | None:
        """The package that recommends a component, where nothing else says that it is there."""
        component = load_components()[name]
        word = self.brings(name)
        if word is None or any(component.is_brought_by(one.name) for one in self.packages.installed):
            return None
        if self.base.has(name) or any(component.is_in(one.text) for one in self._file_words()):
            return None
        return word

    def _file_words(self) -> Iterator[Word]:
        for one in self.chain:
            for _, words in one.copies:
                yield from words
            for command in one.commands:
                if not is_package_manager(command.program):
                    yield from (word for word in command.words[1:] if "/" in word.text or "." in word.text)


def _recommended(component: Component, package: str, *, recommends: bool) -> bool:
    return recommends and package in component.brought_by_recommendation


def read_stages(
    dockerfile: Dockerfile, contents: Sequence[Contents], catalogue: BaseCatalogue
) -> tuple[StageModel, ...]:
    """One for each stage of the file, in its order."""
    by_stage = {one.stage.line: one for one in contents}
    return tuple(
        _read(tuple(by_stage[stage.line] for stage in dockerfile.ancestry(one.stage)), catalogue) for one in contents
    )


def sources_of(stage: StageModel, stages: Sequence[StageModel]) -> tuple[StageModel, ...]:
    """The stages whose files may be in a stage: those that it copies from, and theirs; itself first."""
    found: list[StageModel] = []
    waiting = [stage]
    while waiting:
        one = waiting.pop(0)
        if one in found:
            continue
        found.append(one)
        names = {name for part in one.chain for name in _named_sources(part)}
        waiting += [other for index, other in enumerate(stages) if {other.contents.stage.name, str(index)} & names]
    return tuple(found)


def _named_sources(contents: Contents) -> Iterator[str]:
    for source, _ in contents.copies:
        if source:
            yield source.lower()
    for instruction in contents.stage.instructions:
        if instruction.name == "RUN":
            for found in _MOUNT.finditer(instruction.body.text):
                yield found["name"].lower()


# ---------------------------------------------------------------------------------------------- one stage


def _read(chain: tuple[Contents, ...], catalogue: BaseCatalogue) -> StageModel:
    contents = chain[-1]
    base = find_base(chain[0].image, catalogue)
    where = Where(file=contents.file, line=chain[0].stage.line)
    image = base.image
    environment = {
        name: Setting(name=name, value=value, where=where)
        for name, value in (image.environment if image else {}).items()
    }
    for one in chain:
        environment |= {setting.name: setting for setting in one.variables}
    packages = read_packages(command for one in chain for command in one.commands)
    workdir, copies = _paths(chain, (image.workdir if image else None) or "/")
    entrypoint, command = contents.entrypoint, contents.command
    inherited = not entrypoint and image is not None and bool(image.entrypoint)
    if inherited and image is not None:
        entrypoint = tuple(Word(text=text, where=where) for text in image.entrypoint)
        command = command or tuple(Word(text=text, where=where) for text in image.command)
    return StageModel(
        contents=contents,
        chain=chain,
        base=base,
        packages=packages,
        copies=copies,
        environment=environment,
        arguments=dict(_arguments(chain)),
        workdir=workdir,
        entrypoint=entrypoint,
        command=command,
        health=image.health if image and contents.health is None and contents.health_where is None else None,
        inherited=inherited,
        unseen=(
            *_unseen_commands(chain),
            *(Unseen(where=word.where, subject=word.text, why=_PACKAGE) for word in packages.unread),
            *_unseen_copies(copies),
        ),
    )


_PACKAGE = "Which packages it stands for is not known here."


def _arguments(chain: Sequence[Contents]) -> Iterator[tuple[str, str]]:
    for one in chain:
        for instruction in one.stage.instructions:
            if instruction.name == "ARG":
                for words in split(instruction.body.text, {}):
                    for word in words:
                        name, equals, value = word.text.partition("=")
                        if equals:
                            yield name, value


def _paths(chain: Sequence[Contents], workdir: str) -> tuple[str, tuple[Copy, ...]]:
    """The working folder at the end, and each copy with its absolute target."""
    copies: list[Copy] = []
    for one in chain:
        steps: list[tuple[int, str | tuple[str | None, tuple[Word, ...]]]] = list(one.workdirs)
        steps += [(words[-1].where.line or 0, (source, words)) for source, words in one.copies if len(words) > 1]
        for _, step in sorted(steps, key=lambda step: step[0]):
            if isinstance(step, str):
                workdir = posixpath.normpath(posixpath.join(workdir, step))
                continue
            source, words = step
            target = posixpath.join(workdir, words[-1].text)
            folder = "/" if target.endswith(("/", "/.")) else ""
            copies.append(Copy(source=source, words=words[:-1], target=posixpath.normpath(target) + folder))
    return workdir, tuple(copies)


def _unseen_commands(chain: Sequence[Contents]) -> Iterator[Unseen]:
    for one in chain:
        for command in one.commands:
            if not command.words:
                continue
            first = command.words[0]
            script = next((word for word in command.words[1:] if not word.text.startswith("-")), None)
            text = " ".join(word.text for word in command.words)
            if not is_script(command):
                if command.program == "ldd":
                    yield Unseen(where=first.where, subject=text, why=_GATHERED)
            elif command.program not in _SHELLS:
                yield Unseen(where=first.where, subject=text, why=_SCRIPT)
            else:
                piped = script is None or script.text.startswith(("<", "-"))
                yield Unseen(where=first.where, subject=text, why=_PIPED if piped else _SCRIPT)


def is_script(command: Command) -> bool:
    """Whether a command runs a file of commands that is not read here."""
    if not command.words:
        return False
    first = command.words[0].text
    if first.startswith("./") or first.endswith((".sh", ".run", ".py")):
        return True
    return command.program in _SHELLS and not any(word.text in ("-c", "-m") for word in command.words[1:])


_SCRIPT = "What a script installs, builds or sets is not known here."
_PIPED = "What a fetched script installs, builds or sets is not known here."
_GATHERED = "Which libraries it finds is known only when it runs."
_FOLDER = "What all lies in such a folder is not known here."


def _unseen_copies(copies: Sequence[Copy]) -> Iterator[Unseen]:
    for copy in copies:
        for word in copy.words:
            if copy.source and _SYSTEM.fullmatch(word.text):
                yield Unseen(where=word.where, subject=f"COPY {word.text}", why=_FOLDER)
