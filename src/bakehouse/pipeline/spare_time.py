"""Time that is left when the image suite has ended: cells whose rates have too few container starts go on.

Loads that were left out, and cells that were exact early, leave time that nobody had known of before.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from bakehouse.model.enums import Verdict
from bakehouse.model.report import Measurement, Metric
from bakehouse.model.suite import Suite
from bakehouse.probes.series import is_asked, is_settled
from bakehouse.stats.interval import LEAST
from bakehouse.suite.budget import RATES, Spent
from bakehouse.suite.results import Found

ROOM = 10.0
"""Seconds that another pytest takes to begin and to end."""
_RATES: tuple[Metric, ...] = ("prompt_rate", "decode_rate")
LOG = "pytest-spare-time.log"
"""Beside that of the suite."""
RATES_TEST = "test_rates"
"""What goes on: what it measured stands in the run's folder."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Short:
    """A cell with too few starts."""

    cell: str
    starts: int
    seconds: float
    """Of its longest start."""


def starts_of(measurements: Iterable[Measurement]) -> int | None:
    """Container starts of pp and tg; None where there are none, or nothing is to be gained."""
    asked = [one for one in measurements if one.metric in _RATES and is_asked(one) and "kind" not in one.settings]
    if not asked or is_settled(asked):
        return None
    return min(len({sample.start for sample in one.used}) for one in asked)


def may_go_on(suite: Suite, found: Found) -> bool:
    """Whether the cell would get more starts if there were time left."""
    starts = starts_of(found.measurements)
    return suite.measure_for is not None and not suite.is_fixed and starts is not None and starts < LEAST


def choose(suite: Suite, found: Mapping[str, Found], spent: Spent, *, left: float) -> tuple[str, ...]:
    """Cells that get what is left, in the order of the suite: those with the fewest starts as far as one of each fits.

    `left`: seconds. Of a cell whose start nobody timed none is begun.
    """
    short = [
        Short(cell=subject.cell, starts=starts_of(found[subject.cell].measurements) or 0, seconds=seconds)
        for subject in suite.subjects
        if may_go_on(suite, found[subject.cell]) and (seconds := spent.turns.get(f"{subject.cell} {RATES}"))
    ]
    chosen: set[str] = set()
    room = left - ROOM
    for one in sorted(short, key=lambda one: (one.starts, one.seconds)):
        if one.seconds <= room:
            chosen.add(one.cell)
            room -= one.seconds
    return tuple(subject.cell for subject in suite.subjects if subject.cell in chosen)


def second_suite(suite: Suite, cells: Sequence[str], *, began: float) -> Suite:
    """The same with these cells alone, of which nothing but rates is measured."""
    subjects = [
        subject.model_copy(
            update={"workload": subject.workload and subject.workload.model_copy(update={"loads": []}), "work": None}
        )
        for subject in suite.subjects
        if subject.cell in cells
    ]
    return suite.model_copy(update={"subjects": subjects, "began": began})


def together(first: Found, second: Found) -> Found:
    """What the cell's other tests found, with the rates of those that went on. A second round that failed is none."""
    again = next((test for test in second.tests if RATES_TEST in test.name), None)
    if again is None or again.verdict in (Verdict.FAILED, Verdict.ERRORED) or not second.measurements:
        return first
    return Found(
        tests=[again if test.name == again.name else test for test in first.tests],
        measurements=_newer(first.measurements, second.measurements),
        baseline=_newer(first.baseline, second.baseline),
    )


def _newer(first: Sequence[Measurement], second: Sequence[Measurement]) -> list[Measurement]:
    known = {(one.workload, one.metric) for one in second}
    return [*(one for one in first if (one.workload, one.metric) not in known), *second]
