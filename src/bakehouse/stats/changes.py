"""Where a series of runs changed its level."""

from __future__ import annotations

import itertools
import math
import statistics
from bisect import insort
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

SHORTEST = 3
"""Runs that make a level. One odd run, or two, are no level."""
PENALTY = 3.0
"""Of a change, in units of log(n): the level and its place cost 2 by BIC; 3 keeps a steady series in one piece."""
QUIET = 0.002
"""Noise that is taken for granted: without it, a series that is nearly constant would break at every last digit."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Segment:
    """Runs from `begin` to before `end` that share a level."""

    begin: int
    end: int
    level: float
    """Median, in the metric's unit."""


def segments(values: Sequence[float], *, penalty: float = PENALTY, shortest: int = SHORTEST) -> list[Segment]:
    """Cut a series (oldest first, positive) into levels.

    Optimal partitioning (Jackson and others: An algorithm for optimal partitioning of data on an interval, IEEE
    Signal Process. Lett. 12, 2005) of the logarithms, with the distance from a segment's median as its cost: that is
    the likelihood of a Laplace distribution, which an outlier hardly moves. Its scale comes from the differences of
    neighbours, which a change of level hardly moves. O(n^2).
    """
    if not values:
        return []
    if min(values) <= 0:
        raise ValueError("a level needs positive values")
    line = np.log(np.asarray(values, dtype=np.float64))
    count = len(values)
    price = penalty * math.log(max(2, count)) * _noise(line.tolist())
    best: list[float] = [-price, *([math.inf] * count)]
    before = [0] * (count + 1)
    for end in range(1, count + 1):
        cost = _Distance()
        for begin in range(end - 1, -1, -1):
            cost.add(float(line[begin]))
            if (end - begin < shortest and count >= shortest) or (0 < begin < shortest):
                continue
            total = best[begin] + cost.total + price
            if total < best[end]:
                best[end], before[end] = total, begin
    cuts = [count]
    while cuts[-1]:
        cuts.append(before[cuts[-1]])
    return _merge(line.tolist(), cuts[::-1], shortest)


def _merge(line: Sequence[float], cuts: Sequence[int], shortest: int) -> list[Segment]:
    """Join to the segment before it what only borrows runs of its neighbours to be long enough."""
    kept: list[tuple[int, int]] = []
    for begin, end in itertools.pairwise(cuts):
        if kept:
            (first, last), here = kept[-1], statistics.median(line[begin:end])
            there = statistics.median(line[first:last])
            if sum(abs(value - here) < abs(value - there) for value in line[begin:end]) < shortest:
                kept[-1] = (first, end)
                continue
        kept.append((begin, end))
    return [Segment(begin=begin, end=end, level=math.exp(statistics.median(line[begin:end]))) for begin, end in kept]


def _noise(line: Sequence[float]) -> float:
    """Scale of the Laplace distribution: the mean distance from the middle.

    From the median distance of neighbours: that of two Laplace values is above d with probability
    exp(-d) (1 + d / 2), so that its median is 1.146 scales.
    """
    steps = np.abs(np.diff(np.asarray(line)))
    return max(QUIET, float(np.median(steps)) / 1.146) if steps.size else QUIET


class _Distance:
    """Sum of the distances from the median, as values come."""

    def __init__(self) -> None:
        self._line: list[float] = []
        self.total = 0.0

    def add(self, value: float) -> None:
        """The median moves towards the new value by at most one place, and the sum grows by the way to it."""
        line = self._line
        count = len(line)
        low, high = (line[(count - 1) // 2], line[count // 2]) if count else (value, value)
        insort(line, value)
        self.total += max(low - value, value - high, 0.0)
