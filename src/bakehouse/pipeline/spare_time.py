"""Uses the time that is left when the image suite has ended: cells whose rates have too few container starts go on.

Loads that were left out, and cells that were exact early, leave such time.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from bakehouse.model.enums import Verdict
from bakehouse.model.report import Measurement, Metric
from bakehouse.model.suite import Subject, Suite
from bakehouse.probes.series import is_asked, is_settled
from bakehouse.stats.interval import LEAST
from bakehouse.suite.budget import RATES, WORK, Spent
from bakehouse.suite.results import CellResult

ROOM = 10.0
"""Seconds that another pytest takes to begin and to end."""
_ASKED: dict[str, tuple[Metric, ...]] = {RATES: ("prompt_rate", "decode_rate"), WORK: ("work_rate",)}
"""By share of the time: what goes on. Loads of many users do not."""
LOG = "pytest-spare-time.log"
"""Beside that of the suite."""
TESTS = {RATES: "test_rates", WORK: "test_work"}
"""What takes a share: what it measured stands in the run's folder, and it goes on."""
SELECTED = "test_rates or (test_work and not test_workloads)"
"""The same for pytest's `-k`."""

_NAMES = tuple(f"::{name}" for name in TESTS.values())
_NOTHING = (Verdict.FAILED, Verdict.ERRORED, Verdict.SKIPPED)


@dataclass(frozen=True, kw_only=True, slots=True)
class Short:
    """A cell with too few starts of its rates, or of its work in other units."""

    cell: str
    share: str
    starts: int
    seconds: float
    """Of its longest start."""


def starts_of(measurements: Iterable[Measurement], share: str = RATES) -> int | None:
    """Container starts of what a share measures; None where there are none, or nothing is to be gained."""
    wanted = _ASKED[share]
    asked = [one for one in measurements if one.metric in wanted and is_asked(one) and "kind" not in one.settings]
    if not asked or is_settled(asked):
        return None
    return min(len({sample.start for sample in one.used}) for one in asked)


def may_go_on(suite: Suite, found: CellResult) -> bool:
    """Whether the cell would get more starts if there were time left."""
    return any(_is_short(suite, found, share) for share in _ASKED)


def _is_short(suite: Suite, found: CellResult, share: str) -> bool:
    starts = starts_of(found.measurements, share)
    return suite.measure_for is not None and not suite.is_fixed and starts is not None and starts < LEAST


def choose(suite: Suite, found: Mapping[str, CellResult], spent: Spent, *, left: float) -> dict[str, frozenset[str]]:
    """Cells that get what is left, in the order of the suite, with the shares that go on: those with the fewest starts
    as far as one of each fits.

    `left`: seconds. Of a cell whose start nobody timed none is begun.
    """
    short = [
        Short(
            cell=subject.cell,
            share=share,
            starts=starts_of(found[subject.cell].measurements, share) or 0,
            seconds=seconds,
        )
        for subject in suite.subjects
        for share in _ASKED
        if _is_short(suite, found[subject.cell], share) and (seconds := spent.turns.get(f"{subject.cell} {share}"))
    ]
    chosen: dict[str, set[str]] = {}
    room = left - ROOM
    for one in sorted(short, key=lambda one: (one.starts, one.seconds)):
        if one.seconds <= room:
            chosen.setdefault(one.cell, set()).add(one.share)
            room -= one.seconds
    return {one.cell: frozenset(chosen[one.cell]) for one in suite.subjects if one.cell in chosen}


def second_suite(suite: Suite, chosen: Mapping[str, frozenset[str]], *, began: float) -> Suite:
    """The same with these cells alone, of which nothing but the chosen shares is measured."""
    subjects = [_only(one, chosen[one.cell]) for one in suite.subjects if one.cell in chosen]
    return suite.model_copy(update={"subjects": subjects, "began": began})


def _only(subject: Subject, shares: frozenset[str]) -> Subject:
    workload = subject.workload if RATES in shares else None
    return subject.model_copy(
        update={
            "workload": workload and workload.model_copy(update={"loads": []}),
            "work": subject.work if WORK in shares else None,
        }
    )


def together(first: CellResult, second: CellResult) -> CellResult:
    """What the cell's other tests found, with the rates of those that went on. A second round that failed is none."""
    again = {test.name: test for test in second.tests if test.name.endswith(_NAMES) and test.verdict not in _NOTHING}
    if not again or not second.measurements:
        return first
    return CellResult(
        tests=[again.get(test.name, test) for test in first.tests],
        measurements=_newer(first.measurements, second.measurements),
        baseline=_newer(first.baseline, second.baseline),
    )


def _newer(first: Sequence[Measurement], second: Sequence[Measurement]) -> list[Measurement]:
    known = {(one.workload, one.metric) for one in second}
    return [*(one for one in first if (one.workload, one.metric) not in known), *second]
