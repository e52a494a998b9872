"""Builds of llama.cpp by pip, as part of llama-cpp-python: their CMake options come through CMAKE_ARGS."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence

from bakehouse.lint.command import Command, definitions
from bakehouse.lint.container_file import Contents
from bakehouse.lint.relations.view import PIP
from bakehouse.lint.settings import Setting, Word
from bakehouse.servers.llama_cpp.lint.revisions import installs_python_package

VARIABLES = ("CMAKE_ARGS", "SKBUILD_CMAKE_ARGS")

_CONFIG = re.compile(r"(?:--config-settings?=|-C)?cmake\.args=(?P<value>.*)", re.DOTALL)
_WHEELS = re.compile(r"llama[-_]cpp[-_]python")
_BETWEEN = re.compile(r"\s+|;(?=-)")


def python_steps(
    commands: Sequence[Command], variables: Sequence[Setting]
) -> Iterator[tuple[Command, tuple[Setting, ...]]]:
    """Each install of llama-cpp-python, with the options that reach its configure step."""
    for command in commands:
        if installs_python_package(command):
            yield command, tuple(definitions([*_given(command, variables)]))


def wheel_steps(contents: Contents) -> Iterator[tuple[Command, tuple[Setting, ...]]]:
    """Of a stage: each install with the options that reach it, then each that any CMAKE_ARGS of the stage may reach."""
    yield from python_steps(contents.commands, contents.variables)
    for command in contents.commands:
        texts = [word.text for word in command.words]
        if command.program not in PIP or "install" not in texts or not any(_WHEELS.match(text) for text in texts):
            continue
        if _is_conditional(command, contents):
            continue
        given = [*contents.variables, *command.assigned]
        for setting in [one for one in given if one.name == "CMAKE_ARGS"][-1:]:
            words = (Word(text=text, where=setting.where) for text in setting.value.split())
            yield command, tuple(definitions(words))


def steps_of(contents: Contents) -> Iterator[tuple[Command, tuple[Setting, ...]]]:
    """Each configure step with its options, as often as they stand there; those of pip last."""
    yield from contents.steps
    yield from python_steps(contents.commands, contents.variables)


def _is_conditional(command: Command, part: Contents) -> bool:
    """Whether a RUN line builds this or that, as its base image may be."""
    line = command.words[0].where.line or 0
    bodies = [one.body for one in part.stage.instructions if one.name == "RUN" and one.line <= line]
    return bool(bodies) and bool(re.search(r"\bif\s+\[", bodies[-1].text))


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
