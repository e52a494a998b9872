"""CMake's language: text to commands with their arguments. The grammar is small, so we read all of it.

See cmake-language(7). The parsers on PyPI (cmakelang, cmake-parser) have had no release for years.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass

_TOKEN = re.compile(
    r"""
      (?P<bracket_comment>\#\[(?P<c>=*)\[.*?\](?P=c)\])
    | (?P<comment>\#[^\n]*)
    | (?P<bracket>\[(?P<b>=*)\[(?P<inside>.*?)\](?P=b)\])
    | (?P<quoted>"(?:\\.|[^"\\])*")
    | (?P<open>\()
    | (?P<close>\))
    | (?P<space>\s+)
    | (?P<word>(?:\\.|\$\([A-Za-z0-9_]*\)|"(?:\\.|[^"\\])*"|[^\s()#"\\])+)
    """,
    re.VERBOSE | re.DOTALL,
)


@dataclass(frozen=True, kw_only=True, slots=True)
class CMakeCommand:
    """`set(NAME value CACHE STRING "help")`."""

    name: str
    """In lower case: CMake does not tell `SET` from `set`."""
    arguments: tuple[str, ...]
    """Without quotes; parentheses inside, as in conditions, are arguments of their own."""
    line: int


def commands(text: str) -> Iterator[CMakeCommand]:
    """Every command of a file. What is no CMake is passed over: the lint reads files that CMake has accepted."""
    name, line, depth = "", 0, 0
    arguments: list[str] = []
    for kind, value, at in _tokens(text):
        if depth == 0:
            if kind == "open" and name:
                depth, arguments = 1, []
            else:
                name, line = (value.lower(), at) if kind == "word" else ("", at)
        elif kind == "open":
            depth += 1
            arguments.append("(")
        elif kind == "close":
            depth -= 1
            if depth:
                arguments.append(")")
            else:
                yield CMakeCommand(name=name, arguments=tuple(arguments), line=line)
                name = ""
        else:
            arguments.append(value)


def _tokens(text: str) -> Iterator[tuple[str, str, int]]:
    position, line = 0, 1
    while position < len(text):
        found = _TOKEN.match(text, position)
        if found is None:
            position += 1
            continue
        match found.lastgroup:
            case "space" | "comment" | "bracket_comment":
                pass
            case "quoted":
                yield "quoted", found[0][1:-1].replace("\\\n", ""), line
            case "bracket":
                yield "quoted", found["inside"].removeprefix("\n"), line
            case kind:
                yield str(kind), found[0], line
        line += found[0].count("\n")
        position = found.end()
