"""A measurement while it is taken: one container start after the other, alone or in turn with another image's.

Started in turn, two images are both affected by what drifts on a machine within an hour, so it makes no difference
between them.
"""

from __future__ import annotations

import itertools
import math
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any, Protocol

from bakehouse.measure.cpu_usage import Trouble
from bakehouse.model.enums import Grade, Verdict
from bakehouse.model.field_types import Unit
from bakehouse.model.report import Measurement, Metric, Sample
from bakehouse.stats.grading import graded, reach
from bakehouse.stats.interval import LEAST, interval

ASKED: tuple[Metric, ...] = ("prompt_rate", "decode_rate", "system_rate", "work_rate")
"""What is measured until it is exact. All else comes with it."""
_LEAST_TURN = 1.0
"""Seconds: with less, no container has even started."""
_LOOK_BACK, _HELPS = 2, 0.9
"""Two more starts must have narrowed the widest interval by a tenth: otherwise more of them do not help."""


def _not_kept(*_: Any) -> None:
    """For a series whose samples are not kept on disk."""


@dataclass(kw_only=True, slots=True)
class Samples:
    """Of one series, in the order they came. Those of an earlier attempt at the same series may be there already."""

    by_metric: dict[tuple[str, Metric], list[Sample]] = field(default_factory=dict)
    """By (workload, metric)."""
    starts: int = 0
    """Container starts that were taken to their end."""
    keep: Callable[[str, Metric, Sample], None] = _not_kept
    """Called with the workload as soon as a sample is there: whatever happens next, it is not lost."""
    keep_start: Callable[[int], None] = _not_kept

    def add(self, workload: str, metric: Metric, sample: Sample) -> None:
        self.by_metric.setdefault((workload, metric), []).append(sample)
        self.keep(workload, metric, sample)

    @property
    def next_start(self) -> int:
        """Its number. One that was cut off keeps its own: its repetitions count as well."""
        return max((sample.start + 1 for taken in self.by_metric.values() for sample in taken), default=0)

    def end_start(self, number: int) -> None:
        self.starts += 1
        self.keep_start(number)

    def measurements(self, units: dict[Metric, Unit], settings: dict[str, Any]) -> list[Measurement]:
        """One for each workload and metric; a metric that `units` lacks is a time."""
        return [
            graded(
                Measurement(
                    workload=workload,
                    metric=metric,
                    unit=units.get(metric, "seconds"),
                    samples=taken,
                    settings=settings,
                )
            )
            for (workload, metric), taken in self.by_metric.items()
        ]


def void_if(reason: str, sample: Sample) -> Sample:
    """The sample, void where there is a reason. One that is void already, or skipped, keeps its own."""
    if not reason or sample.verdict is not Verdict.PASSED:
        return sample
    return sample.model_copy(update={"verdict": Verdict.VOID, "reason": reason})


def troubled(trouble: Trouble | None, sample: Sample) -> Sample:
    """The sample with what took part in it: void or noisy. One that is void already, or skipped, keeps its reason."""
    if trouble is None or sample.verdict is not Verdict.PASSED:
        return sample
    if trouble.kind is None:
        return void_if(trouble.reason, sample)
    return sample.model_copy(update={"disturbed": trouble.kind, "reason": trouble.reason})


class Series(Protocol):
    """One image under one load, or several that share a server."""

    @property
    def samples(self) -> Samples: ...

    def take(self, number: int) -> None:
        """Start a container, measure, remove it. Raises ProbeFailed when it answers nothing at all."""

    def measurements(self) -> list[Measurement]: ...


def for_ever() -> float:
    """Seconds that are left where nothing limits them."""
    return math.inf


@dataclass(frozen=True, kw_only=True, slots=True)
class Turns:
    """How many container starts a measurement gets."""

    wanted: int
    """Taken as long as there is time."""
    most: int
    """More than wanted: starts go on while they narrow an interval, and end as soon as all figures are exact."""
    left: Callable[[], float] = for_ever
    """Seconds that are left for it."""
    must_start: bool = True
    """Whether the first start is taken however little time is left."""
    expected: Sequence[float] = ()
    """Seconds that a turn of each kind may take, where something is known of it: none begins with less."""


@dataclass(kw_only=True, slots=True)
class _Kind:
    """The images that are measured in turn under one load: one, or two."""

    sides: Sequence[Series]
    before: list[int]
    """Starts of each that an earlier attempt took."""
    longest: float = 0.0
    """Seconds of the longest turn so far."""
    reaches: list[float] = field(default_factory=list)
    """How wide the widest interval was after each turn."""
    is_over: bool = False


def take(
    kinds: Sequence[Sequence[Series]],
    *,
    turns: Turns,
    ended: Callable[[Sequence[Measurement]], None] = lambda _: None,
    clock: Callable[[], float] = time.monotonic,
) -> list[list[Measurement]]:
    """Take container starts of each kind in turn, one of each and then the next, so that drift affects all of them.

    Each kind is one image, or two that are compared. What an earlier attempt took is not taken again. Returns all
    measurements of the first image, then of the second. `ended` gets a kind's measurements after each of its turns.
    """
    states = [
        _Kind(sides=sides, before=[side.samples.starts for side in sides], longest=expected)
        for sides, expected in zip(kinds, turns.expected or [0.0] * len(kinds), strict=True)
    ]
    for turn in range(turns.most):
        for state in states:
            state.is_over = state.is_over or _is_over(state, turn, turns)
            if state.is_over:
                continue
            began = clock()
            if _take_turn(state, turn):
                state.longest = max(state.longest, clock() - began)
            found = list(itertools.chain.from_iterable(side.measurements() for side in state.sides))
            state.reaches.append(widest(found))
            ended(found)
    return [
        list(itertools.chain.from_iterable(state.sides[place].measurements() for state in states))
        for place in range(len(kinds[0]))
    ]


def _take_turn(state: _Kind, turn: int) -> bool:
    """A start of each side, A B and then B A as in stats/interleave.py. False: all of it was taken before."""
    places = range(len(state.sides))
    took = False
    for place in places if turn.bit_count() % 2 == 0 else reversed(places):
        if state.before[place]:
            state.before[place] -= 1
            continue
        side = state.sides[place]
        number = side.samples.next_start
        side.take(number)
        side.samples.end_start(number)
        took = True
    return took


def _is_over(state: _Kind, turn: int, turns: Turns) -> bool:
    if any(state.before):
        return False
    if (turn or not turns.must_start) and turns.left() < max(state.longest, _LEAST_TURN):
        return True
    if turns.most == turns.wanted or turn < LEAST:
        return False
    if all(is_settled(side.measurements()) for side in state.sides):
        return True
    past = state.reaches[-1 - _LOOK_BACK] if len(state.reaches) > _LOOK_BACK else math.inf
    return turn >= turns.wanted and state.reaches[-1] > _HELPS * past


def is_asked(measurement: Measurement) -> bool:
    """Whether it is measured until it is exact."""
    return measurement.metric in ASKED and not measurement.short


def is_settled(measurements: Sequence[Measurement]) -> bool:
    """Whether nothing that is asked for would get a better grade."""
    asked = [one for one in measurements if is_asked(one)]
    return bool(asked) and all(one.grade is not Grade.NOISY for one in asked)


def widest(measurements: Sequence[Measurement]) -> float:
    """Half of the widest interval among the figures that are asked for, as a share; infinite where one is unknown."""
    known = [interval(one.used) for one in measurements if is_asked(one) and one.used]
    return max((reach(each) if each else math.inf for each in known), default=math.inf)


def void_reasons(measurements: list[Measurement]) -> list[str]:
    """For each metric that has no sample left that counts: why."""
    return [
        f"{measurement.workload} {measurement.metric}: {measurement.samples[-1].reason}"
        for measurement in measurements
        if not measurement.counted
        and not measurement.short
        and any(sample.verdict is Verdict.VOID for sample in measurement.samples)
    ]
