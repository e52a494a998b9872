"""What else happened on the machine during a repetition, and what the device used."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from bakehouse.loadgen.client_overhead import ClientOverhead
from bakehouse.measure.cpu_usage import FOREIGN_LIMIT, Trouble, Usage
from bakehouse.model.enums import Disturbance, Verdict
from bakehouse.model.report import Sample

SHORTEST_ENERGY = 1.0
"""Seconds. Counters of energy move every 20 to 100 ms: in a shorter answer that is too much of it."""
UNSUPPORTED = "unsupported: neither the card nor the processor tells us how much energy it used"


def disturbed(usage: Usage) -> Trouble | None:
    """What else had a part in a repetition: what makes it wrong before what makes it noisy. None: nothing."""
    if usage.trouble and usage.trouble.kind is None:
        return usage.trouble
    if usage.foreign is None or usage.foreign <= FOREIGN_LIMIT:
        return usage.trouble
    if usage.stolen_share * 2 > usage.foreign:
        reason = f"the hypervisor gave {usage.stolen_share:.0%} of this machine's CPU to its neighbours meanwhile"
        return Trouble(kind=Disturbance.NEIGHBOURS, reason=reason)
    reason = f"other processes used {usage.foreign:.0%} of this machine's CPU meanwhile"
    return Trouble(kind=Disturbance.OTHER_WORK, reason=reason)


def late(own: ClientOverhead, shortest: float) -> Trouble | None:
    """A client that had to wait for a core: its times are not sharp. `shortest`: the shortest median time measured."""
    reason = own.lateness(shortest)
    return Trouble(kind=Disturbance.LATE_CLIENT, reason=reason) if reason else None


def raw_usage(usage: Usage) -> dict[str, Any]:
    return {
        "elapsed_s": usage.elapsed,
        "foreign_cpu_share": usage.foreign,
        "stolen_cpu_share": usage.stolen_share,
        "container_cpu_s": usage.container,
        "client_cpu_s": usage.client,
    } | ({"telemetry": dict(usage.telemetry)} if usage.telemetry else {})


def energy_per_token(answers: Sequence[tuple[Usage, int]], *, start: int) -> Sample:
    """From the answers of a start that count, each with its output tokens. Skipped, never 0, where nobody tells."""

    def nothing(reason: str, verdict: Verdict = Verdict.SKIPPED) -> Sample:
        return Sample(start=start, repetition=0, value=0.0, verdict=verdict, reason=reason)

    if not answers:
        return nothing("no answer of this start counts")
    told = [(usage, usage.joules, tokens) for usage, tokens in answers if usage.joules is not None]
    if not told:
        return nothing(UNSUPPORTED)
    enough = [(joules, tokens) for usage, joules, tokens in told if usage.elapsed >= SHORTEST_ENERGY and joules > 0]
    if not enough:
        return nothing(f"the answers took less than {SHORTEST_ENERGY:g} s: the counter moves too rarely for them")
    joules, tokens = (sum(column) for column in zip(*enough, strict=True))
    return Sample(
        start=start, repetition=0, value=joules / tokens, raw={"joules": round(joules, 3), "output_tokens": tokens}
    )
