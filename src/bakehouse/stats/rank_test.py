"""Whether two groups differ, by ranks alone; and how many such results hold at once (Benjamini-Hochberg)."""

from __future__ import annotations

import math
from collections.abc import Sequence
from statistics import NormalDist

import numpy as np

from bakehouse.stats.spread import Floats

EXACT = 160
"""Values together up to which all arrangements are counted; beyond, the normal distribution is close enough."""


def mann_whitney(ours: Sequence[float], theirs: Sequence[float]) -> float:
    """Two-sided p of the test of Mann and Whitney (1947), exact also with ties.

    The rank sum's distribution over all arrangements is counted by Streitberg and Röhmel's shift algorithm
    (Statistical Software Newsletter 12, 1986), with midranks. Raises ValueError where a side is empty.
    """
    if not ours or not theirs:
        raise ValueError("both sides need values")
    few, many = sorted((list(ours), list(theirs)), key=len)
    ranks = _double_midranks([*few, *many])
    total, expected = sum(ranks[: len(few)]), len(few) * (len(ranks) + 1)
    if len(ranks) > EXACT:
        return _normal(ranks, len(few), abs(total - expected))
    counts = _arrangements(ranks, len(few))
    distance = np.abs(np.arange(counts.size) - expected)
    return min(1.0, float(counts[distance >= abs(total - expected)].sum() / counts.sum()))


def smallest_p(ours: int, theirs: int) -> float:
    """What is found when the groups do not overlap at all: 0.1 for 3 and 3, 0.0079 for 5 and 5."""
    return min(1.0, 2 / math.comb(ours + theirs, ours)) if ours and theirs else 1.0


def benjamini_hochberg(p: Sequence[float]) -> list[float]:
    """Adjusted p: those at most q are found with a share of at most q false ones among them.

    Benjamini, Hochberg: Controlling the false discovery rate. J. R. Stat. Soc. B 57 (1995).
    """
    adjusted = [1.0] * len(p)
    least = 1.0
    for rank, index in sorted(enumerate(sorted(range(len(p)), key=p.__getitem__), start=1), reverse=True):
        least = min(least, p[index] * len(p) / rank)
        adjusted[index] = least
    return adjusted


def _double_midranks(values: Sequence[float]) -> list[int]:
    """Twice the rank of each, from 2; equal values share the middle of their ranks. Whole numbers, so exact."""
    line = sorted(values)
    first = {value: place for place, value in reversed(list(enumerate(line)))}
    last = {value: place for place, value in enumerate(line)}
    return [first[value] + last[value] + 2 for value in values]


def _arrangements(ranks: Sequence[int], size: int) -> Floats:
    """How many choices of `size` ranks have each sum."""
    most = sum(sorted(ranks)[-size:])
    counts = np.zeros((size + 1, most + 1))
    counts[0, 0] = 1.0
    for rank in ranks:
        for chosen in range(size, 0, -1):
            counts[chosen, rank:] += counts[chosen - 1, : most + 1 - rank]
    found: Floats = counts[size]
    return found


def _normal(ranks: Sequence[int], size: int, distance: int) -> float:
    """With the variance that ties leave: that of a sum drawn without replacement."""
    count = len(ranks)
    variance = size * (count - size) / (count - 1) * float(np.var(ranks))
    if not variance:
        return 1.0
    return min(1.0, 2 * NormalDist().cdf(-max(0.0, distance - 1) / math.sqrt(variance)))
