"""Two rates of the same work beside each other."""

from __future__ import annotations


def ratio_left(first: float, second: float, allowed: float) -> float:
    """Of two rates above 0, without what the first does beside, as far as `allowed` seconds a token explain it."""
    beside = min(allowed, max(0.0, 1 / first - 1 / second))
    return 1 / (1 / first - beside) / second
