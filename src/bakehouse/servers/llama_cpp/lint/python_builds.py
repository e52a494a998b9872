"""Builds of llama.cpp by pip, as part of llama-cpp-python: their CMake options come through CMAKE_ARGS."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence

from bakehouse.lint.command import Command, definitions
from bakehouse.lint.settings import Setting, Word
from bakehouse.servers.llama_cpp.lint.revisions import installs_python_package

VARIABLES = ("CMAKE_ARGS", "SKBUILD_CMAKE_ARGS")
OWN_OPTIONS = frozenset({"LLAMA_BUILD", "LLAVA_BUILD", "MTMD_BUILD"})
"""Of the package's own CMakeLists.txt."""

_CONFIG = re.compile(r"(?:--config-settings?=|-C)?cmake\.args=(?P<value>.*)", re.DOTALL)
_BETWEEN = re.compile(r"\s+|;(?=-)")


def python_steps(
    commands: Sequence[Command], variables: Sequence[Setting]
) -> Iterator[tuple[Command, tuple[Setting, ...]]]:
    """Each install of llama-cpp-python, with the options that reach its configure step."""
    for command in commands:
        if installs_python_package(command):
            yield command, tuple(definitions([*_given(command, variables)]))


def _given(command: Command, variables: Sequence[Setting]) -> Iterator[Word]:
    """`variables` of the stage or script; what stands before the command itself wins over them."""
    for name in VARIABLES:
        told = [one for one in (*variables, *command.assigned) if one.name == name]
        if told:
            yield from _words(told[-1].value, told[-1])
    for word in command.words:
        if found := _CONFIG.fullmatch(word.text):
            yield from _words(found["value"], word)


def _words(text: str, at: Setting | Word) -> Iterator[Word]:
    for part in _BETWEEN.split(text.strip()):
        if part:
            yield Word(text=part.strip("'\""), where=at.where, complete=at.complete or "$" not in part)
