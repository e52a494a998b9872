"""Variables of an image or of a build, checked against what the source reads, and what CUDA and ROCm make of theirs."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import replace
from typing import Literal

from bakehouse.lint.finding import Finding, Severity, finding
from bakehouse.lint.nearest import nearest
from bakehouse.lint.options import Argument, SourceOptions
from bakehouse.lint.settings import Setting
from bakehouse.servers.llama_cpp.lint.check_arguments import IN_PART, as_digits
from bakehouse.servers.llama_cpp.lint.known_options import ABSENT, Fact, Knowledge
from bakehouse.servers.llama_cpp.lint.old_names import meant_variable

OWN = re.compile(r"(?:GGML|LLAMA|MTMD)_[A-Z0-9_]+")
ARGUMENT = "LLAMA_ARG_"
NEGATED = "LLAMA_ARG_NO_"
TRUTHY = frozenset({"on", "enabled", "true", "1"})
FALSEY = frozenset({"off", "disabled", "false", "0"})

Stage = Literal["build", "image", "run"]


def check_variable(
    setting: Setting, options: SourceOptions, knowledge: Knowledge, *, stage: Stage, other_program: str | None = None
) -> Iterator[Finding]:
    """`stage` says whether it is set while something is built, in the image, or for one container or service.

    `other_program` is what the image starts where that is not the server: it may have variables of its own.
    """
    known = variables(options)
    facts = [
        fact for fact in knowledge.environment if _applies(fact, stage) and fact.concerns(setting.name, setting.value)
    ]
    if facts:
        fact = facts[0]
        if fact.problem not in ABSENT or setting.name not in known:
            told = fact.told(setting.where, setting.as_variable)
            if other_program is not None and fact.problem == "ignored":
                told = replace(told, severity=Severity.NOTE, why=f"{told.why} {other_program} may read it.")
            yield told
        return
    if stage == "build" or not OWN.fullmatch(setting.name):
        return
    if setting.name not in known:
        yield _unknown(setting, known, options, knowledge, other_program)
    elif argument := known[setting.name]:
        yield from _check_value(setting, argument)


def _applies(fact: Fact, stage: Stage) -> bool:
    """What only does harm in an image, because it holds on every host, may be right for a container on one of them."""
    if stage == "run":
        return fact.where == "anywhere" or (fact.where == "image" and fact.problem == "breaks")
    return fact.where in (stage, "anywhere")


def _unknown(
    setting: Setting,
    known: Iterable[str],
    options: SourceOptions,
    knowledge: Knowledge,
    other_program: str | None,
) -> Finding:
    meant = meant_variable(setting.name, setting.value, options, knowledge)
    near = nearest(setting.name, known)
    if other_program is not None and not setting.name.startswith(ARGUMENT) and not _is_of_cmake(setting, options):
        why = f"{other_program} may read it."
        name = setting.as_variable
        return finding(setting, "is not read by llama.cpp", why, near, subject=name, severity=Severity.NOTE)
    if meant:
        return _finding(setting, meant.what, meant.why, meant.instead)
    return _finding(setting, "is read by nothing", "No source of this revision has this name.", near or "leave it out")


def _is_of_cmake(setting: Setting, options: SourceOptions) -> bool:
    return setting.name in options.cmake.options or setting.name in options.cmake.variables


def variables(options: SourceOptions) -> dict[str, Argument | None]:
    """What the sources read, with the server's argument that says the same where there is one."""
    names = [*options.environment, *options.cmake.environment]
    known: dict[str, Argument | None] = {name: None for name in names if not name.startswith(ARGUMENT)}
    for argument in options.arguments:
        if argument.environment:
            known[argument.environment] = argument
            if argument.negated:
                known[argument.environment.replace(ARGUMENT, NEGATED)] = argument
    return known


def _check_value(setting: Setting, argument: Argument) -> Iterator[Finding]:
    value = setting.value
    if not setting.complete or (argument.negated and setting.name.startswith(NEGATED)):
        return
    if not argument.accepts(value):
        yield _finding(setting, f"cannot be {value!r}", "The server exits.", argument.advice)
    elif (part := argument.read_part(value)) is not None:
        yield _finding(setting, f"is taken for {part}", IN_PART, f"{setting.name}={as_digits(value)}")
    elif argument.takes == "nothing" and argument.negated and value not in TRUTHY | FALSEY:
        yield _finding(setting, "is neither on nor off", "The server exits.", f"{setting.name}=on or off")
    elif argument.takes == "nothing" and not argument.negated and value not in TRUTHY:
        yield _finding(setting, "has no effect", "Only on, enabled, true and 1 switch it on.", f"{setting.name}=on")


def _finding(setting: Setting, what: str, why: str, instead: str) -> Finding:
    return finding(setting, what, why, instead, subject=setting.as_variable, by_revision=True)
