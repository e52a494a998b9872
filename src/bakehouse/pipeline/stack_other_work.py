"""How much of this machine other work took while something was tried of a stack."""

from __future__ import annotations

import contextlib
import time
from dataclasses import dataclass
from pathlib import Path

from bakehouse.errors import InfrastructureError
from bakehouse.measure.cpu_usage import container_seconds, machine_seconds, own_seconds, usable_cores
from bakehouse.pipeline.stack_start import Running, active

LIMIT = 0.2
"""Share of the machine above which a stack's services may have been too slow for want of a core. The engine itself, its
health checks included, takes about 0.05 with seven services on two cores."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Moment:
    """Seconds since some start; CPU time of the machine, of us, and of each container by its first process."""

    clock: float
    machine: float
    own: float
    containers: dict[int, float]


def now(running: Running, *, root: Path = Path("/")) -> Moment | None:
    """None: the engine's processes are not this machine's."""
    if not running.is_here:
        return None
    containers: dict[int, float] = {}
    for service in active(running.plan):
        with contextlib.suppress(InfrastructureError):
            pid = running.docker.state(running.container(service.name)).pid
            used = container_seconds(pid, root=root) if pid else None
            containers |= {} if used is None else {pid: used}
    return Moment(
        clock=time.perf_counter(), machine=machine_seconds(root=root), own=own_seconds(), containers=containers
    )


def share(before: Moment | None, after: Moment | None, *, cores: int | None = None) -> float | None:
    """Of the machine, 0 to 1, that neither the stack nor we used between two moments. None: nobody can tell.

    A container that was started meanwhile counts from its start.
    """
    if before is None or after is None or after.clock <= before.clock:
        return None
    stack = sum(used - before.containers.get(pid, 0.0) for pid, used in after.containers.items())
    others = after.machine - before.machine - stack - (after.own - before.own)
    return max(0.0, others) / ((after.clock - before.clock) * (cores or usable_cores()))
