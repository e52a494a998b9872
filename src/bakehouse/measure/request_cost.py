"""What a request costs beside its tokens, from prompts of several lengths by two clocks. Pure.

A server does more for a prompt than a benchmark program: it captures graphs anew after another shape, samples a token
and copies logits. That takes the same time for a short prompt as for a long one, so it is a quarter of a prompt of 9 ms
and nothing of one of 400 ms. Both parts are estimated: seconds a request, and a share that grows with the tokens. Only
the share says that the two did different work.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from itertools import combinations
from statistics import median

MOST = 0.003
"""Seconds a request that a server may take longer than the other where one length cannot tell the two parts apart:
1.3 to 2.6 ms were seen on an H200, with a small model and with a large one."""
_APART = 1.5
"""Times that the second must take longer for one length than for another, for the two to show a slope."""


@dataclass(frozen=True, kw_only=True, slots=True)
class RequestCost:
    """How much longer the first clock is than the second."""

    constant: float
    """Seconds a request; below 0 where the first is quicker."""
    share: float
    """Of the second's time, growing with it: 0.01 is 1 % longer."""
    lengths: int
    """Different lengths that it was found from. One shows no slope: what `MOST` explains is taken as constant."""


def request_cost(first: Mapping[int, float], second: Mapping[int, float]) -> RequestCost | None:
    """From seconds a prompt, by its number of tokens. A line through the medians: Theil and Sen's, which one length
    that was disturbed does not move. None: no length in common.
    """
    both = {tokens: (second[tokens], first[tokens]) for tokens in first.keys() & second.keys() if second[tokens] > 0}
    if not both:
        return None
    slopes = [
        (later[1] - sooner[1]) / (later[0] - sooner[0])
        for sooner, later in combinations(sorted(both.values()), 2)
        if later[0] >= _APART * sooner[0]
    ]
    if not slopes:
        return _of_one_length(list(both.values()))
    slope = median(slopes)
    constant = median([ours - slope * theirs for theirs, ours in both.values()])
    return RequestCost(constant=constant, share=slope - 1, lengths=len(both))


def _of_one_length(both: list[tuple[float, float]]) -> RequestCost:
    theirs, ours = (median(side) for side in zip(*both, strict=True))
    constant = min(MOST, max(0.0, ours - theirs))
    return RequestCost(constant=constant, share=(ours - theirs - constant) / theirs, lengths=1)
