"""What is said of several samples. Means are not among them: one disturbed repetition would move them."""

from __future__ import annotations

import statistics
from collections.abc import Sequence


def median(values: Sequence[float]) -> float:
    """Give the middle value. Raises ValueError without values: a rate that was not measured is not 0."""
    if not values:
        raise ValueError("no values")
    return statistics.median(values)
