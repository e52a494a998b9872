"""Whether two groups differ, by how far their means lie apart: for groups so small that ranks can show nothing."""

from __future__ import annotations

import math
from collections.abc import Sequence
from statistics import fmean, variance

from bakehouse.stats import student

_LEAST = 2


def welch(ours: Sequence[float], theirs: Sequence[float]) -> float:
    """Two-sided p of Welch's t test (Biometrika 34, 1947) of the logarithms, degrees of freedom rounded down.

    It takes their noise for normal, which a rank test does not. 1.0 where a value is 0 or a side has no spread to know.
    """
    if min(len(ours), len(theirs)) < _LEAST or min(*ours, *theirs) <= 0:
        return 1.0
    one, other = [math.log(value) for value in ours], [math.log(value) for value in theirs]
    shares = [variance(line) / len(line) for line in (one, other)]
    apart = abs(fmean(one) - fmean(other))
    if not sum(shares):
        return 0.0 if apart else 1.0
    freedom = sum(shares) ** 2 / sum(each**2 / (len(line) - 1) for each, line in zip(shares, (one, other), strict=True))
    return 2 * (1 - student.cdf(apart / math.sqrt(sum(shares)), max(1, math.floor(freedom))))
