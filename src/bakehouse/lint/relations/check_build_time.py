"""RUN lines that need what a build does not have: a card, its driver."""

from __future__ import annotations

import re
from collections.abc import Iterator

from bakehouse.lint.finding import Finding, Severity, finding
from bakehouse.lint.relations.view import View

_PROGRAMS = frozenset({"nvidia-smi", "rocminfo", "xpu-smi", "rocm-smi", "amd-smi"})


def check_build_time(view: View) -> Iterator[Finding]:
    for stage in view.stages:
        for command in stage.contents.commands:
            if command.program not in _PROGRAMS or stage.fills(_excused(command.program)):
                continue
            yield finding(
                command.words[0],
                "finds no card in a build",
                "Cards and the driver's programs come in when a container starts: a build has none.",
                "leave it out, or ask when the container starts",
                severity=Severity.WARNING,
            )


def _excused(program: str) -> re.Pattern[str]:
    """Where it may fail, or is asked for first."""
    return re.compile(rf"{program}[^;&\n]*\|\||\bif\b[^;]*{program}|(?:which|command -v|-x|echo)\s+\S*{program}")
