"""How large a change is: the median ratio of two groups of container starts, and its interval.

Pure functions of the values: the same values in any order, or all of them in another unit, give the same answer.
"""

from __future__ import annotations

import functools
import math
from collections.abc import Sequence
from dataclasses import dataclass
from statistics import NormalDist

import numpy as np
from numpy.typing import NDArray

from bakehouse.stats import student
from bakehouse.stats.spread import Floats, logs

LEVEL = 0.95
RESAMPLES = 4000
_AT_ONCE = 2_000_000
"""Ratios that are held in memory at a time."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Effect:
    """Candidate over baseline: 0.95 is 5 % less."""

    ratio: float
    low: float
    high: float

    def inverse(self) -> Effect:
        """Baseline over candidate."""
        return Effect(ratio=_inverse(self.ratio), low=_inverse(self.high), high=_inverse(self.low))


def effect(
    candidate: Sequence[float], baseline: Sequence[float], *, level: float = LEVEL, resamples: int = RESAMPLES
) -> Effect:
    """The median ratio with its bootstrap interval. One value for each start: starts are what is resampled.

    The ratio is the median of all ratios of a candidate's value and a baseline's: Hodges and Lehmann's estimate, on
    logarithms (Estimates of location based on rank tests, Ann. Math. Stat. 34, 1963). It is the shift that the test of
    Mann and Whitney belongs to; one odd value on either side does not move it far.

    Resampling whole clusters and nothing inside of them keeps the variance between and within both (Davison,
    Hinkley: Bootstrap Methods and their Application, 1997, section 3.8). Percentiles of so few clusters lie too
    close together; they are taken further out, as Hesterberg's expanded percentile interval does (What teachers
    should know about the bootstrap, 2015, section 5.3.2), with Welch's degrees of freedom for two groups.

    Raises ValueError with fewer than two starts on a side: one says nothing of the spread.
    """
    ours, theirs = logs(candidate), logs(baseline)
    if min(ours.size, theirs.size) < 2:  # noqa: PLR2004
        raise ValueError("an interval needs two starts on each side")
    table = _differences(ours, theirs)
    found = np.sort(_resampled(table, resamples))
    tail = _tail(ours.size, theirs.size, level)
    edge = math.floor(tail * (resamples - 1))
    return Effect(
        ratio=float(np.exp(np.median(table))),
        low=float(np.exp(found[edge])),
        high=float(np.exp(found[resamples - 1 - edge])),
    )


def _differences(ours: Floats, theirs: Floats) -> Floats:
    """Of all pairs; that of two zeros is none."""
    with np.errstate(invalid="ignore"):
        table: Floats = ours[:, None] - theirs[None, :]
    return np.where(np.isnan(table), 0.0, table)


def _resampled(table: Floats, resamples: int) -> Floats:
    """Median ratios of resampled starts."""
    ours, theirs = _plan(*table.shape, resamples)
    ways = table.size
    middle = [(ways - 1) // 2, ways // 2]
    chunk = max(1, _AT_ONCE // ways)
    parts = []
    for begin in range(0, resamples, chunk):
        places = ours[begin : begin + chunk, :, None] * table.shape[1] + theirs[begin : begin + chunk, None, :]
        drawn = table.ravel()[places.reshape(-1, ways)]
        drawn.partition(middle, axis=1)
        with np.errstate(invalid="ignore"):
            found: Floats = drawn[:, middle].sum(axis=1) / 2
        parts.append(np.where(np.isnan(found), 0.0, found))  # between -inf and inf
    return np.concatenate(parts)


@functools.lru_cache(maxsize=32)
def _plan(ours: int, theirs: int, resamples: int) -> tuple[NDArray[np.intp], NDArray[np.intp]]:
    """Which starts are drawn. The seed comes from how many there are, not from their values: an answer can be
    repeated, and does not depend on units.
    """
    chance = np.random.default_rng([ours, theirs, resamples])
    return chance.integers(0, ours, (resamples, ours)), chance.integers(0, theirs, (resamples, theirs))


@functools.cache
def _tail(ours: int, theirs: int, level: float) -> float:
    """Share of resamples that lies beyond each end of the interval."""
    shares = (1 / ours, 1 / theirs)
    resampled = (ours - 1) / ours**2 + (theirs - 1) / theirs**2  # what resampling sees of the variance
    freedom = sum(shares) ** 2 / (shares[0] ** 2 / (ours - 1) + shares[1] ** 2 / (theirs - 1))
    wide = math.sqrt(sum(shares) / resampled) * student.quantile((1 + level) / 2, max(1, math.floor(freedom)))
    return NormalDist().cdf(-wide)


def _inverse(ratio: float) -> float:
    return 1 / ratio if ratio else math.inf
