"""How far a measurement is, on its way from a worker of the image suite to the person who waits."""

from __future__ import annotations

import statistics
from collections.abc import Callable
from dataclasses import dataclass, field

from pydantic import ValidationError

from bakehouse.formatting import round_seconds
from bakehouse.model.report import Record

MARK = "bakehouse-progress: "
"""Starts a line of a worker that says how far it is."""
_INSTANT = 0.2
"""Seconds: a start that took less was taken before, by a run that was cut off."""


class Progress(Record):
    """Of the container starts of one test."""

    cell: str
    done: int
    total: int

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


def counter(cell: str, total: int, write: Callable[[str], None]) -> Callable[[], None]:
    """Say that nothing is done yet; what is returned is to be called after each start."""
    done = 0

    def tell() -> None:
        write(Progress(cell=cell, done=done, total=total).line())

    def ended() -> None:
        nonlocal done
        done += 1
        tell()

    tell()
    return ended


@dataclass(kw_only=True, slots=True)
class Pace:
    """Of one test, from the moments at which its starts ended."""

    latest: Progress
    at: float
    """Seconds, by any clock that only goes on."""
    gaps: list[float] = field(default_factory=list)

    def take(self, progress: Progress, at: float) -> None:
        self.gaps.append(at - self.at)
        self.latest, self.at = progress, at

    def left(self, now: float) -> float | None:
        """Seconds; None before the first start has ended. Workloads differ: this is their mean so far."""
        real = [gap for gap in self.gaps if gap > _INSTANT]
        if not real:
            return None
        return max(0.0, statistics.fmean(real) * (self.latest.total - self.latest.done) - (now - self.at))

    def describe(self, now: float) -> str:
        """`measuring: 3 of 14 starts, about 2 min left`."""
        words = f"measuring: {self.latest.done} of {self.latest.total} starts"
        left = self.left(now)
        return words if left is None else f"{words}, about {round_seconds(round(left))} left"
