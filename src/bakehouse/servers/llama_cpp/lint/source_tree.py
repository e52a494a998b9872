"""Reading a source tree: its CMake files, the server's arguments, the environment that its code looks at."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

from bakehouse.errors import InputError, Where
from bakehouse.lint.cpp import is_sign, tokens
from bakehouse.lint.options import SourceOptions
from bakehouse.servers.llama_cpp.lint.cmake_options import read_cmake
from bakehouse.servers.llama_cpp.lint.server_arguments import FILE, read_arguments

CODE = ("ggml/src", "src", "common", "tools")
"""Folders whose code is in an image; tests and examples are not."""
_SUFFIXES = frozenset({".c", ".cc", ".cpp", ".cu", ".cuh", ".h", ".hpp"})
_OWN_VARIABLE = re.compile(r"(?:GGML|LLAMA|MTMD)_[A-Z0-9_]+")
"""A text that is nothing else: sources hand such names to readers of their own as well as to getenv."""
_ARG = re.compile(r"^\s*ARG\s+([A-Za-z_][A-Za-z0-9_]*)", re.MULTILINE)
_GETENV = frozenset({"getenv", "secure_getenv", "std_getenv"})


def can_read(folder: Path) -> bool:
    """Whether it is a tree of llama.cpp."""
    return (folder / FILE).is_file()


def read_tree(folder: Path, *, revision: str) -> SourceOptions:
    """Raises InputError when it is no tree of llama.cpp."""
    if not can_read(folder):
        hint = "The lint can read llama.cpp's sources only."
        raise InputError(f"no {FILE} in the source tree", hint=hint, where=Where(file=str(folder)))
    return SourceOptions(
        revision=revision,
        cmake=read_cmake(_cmake_files(folder)),
        arguments=read_arguments(_text(folder / FILE), parsers=_common(folder)),
        environment=tuple(sorted(_environment(folder))),
        build_arguments=tuple(sorted(_build_arguments(folder))),
        dockerfiles=tuple(path.relative_to(folder).as_posix() for path in _dockerfiles(folder)),
    )


def _cmake_files(folder: Path) -> Iterator[tuple[str, str]]:
    """The top one first, then by path: the first definition of an option is the one that counts."""
    found = [*folder.rglob("CMakeLists.txt"), *folder.rglob("*.cmake")]
    for path in sorted(found, key=lambda path: (len(path.relative_to(folder).parts), path)):
        yield path.relative_to(folder).as_posix(), _text(path)


def _common(folder: Path) -> list[str]:
    """Files beside the one with the arguments: functions in them parse some of the values."""
    return [_text(path) for path in sorted((folder / FILE).parent.glob("*.cpp")) if path.name != Path(FILE).name]


def _dockerfiles(folder: Path) -> list[Path]:
    return sorted((folder / ".devops").glob("*Dockerfile"))


def _build_arguments(folder: Path) -> set[str]:
    return {found for path in _dockerfiles(folder) for found in _ARG.findall(_text(path))}


def _environment(folder: Path) -> set[str]:
    names: set[str] = set()
    for root in CODE:
        for path in sorted((folder / root).rglob("*")):
            if path.suffix in _SUFFIXES and path.is_file():
                names |= _variables(_text(path))
    return names


def _variables(text: str) -> set[str]:
    if "getenv" not in text and not re.search(r'"(?:GGML|LLAMA|MTMD)_', text):
        return set()
    code = list(tokens(text))
    own = {token.text for token in code if token.kind == "string" and _OWN_VARIABLE.fullmatch(token.text)}
    asked = {
        code[index + 2].text
        for index, token in enumerate(code[:-2])
        if token.text in _GETENV and is_sign(code, index + 1, "(") and code[index + 2].kind == "string"
    }
    return own | asked


def _text(path: Path) -> str:
    return path.read_text(encoding="utf-8", errors="replace")
