"""What a RUN line settles for its own shell alone, and words that this shell does not know."""

from __future__ import annotations

import re
from collections.abc import Iterator

from bakehouse.lint.command import Command
from bakehouse.lint.container_file import Contents
from bakehouse.lint.finding import Finding, Severity, finding
from bakehouse.lint.relations.view import View
from bakehouse.lint.settings import Word
from bakehouse.lint.stages.stage import StageModel

_FORGOTTEN = {
    "cd": "WORKDIR, or && between the commands",
    "export": "ENV, or && between the commands",
    "source": "&& between the commands",
    ".": "&& between the commands",
}
"""Commands that change nothing but the shell that runs them, and what to write instead."""


def check_lost(view: View) -> Iterator[Finding]:
    for stage in view.sources:
        for one in stage.chain:
            yield from _check_alone(one)
        yield from _check_source(stage)


def _check_alone(one: Contents) -> Iterator[Finding]:
    """A RUN of nothing but such commands. Each RUN has a shell of its own."""
    by_run: dict[int, list[Command]] = {}
    lines = sorted(instruction.line for instruction in one.stage.instructions if instruction.name == "RUN")
    for command in one.commands:
        line = (command.words[0].where.line if command.words else None) or 0
        begun = [first for first in lines if first <= line]
        by_run.setdefault(begun[-1] if begun else line, []).append(command)
    for commands in by_run.values():
        names = [command.program if command.program in _FORGOTTEN else command.words[:1] for command in commands]
        if commands and all(isinstance(name, str) for name in names):
            first = commands[0].words[0]
            yield finding(
                Word(text=" ".join(word.text for word in commands[0].words), where=first.where),
                "is forgotten with the end of its RUN line",
                "Every RUN has a shell of its own: the folder and the variables of one are gone in the next.",
                _FORGOTTEN[commands[0].program],
                severity=Severity.WARNING,
                link="https://docs.docker.com/reference/dockerfile/#run",
            )


def _check_source(stage: StageModel) -> Iterator[Finding]:
    """`source` is a word of bash; Debian's and Ubuntu's sh does not have it."""
    if stage.base.distribution_name not in ("debian", "ubuntu") or _has_shell(stage):
        return
    for command in stage.contents.commands:
        if command.program == "source" and len(command.words) > 1:
            yield finding(
                command.words[0],
                "is not known to /bin/sh, which runs the line",
                "Debian's and Ubuntu's sh is dash: \"source: not found\", and the build stops.",
                f'. {command.words[1].text}, or SHELL ["/bin/bash", "-c"] before it',
                link="https://docs.docker.com/reference/dockerfile/#shell",
            )
            return


def _has_shell(stage: StageModel) -> bool:
    """Whether another shell runs the lines, or sh is made one."""
    told = any(instruction.name == "SHELL" for one in stage.chain for instruction in one.stage.instructions)
    linked = re.compile(r"/bin/sh\b")
    return told or any(
        command.program in ("ln", "dpkg-reconfigure", "mv") and any(linked.search(word.text) for word in command.words)
        for command in stage.commands
    )
