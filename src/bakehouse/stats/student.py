"""Quantiles of Student's t, which the standard library lacks."""

from __future__ import annotations

import functools
import math

_STEPS = 80


def cdf(value: float, freedom: int) -> float:
    """P(T <= value) for a whole number of degrees of freedom: Abramowitz & Stegun, 26.7.3 and 26.7.4."""
    angle = math.atan2(value, math.sqrt(freedom))
    sine, cosine = math.sin(angle), math.cos(angle)
    odd = freedom % 2 == 1
    term, total = cosine if odd else 1.0, 0.0
    for step in range(freedom // 2):
        total += term
        factor = (2 * step + 2) / (2 * step + 3) if odd else (2 * step + 1) / (2 * step + 2)
        term *= cosine * cosine * factor
    both = (angle + sine * total) * 2 / math.pi if odd else sine * total
    return (1 + both) / 2


@functools.cache
def quantile(share: float, freedom: int) -> float:
    """The value below which T lies with probability `share`, from 0.5 to below 1; by bisection."""
    low, high = 0.0, 1.0
    while cdf(high, freedom) < share:
        high *= 2
    for _ in range(_STEPS):
        middle = (low + high) / 2
        low, high = (middle, high) if cdf(middle, freedom) < share else (low, middle)
    return (low + high) / 2
