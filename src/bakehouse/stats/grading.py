"""What a measurement is worth: exact, noisy or void. docs/measuring.md says when which. Pure."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from statistics import fmean

from bakehouse.model.enums import Disturbance, Grade, Verdict
from bakehouse.model.report import Grading, Measurement, Metric, Sample
from bakehouse.stats.direction import EXACT, RATES
from bakehouse.stats.interval import LEAST, MedianInterval, interval

REACH = 0.03
"""Half of the 95 % interval, as a share of the figure, up to which a rate of pp or tg is exact. With 7 starts on each
side, 95 of 100 slowdowns of 5 % are found among such figures (benchmarks/verdicts.py)."""
WITHIN = 0.035
"""Standard deviation of repetitions in one start, as a share, up to which such a rate is exact. Quiet machines were
seen at 2.2 to 2.7 %, disturbed ones at 4.6 and 14.6 %: starts that agree by luck do not make those exact."""
WIDE_REACH = 0.10
"""The same of all other metrics: loads of few requests, times of a start."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Doubt:
    """Another clock's figures, which differ by no more than both sides scatter: the truth may be theirs."""

    low: float
    high: float
    reason: str


def reach_allowed(metric: Metric, *, is_load: bool = False) -> float:
    """The widest interval of an exact figure: its half, as a share. `is_load`: of many requests at a time."""
    return REACH if metric in RATES and not is_load else WIDE_REACH


def is_load(measurement: Measurement) -> bool:
    """Whether it is of requests that come together, or at random moments."""
    settings = measurement.settings
    return "kind" in settings or "arrivals" in settings or settings.get("clients", 1) != 1


def reach(known: MedianInterval) -> float:
    """Half of an interval, as a share of its middle."""
    return (known.high - known.low) / (known.high + known.low)


def graded(measurement: Measurement, *, doubt: Doubt | None = None) -> Measurement:
    """The same with its grade. Without one where nothing here could measure it: all its samples are skipped."""
    allowed = reach_allowed(measurement.metric, is_load=is_load(measurement))
    grading = grade(measurement.samples, metric=measurement.metric, doubt=doubt, allowed=allowed)
    return measurement.model_copy(update={"grading": grading})


def grade(
    samples: Sequence[Sample], *, metric: Metric, doubt: Doubt | None = None, allowed: float = WIDE_REACH
) -> Grading | None:
    """Decide from the samples of one metric. None: all of them are skipped, or there are none.

    `allowed`: half of the widest interval that is exact, as a share.
    """
    right = [sample for sample in samples if sample.verdict is Verdict.PASSED]
    void = [sample for sample in samples if sample.verdict is Verdict.VOID]
    if not right and not void:
        return None
    if len(void) > len(right):
        return Grading(grade=Grade.VOID, reasons=_in_words(void, len(samples)))
    values = [sample.value for sample in right]
    if metric in EXACT:
        return Grading(grade=Grade.EXACT, low=min(values), high=max(values))
    quiet = [sample for sample in right if not sample.disturbed]
    known = interval(quiet) if len(quiet) * 2 >= len(right) else None
    is_restless = allowed <= REACH and within(quiet) > WITHIN
    if known and not doubt and not is_restless and reach(known) <= allowed:
        return Grading(grade=Grade.EXACT, low=known.low, high=known.high)
    why = list(_doubts(right, known, allowed=allowed, doubt=doubt))
    seen = [*values, *([doubt.low, doubt.high] if doubt else [])]
    return Grading(
        grade=Grade.NOISY,
        low=min(seen),
        high=max(seen),
        disturbances=[disturbance for disturbance, _ in why],
        reasons=[reason for _, reason in why],
    )


def within(samples: Sequence[Sample]) -> float:
    """Standard deviation of repetitions around their start's mean, of logarithms; 0 where no start has two."""
    starts: dict[int, list[float]] = {}
    for sample in samples:
        if sample.value > 0:
            starts.setdefault(sample.start, []).append(math.log(sample.value))
    squares = sum(sum((value - fmean(line)) ** 2 for value in line) for line in starts.values())
    freedom = sum(len(line) - 1 for line in starts.values())
    return math.sqrt(squares / freedom) if freedom else 0.0


def _doubts(
    right: Sequence[Sample], known: MedianInterval | None, *, allowed: float, doubt: Doubt | None
) -> Iterator[tuple[Disturbance, str]]:
    """Why it is not exact: what was seen at work first, what only may explain it last."""
    disturbed = [sample for sample in right if sample.disturbed]
    for kind, _ in Counter(sample.disturbed for sample in disturbed).most_common():
        if kind:
            reasons = _in_words([sample for sample in disturbed if sample.disturbed is kind], len(right))
            yield kind, reasons[-1]
    if doubt:
        yield Disturbance.CLOCKS, doubt.reason
    starts = len({sample.start for sample in right})
    if starts < LEAST:
        taken = f"{starts} container start{'s' if starts > 1 else ''}"
        yield Disturbance.FEW_STARTS, f"{taken}: how they differ is known from {LEAST} on"
    elif known and not doubt and not disturbed and reach(known) > allowed:
        yield (
            Disturbance.SCATTER,
            f"±{reach(known) * 100:.2g} % over {known.starts} starts, where ±{allowed * 100:g} % is exact",
        )
    elif known and not doubt and not disturbed:
        words = f"repetitions in one start differ by {within(right) * 100:.2g} %, where {WITHIN * 100:g} % is exact"
        yield Disturbance.SCATTER, words
    elif not disturbed and not doubt:
        yield Disturbance.SCATTER, "its samples say nothing of their spread"


def _in_words(samples: Sequence[Sample], taken: int) -> list[str]:
    """Each reason once, the last with how many samples it and those before it concern."""
    reasons = list(dict.fromkeys(sample.reason or "no reason was recorded" for sample in samples))
    if len(samples) < taken:
        reasons[-1] = f"{len(samples)} of {taken} samples: {reasons[-1]}"
    return reasons
