"""How far a measurement is, on its way from a worker of the image suite to the person who waits."""

from __future__ import annotations

import math
import statistics
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

from pydantic import ValidationError

from bakehouse.formatting import count, round_seconds, span
from bakehouse.model.report import Measurement, Record
from bakehouse.probes.series import is_asked

MARK = "bakehouse-progress: "
"""Starts a line of a worker that says how far it is."""
_INSTANT = 0.2
"""Seconds: a start that took less was taken before, by a run that was cut off."""


class Progress(Record):
    """Of the container starts of one test."""

    cell: str
    done: int
    total: int | None = None
    """None: as many as it takes."""
    left: float | None = None
    """Seconds that it may still take. None: nothing limits them."""
    figures: str = ""
    """`tg128 118 to 123 t/s`: how far the latest figures are known."""

    def line(self) -> str:
        return f"{MARK}{self.model_dump_json()}"


def read(line: str) -> Progress | None:
    """None: the line says something else."""
    if not line.startswith(MARK):
        return None
    try:
        return Progress.model_validate_json(line.removeprefix(MARK))
    except ValidationError:  # two workers wrote at once
        return None


def counter(
    cell: str, write: Callable[[str], None], *, total: int | None, left: Callable[[], float]
) -> Callable[[Sequence[Measurement]], None]:
    """Say that nothing is done yet; what is returned is to be called after each turn, with what was measured so far."""
    done = 0

    def tell(found: Sequence[Measurement] = ()) -> None:
        remaining = left()
        progress = Progress(
            cell=cell,
            done=done,
            total=total,
            left=max(0.0, remaining) if math.isfinite(remaining) else None,
            figures=_figures(found),
        )
        write(progress.line())

    def ended(found: Sequence[Measurement]) -> None:
        nonlocal done
        done += 1
        tell(found)

    tell()
    return ended


def _figures(found: Sequence[Measurement]) -> str:
    """Of each workload the first metric that is asked for: a load has its system's rate before its users'."""
    first: dict[str, str] = {}
    for one in found:
        grading = one.grading
        if is_asked(one) and grading is not None and grading.low is not None and grading.high is not None:
            first.setdefault(one.workload, f"{one.workload} {span(grading.low, grading.high, one.unit)}")
    return ", ".join(first.values())


@dataclass(kw_only=True, slots=True)
class PaceOfTest:
    """Of one test, from the moments at which its starts ended."""

    latest: Progress
    at: float
    """Seconds, by any clock that only goes on."""
    gaps: list[float] = field(default_factory=list)

    def take(self, progress: Progress, at: float) -> None:
        self.gaps.append(at - self.at)
        self.latest, self.at = progress, at

    def left(self, now: float) -> float | None:
        """Seconds; None before the first start has ended and where nothing limits them. Workloads differ: it is their
        mean so far.
        """
        limit = None if self.latest.left is None else max(0.0, self.latest.left - (now - self.at))
        real = [gap for gap in self.gaps if gap > _INSTANT]
        if not real or self.latest.total is None:
            return limit
        expected = max(0.0, statistics.fmean(real) * (self.latest.total - self.latest.done) - (now - self.at))
        return expected if limit is None else min(limit, expected)

    def describe(self, now: float) -> str:
        """`measuring: 3 of 14 starts, about 2 min left`; `measuring: 3 starts, tg128 118 to 123 t/s, at most 2 min`."""
        total = self.latest.total
        number = count(self.latest.done, "start") if total is None else f"{self.latest.done} of {count(total, 'start')}"
        words = f"measuring: {number}"
        if self.latest.figures:
            words += f", {self.latest.figures}"
        left = self.left(now)
        if left is None:
            return words
        return f"{words}, {'at most' if total is None else 'about'} {round_seconds(round(left))} left"
