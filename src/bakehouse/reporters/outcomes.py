"""What every report says of how it went: verdicts in words, the headline, and what one must know of what went wrong."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Protocol

from bakehouse.formatting import count
from bakehouse.model.enums import SEVERITY, Verdict
from bakehouse.model.report import BuildResult, CellReport, RunReport
from bakehouse.reporters import grades, logs

_BOOKKEEPING = re.compile(r"^\[(\S+ )?(internal|context [^]]*|auth)\]|^(\[\S+\] )?exporting to")


class HasVerdict(Protocol):
    @property
    def verdict(self) -> Verdict: ...


@dataclass(frozen=True, kw_only=True, slots=True)
class Problem:
    """Something of a cell that is not passed, with what one needs to understand it."""

    what: str
    """`build`, `proof linkage`, `test_health.py::test_becomes_healthy`."""
    verdict: Verdict
    message: str
    lines: tuple[str, ...] = ()
    log: str = ""
    """Path relative to the run's folder; empty where there is none."""


def passed(parts: Sequence[HasVerdict]) -> int:
    return sum(part.verdict is Verdict.PASSED for part in parts)


def proved(checks: Sequence[HasVerdict]) -> tuple[int, int]:
    """How many proofs passed, of those that have something to prove on this image."""
    asked = [check for check in checks if check.verdict is not Verdict.SKIPPED]
    return passed(asked), len(asked)


def proof_words(checks: Sequence[HasVerdict]) -> str:
    """`13 of 13`. Empty where nothing was looked at."""
    good, asked = proved(checks)
    return f"{good} of {asked}" if asked else ""


def together(cells: Sequence[CellReport], *, folder: Path) -> list[tuple[list[CellReport], list[Problem]]]:
    """Cells that are not passed, with their problems. Those that have the same to say, and no evidence, are one."""
    found: dict[object, tuple[list[CellReport], list[Problem]]] = {}
    for number, cell in enumerate(cells):
        if cell.verdict is Verdict.PASSED:
            continue
        here = problems(cell, folder=folder)
        is_plain = all(problem.what == "cell" for problem in here)
        key = (cell.verdict, *(problem.message for problem in here)) if is_plain else number
        found.setdefault(key, ([], here))[0].append(cell)
    return list(found.values())


def verdict_words(parts: Sequence[HasVerdict]) -> str:
    """`13 passed, 1 skipped`."""
    return ", ".join(f"{number} {verdict}" for verdict, number in _counts(parts))


def cached_share(build: BuildResult) -> float | None:
    """How many of the steps came from the cache, 0 to 1; None where there were no steps that can.

    BuildKit never caches its own bookkeeping: reading files from us, writing the image.
    """
    steps = [step for step in build.steps if not _BOOKKEEPING.search(step.name)]
    return sum(step.cached for step in steps) / len(steps) if steps else None


def tally(run: RunReport) -> list[tuple[Verdict, int]]:
    """How many cells have each verdict; verdicts that no cell has are left out; passed first."""
    return _counts(run.cells)


def headline(run: RunReport) -> str:
    """One sentence for the top of every report."""
    if not run.cells:
        words = "No cell was built"
    elif (good := passed(run.cells)) == len(run.cells):
        words = "The only cell passed" if good == 1 else f"All {good} cells passed"
    else:
        rest = ", ".join(f"{number} {verdict}" for verdict, number in tally(run) if verdict is not Verdict.PASSED)
        words = f"{good} of {count(len(run.cells), 'cell')} passed, {rest}"
    if remark := grades.remark(run.cells):
        words += f", {remark}"
    return words if run.finished else f"{words}; the run is not finished"


def short_reason(reason: str) -> str:
    """Without the places that were tried: `no base rocm-7.2 for linux/amd64`."""
    return reason.partition(" (tried")[0]


def run_seconds(run: RunReport) -> float | None:
    return _between(run.started, run.finished) if run.finished else None


def problems(cell: CellReport, *, folder: Path) -> list[Problem]:
    """Everything of a cell that is failed or errored; a reason that nothing else explains comes first."""
    found: list[Problem] = []
    if cell.build and _is_bad(cell.build):
        step = next((step for step in cell.build.steps if step.error), None)
        message = cell.build.reason or (step.error if step else "")
        lines = tuple(cell.build.tail) or logs.tail(folder, cell.build.log)
        found.append(
            Problem(what="build", verdict=cell.build.verdict, message=message, lines=lines, log=cell.build.log),
        )
    found += [
        Problem(what=f"proof {check.name}", verdict=check.verdict, message=check.message, lines=tuple(check.details))
        for check in cell.checks
        if _is_bad(check)
    ]
    found += [
        Problem(
            what=test.name,
            verdict=test.verdict,
            message=test.message,
            lines=logs.tail(folder, test.container_log),
            log=test.container_log,
        )
        for test in cell.tests
        if _is_bad(test)
    ]
    if not found and cell.verdict is not Verdict.PASSED:
        found = [Problem(what="cell", verdict=cell.verdict, message=cell.reason or "no reason was recorded")]
    return found


def _counts(parts: Sequence[HasVerdict]) -> list[tuple[Verdict, int]]:
    order = [Verdict.PASSED, *(verdict for verdict in SEVERITY if verdict is not Verdict.PASSED)]
    counts = [(verdict, sum(part.verdict is verdict for part in parts)) for verdict in order]
    return [(verdict, number) for verdict, number in counts if number]


def _is_bad(part: HasVerdict) -> bool:
    return part.verdict in (Verdict.FAILED, Verdict.ERRORED)


def _between(start: datetime, end: datetime) -> float:
    """Seconds; a file that mixes times with and without a zone still gives a number."""
    if (start.tzinfo is None) != (end.tzinfo is None):
        start, end = start.replace(tzinfo=None), end.replace(tzinfo=None)
    return max(0.0, (end - start).total_seconds())
