"""Percentiles, by the one definition that all figures here use."""

from __future__ import annotations

from collections.abc import Sequence


def percentile(values: Sequence[float], share: float) -> float:
    """Give the value below which `share` percent lie, with linear interpolation (numpy's default).

    Raises ValueError without values.
    """
    if not values:
        raise ValueError("no values")
    line = sorted(values)
    place = (len(line) - 1) * share / 100
    below = int(place)
    above = min(below + 1, len(line) - 1)
    return line[below] + (line[above] - line[below]) * (place - below)


def supports(count: int, share: float) -> bool:
    """Whether so many values have such a percentile: at least one of them must lie beyond it.

    The 99th percentile of 16 values would be their maximum under another name.
    """
    return count >= 1 and count * (100 - share) >= 100 - 1e-9
