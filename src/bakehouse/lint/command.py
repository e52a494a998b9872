"""Simple commands of a shell: a program with its words, wherever they stand (a RUN line, a script, a unit)."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

from bakehouse.lint.settings import Setting, Word

ASSIGNMENT = re.compile(r"(?P<name>[A-Za-z_][A-Za-z0-9_]*)=(?P<value>.*)", re.DOTALL)
_DEFINITION = re.compile(r"(?P<name>[A-Za-z_][A-Za-z0-9_]*)(?::[A-Za-z]+)?=(?P<value>.*)", re.DOTALL)
_PREFIXES = frozenset(
    {"sudo", "exec", "env", "time", "nice", "command", "nohup", "if", "then", "else", "elif", "do", "while", "!", "{"}
)
"""Words before a program: other programs that start it, and the shell's own."""
_CONFIGURES = frozenset({"cmake", "cmake3", "ccmake"})
_OTHER_MODES = frozenset({"--build", "--install", "--open", "-E", "-P", "--version", "--help", "--workflow"})


@dataclass(frozen=True, kw_only=True, slots=True)
class Command:
    """One simple command."""

    words: tuple[Word, ...]
    """Without assignments before the program."""
    assigned: tuple[Setting, ...] = ()
    has_cache: bool = False
    """Whether its RUN line mounts a cache."""

    @property
    def program(self) -> str:
        return self.words[0].text.rpartition("/")[2] if self.words else ""

    @property
    def configures(self) -> bool:
        """Whether it is a configure step of CMake."""
        return self.program in _CONFIGURES and not any(word.text in _OTHER_MODES for word in self.words)

    @property
    def builds(self) -> bool:
        """Whether it builds what CMake has configured."""
        return self.program in _CONFIGURES and any(word.text == "--build" for word in self.words)


def command_of(words: Sequence[Word], *, has_cache: bool = False) -> Command:
    """Assignments and words like `sudo` before the program are taken off."""
    assigned: list[Setting] = []
    rest = list(words)
    while rest:
        found = ASSIGNMENT.fullmatch(rest[0].text)
        if found:
            assigned.append(
                Setting(name=found["name"], value=found["value"], where=rest[0].where, complete=rest[0].complete)
            )
        elif rest[0].text not in _PREFIXES:
            break
        rest = rest[1:]
    return Command(words=tuple(rest), assigned=tuple(assigned), has_cache=has_cache)


def definitions(words: Iterable[Word]) -> Iterator[Setting]:
    """`-DNAME=VALUE`, `-DNAME:TYPE=VALUE` and `-D NAME=VALUE`, as often and in the order as they are written."""
    before = ""
    for word in words:
        text = word.text if before == "-D" else word.text.removeprefix("-D") if word.text.startswith("-D") else ""
        before = word.text
        if found := _DEFINITION.fullmatch(text):
            yield Setting(name=found["name"], value=found["value"], where=word.where, complete=word.complete)
