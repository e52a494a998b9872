"""Removes what a run that was cut off (power, SIGKILL, a full disk) has left in the engine."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, timedelta

from bakehouse.engine.connection import Engine
from bakehouse.engine.container import OWNER_LABEL, RUN_LABEL
from bakehouse.engine.docker import Docker
from bakehouse.engine.objects import Labelled
from bakehouse.engine.owner import Standing, standing

STALE = timedelta(hours=1)
"""How long we leave a stopped container of another boot alone: it may belong to another machine of this engine."""


def reap(
    engine: Engine,
    *,
    say: Callable[[str], None],
    run: str | None = None,
    now: Callable[[], datetime] = lambda: datetime.now(UTC),
) -> int:
    """Remove containers, networks and volumes whose owner is dead; with `run`, all of that run. How many went."""
    docker = Docker(engine)
    found = docker.labelled(f"{RUN_LABEL}={run}" if run else OWNER_LABEL)
    doomed = [thing for thing in found if run or is_left_over(thing, now=now())]
    # A network or volume can only go once no container uses it.
    removed = [thing for thing in sorted(doomed, key=_containers_first) if docker.remove(thing.kind, thing.name)]
    for thing in removed:
        whose = f"run {thing.labels.get(RUN_LABEL, '(unknown)')}"
        say(f"removed the {thing.kind} {thing.name} that {whose} had left behind")
    return len(removed)


def is_left_over(thing: Labelled, *, now: datetime) -> bool:
    """Whether nobody can still want it. In doubt: no."""
    match standing(thing.labels.get(OWNER_LABEL, "")):
        case Standing.DEAD:
            return True
        case Standing.EARLIER_BOOT:
            old = thing.created is None or now - thing.created > STALE
            return old and not thing.running
        case Standing.ALIVE | Standing.UNKNOWN:
            return False


def _containers_first(thing: Labelled) -> int:
    return 0 if thing.kind == "container" else 1
