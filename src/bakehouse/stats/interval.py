"""How well a median is known: its 95 % interval over container starts."""

from __future__ import annotations

import math
import statistics
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np

from bakehouse.model.enums import Verdict
from bakehouse.model.report import Sample
from bakehouse.stats import student
from bakehouse.stats.judge import group
from bakehouse.stats.spread import middles

LEAST = 3
"""Starts. Two would give an interval too wide to be of use."""
BOOTSTRAP_FROM = 6
"""Starts. The lowest and the highest of five hold the median in only 94 % of all cases: no resampling of them can say
95 %. With fewer, Student's t of the logarithms is used."""
_LEVEL, _RESAMPLES = 0.95, 4000


@dataclass(frozen=True, kw_only=True, slots=True)
class MedianInterval:
    """Where the median lies with 95 % confidence, in the metric's unit."""

    low: float
    high: float
    starts: int
    method: Literal["bootstrap", "Student's t"]


def interval(samples: Sequence[Sample]) -> MedianInterval | None:
    """From samples that count, by start: repetitions in one start are not independent. None: too few starts."""
    counted = [
        (sample.start, sample.value)
        for sample in samples
        if sample.verdict is Verdict.PASSED and 0 < sample.value < math.inf
    ]
    line = np.log(np.asarray(middles(group(counted)), dtype=np.float64))
    if line.size < LEAST:
        return None
    if line.size < BOOTSTRAP_FROM:
        middle, reach = float(line.mean()), _factor(line.size) * float(line.std(ddof=1)) / math.sqrt(line.size)
        low, high = middle - reach, middle + reach
    else:
        low, high = _bootstrap(line)
    method: Literal["bootstrap", "Student's t"] = "Student's t" if line.size < BOOTSTRAP_FROM else "bootstrap"
    if max(abs(low), abs(high)) > 300:  # noqa: PLR2004 - what exp() of is no number of ours
        return None
    return MedianInterval(low=math.exp(low), high=math.exp(high), starts=int(line.size), method=method)


def _bootstrap(line: np.ndarray[tuple[int], np.dtype[np.float64]]) -> tuple[float, float]:
    """Percentiles of the resampled medians, taken further out for few starts: see stats/effect.py."""
    count = line.size
    chance = np.random.default_rng([count, _RESAMPLES])
    found = np.sort(np.median(line[chance.integers(0, count, (_RESAMPLES, count))], axis=1))
    tail = statistics.NormalDist().cdf(-math.sqrt(count / (count - 1)) * _factor(count))
    edge = math.floor(tail * (_RESAMPLES - 1))
    return float(found[edge]), float(found[_RESAMPLES - 1 - edge])


def _factor(count: int) -> float:
    return student.quantile((1 + _LEVEL) / 2, count - 1)
