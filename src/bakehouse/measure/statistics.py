"""What is said of several samples. Means are not among them: one disturbed repetition would move them."""

from __future__ import annotations

import statistics
from collections.abc import Sequence


def median(values: Sequence[float]) -> float:
    """Give the middle value. Raises ValueError without values: a rate that was not measured is not 0."""
    if not values:
        raise ValueError("no values")
    return statistics.median(values)


def iqr(values: Sequence[float]) -> float:
    """Give the interquartile range, inclusive method (as numpy's default): 0 for fewer than two values."""
    if len(values) < 2:  # noqa: PLR2004 - a spread needs two
        return 0.0
    first, _, third = statistics.quantiles(values, n=4, method="inclusive")
    return third - first
