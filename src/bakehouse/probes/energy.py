"""What a token costs in energy, on devices that are so fast that one answer hardly moves their counter.

Counters move every 20 to 100 ms. So answers are added up, and asked for again until they took long enough together.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

from bakehouse.measure.cpu_usage import Usage
from bakehouse.model.enums import Verdict
from bakehouse.model.report import Sample

SHORTEST = 1.0
"""Seconds that the answers of a start must take together: what the counter is behind at their edges is little of it."""
MOST = 40
"""Further answers that are asked for. A card that answers in 25 ms is held long enough by them."""
UNSUPPORTED = "unsupported: neither the card nor the processor tells us how much energy it used"

Spent = tuple[Usage, int]
"""Usage of an answer, and its tokens."""


def add_up(spent: list[Spent], again: Callable[[], Spent | None], *, is_over: Callable[[], bool]) -> None:
    """Ask again until the counter has moved enough. Not where there is no counter, nor beyond the time there is.

    `again`: another answer; None: it does not count.
    """
    if not any(usage.joules is not None for usage, _ in spent):
        return
    for _ in range(MOST):
        if _is_enough(spent) or is_over() or (another := again()) is None:
            return
        spent.append(another)


def energy_per_token(answers: Sequence[Spent], *, start: int, of: str = "output_tokens") -> Sample:
    """From the answers of a start that count, each with its tokens. Skipped, never 0, where nothing tells."""

    def nothing(reason: str) -> Sample:
        return Sample(start=start, repetition=0, value=0.0, verdict=Verdict.SKIPPED, reason=reason)

    if not answers:
        return nothing("no answer of this start counts")
    told = [(usage, tokens) for usage, tokens in answers if usage.joules is not None]
    if not told:
        return nothing(UNSUPPORTED)
    if not _is_enough(told):
        return nothing(f"the answers took less than {SHORTEST:g} s together, or the counter did not move")
    joules, tokens = sum(usage.joules or 0.0 for usage, _ in told), sum(tokens for _, tokens in told)
    return Sample(start=start, repetition=0, value=joules / tokens, raw={"joules": round(joules, 3), of: tokens})


def _is_enough(spent: Sequence[Spent]) -> bool:
    told = [usage for usage, _ in spent if usage.joules is not None]
    return sum(usage.elapsed for usage in told) >= SHORTEST and sum(usage.joules or 0.0 for usage in told) > 0
