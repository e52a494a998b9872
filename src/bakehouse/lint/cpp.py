"""Reads C++ just far enough to find calls and their arguments: words, strings, punctuation; no comments."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Literal

_TOKEN = re.compile(
    r"""
      (?P<comment>//[^\n]*|/\*.*?\*/)
    | (?P<raw>R"(?P<mark>[^()\\\s]{0,16})\((?P<inside>.*?)\)(?P=mark)")
    | (?P<string>"(?:\\.|[^"\\\n])*")
    | (?P<char>'(?:\\.|[^'\\\n])+')
    | (?P<word>[A-Za-z_][A-Za-z0-9_]*)
    | (?P<space>\s+)
    | (?P<sign>==|->|::|.)
    """,
    re.VERBOSE | re.DOTALL,
)
_ESCAPES = {"n": "\n", "t": "\t", '"': '"', "\\": "\\", "'": "'"}
_PAIRS = {"(": ")", "{": "}", "[": "]"}


@dataclass(frozen=True, slots=True)
class CppToken:
    kind: Literal["string", "word", "sign"]
    text: str
    """Of a string: what it means."""


def tokens(text: str) -> Iterator[CppToken]:
    """Every token but comments and white space."""
    for found in _TOKEN.finditer(text):
        match found.lastgroup:
            case "raw":
                yield CppToken("string", found["inside"])
            case "string":
                yield CppToken("string", re.sub(r"\\(.)", lambda one: _ESCAPES.get(one[1], one[0]), found[0][1:-1]))
            case "word":
                yield CppToken("word", found[0])
            case "char" | "sign":
                yield CppToken("sign", found[0])
            case _:
                pass


def closing(code: Sequence[CppToken], start: int) -> int:
    """Index of what closes the bracket at `start`; the end of the code where nothing does."""
    depth = 0
    for index in range(start, len(code)):
        if code[index].kind != "sign":
            continue
        if code[index].text in _PAIRS:
            depth += 1
        elif code[index].text in _PAIRS.values():
            depth -= 1
            if depth == 0:
                return index
    return len(code)


def parts(code: Sequence[CppToken]) -> list[list[CppToken]]:
    """The arguments of a call: what stands between its commas, brackets inside kept whole."""
    found: list[list[CppToken]] = [[]]
    index = 0
    while index < len(code):
        token = code[index]
        if token.kind == "sign" and token.text == ",":
            found.append([])
            index += 1
            continue
        end = closing(code, index) if token.kind == "sign" and token.text in _PAIRS else index
        found[-1] += code[index : end + 1]
        index = end + 1
    return found if found != [[]] else []


def is_sign(code: Sequence[CppToken], index: int, text: str) -> bool:
    return index < len(code) and code[index] == CppToken("sign", text)


def strings(code: Sequence[CppToken]) -> list[str]:
    return [token.text for token in code if token.kind == "string"]
