"""What else happened on the machine during a repetition, and what the device used."""

from __future__ import annotations

from typing import Any

from bakehouse.measure.cpu_usage import FOREIGN_LIMIT, Trouble, Usage
from bakehouse.measure.loadgen.client_overhead import ClientOverhead
from bakehouse.model.enums import Disturbance


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


def late(overhead: ClientOverhead, shortest: float) -> Trouble | None:
    """A client that had to wait for a core: its times are not sharp. `shortest`: the shortest median time measured."""
    reason = overhead.lateness(shortest)
    return Trouble(kind=Disturbance.LATE_CLIENT, reason=reason) if reason else None


def raw_usage(usage: Usage) -> dict[str, Any]:
    return {
        "elapsed_s": usage.elapsed,
        "foreign_cpu_share": usage.foreign,
        "stolen_cpu_share": usage.stolen_share,
        "container_cpu_s": usage.container,
        "client_cpu_s": usage.client,
    } | ({"telemetry": dict(usage.telemetry)} if usage.telemetry else {})
