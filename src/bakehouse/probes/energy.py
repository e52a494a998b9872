"""The energy that a token or another unit of work costs, also where one answer hardly moves the device's counter.

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

Spent = tuple[Usage, float]
"""Usage of an answer, or of a run of requests, and its tokens or other units of work."""


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


def energy_per_unit(answers: Sequence[Spent], *, start: int, of: str = "output_tokens") -> Sample:
    """From the answers of a start that count, each with its tokens or other units, called `of`.

    Skipped, never 0, where nothing tells.
    """

    def nothing(reason: str) -> Sample:
        return Sample(start=start, repetition=0, value=0.0, verdict=Verdict.SKIPPED, reason=reason)

    if not answers:
        return nothing("no answer of this start counts")
    told = [(usage, units) for usage, units in answers if usage.joules is not None]
    if not told:
        return nothing(UNSUPPORTED)
    if not _is_enough(told):
        return nothing(f"the answers took less than {SHORTEST:g} s together, or the counter did not move")
    joules, units = sum(usage.joules or 0.0 for usage, _ in told), sum(units for _, units in told)
    return Sample(start=start, repetition=0, value=joules / units, raw={"joules": round(joules, 3), of: units})


def _is_enough(spent: Sequence[Spent]) -> bool:
    told = [usage for usage, _ in spent if usage.joules is not None]
    return sum(usage.elapsed for usage in told) >= SHORTEST and sum(usage.joules or 0.0 for usage in told) > 0
