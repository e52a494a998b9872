"""A server that somebody else has started: what can be asked of it, and what cannot be known here.

A test that starts, stops or looks into a container of its own is not run then, and says so.
"""

from __future__ import annotations

import contextlib
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import pytest

from bakehouse.engine.container import Launch, Stopped
from bakehouse.engine.devices import Devices
from bakehouse.engine.objects import State
from bakehouse.measure.cpu_usage import Meter, Trouble, Usage
from bakehouse.model.enums import Disturbance
from bakehouse.model.suite import Served, Subject
from bakehouse.probes.measured_server import MeasuredServer

NOT_RUN = "not run: somebody else started this server, and it needs one of its own"
_NO_PROCESS = 0
UNSEEN = Trouble(
    kind=Disturbance.ELSEWHERE,
    reason="somebody else started the server: what else its machine did meanwhile was not seen",
)


@dataclass(frozen=True, kw_only=True, slots=True)
class ServedContainer:
    """What probes need of a container, as far as it can be had by its address."""

    url: str
    started_at: float
    """`time.perf_counter()` when it was first asked."""

    def state(self) -> State:
        """As far as we know it runs: its port says the rest."""
        return State(status="running", running=True, exit_code=0, oom_killed=False, pid=_NO_PROCESS)

    def logs(self) -> str:
        return ""

    def stop(self, *, grace: float) -> Stopped:  # noqa: ARG002 - the protocol's shape
        pytest.skip(NOT_RUN)


def first_asked(served: Served) -> ServedContainer:
    return ServedContainer(url=served.url, started_at=time.perf_counter())


@contextlib.contextmanager
def measured(
    launch: Launch,  # noqa: ARG001 - how it would be started
    *,
    served: Served,
    subject: Subject,  # noqa: ARG001
    devices: Devices,  # noqa: ARG001
    log: Path,  # noqa: ARG001
    others: Sequence[int] = (),  # noqa: ARG001
) -> Iterator[MeasuredServer]:
    """The server as it is: see OpenServer. When it was started and what it holds in memory is not known."""
    yield MeasuredServer(url=served.url, healthy=None, load=_Unseen(Meter(_NO_PROCESS)), peak_memory=None)


@dataclass(frozen=True, slots=True)
class _Unseen:
    """Our own processor time is known, and nothing of the server's machine."""

    meter: Meter

    def start(self) -> None:
        self.meter.start()

    def usage(self) -> Usage:
        return replace(self.meter.usage(), trouble=UNSEEN)
