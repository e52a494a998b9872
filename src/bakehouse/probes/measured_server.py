"""A server that is ready to be measured, and how it became so."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass

from bakehouse.measure.cpu_usage import Watched
from bakehouse.measure.loadgen.client import Ask, Reply
from bakehouse.measure.loadgen.workloads import Request
from bakehouse.model.enums import Verdict
from bakehouse.model.report import Metric, Sample


@dataclass(frozen=True, kw_only=True, slots=True)
class MeasuredServer:
    """A server that is ready, as a measurement sees it."""

    url: str
    behind: str = ""
    """Address of the server that it passes requests on to, where there is one."""
    healthy: float | None
    """Seconds from its start to the first 200. None: somebody else started it."""
    port_open: float | None = None
    """Seconds from its start to the first answer of any kind."""
    started: float | None = None
    """When it was started, by the client's clock."""
    created: float | None = None
    """Seconds that the engine took to make its container."""
    load: Watched
    peak_memory: Callable[[], int | None] | None
    """None: it runs where it cannot be seen."""
    others: Callable[[], Sequence[str] | None] = lambda: None
    """Who else computed on the card since the server was started, with a last look a moment later. None: no card, or
    nothing tells."""


Start = Callable[[], AbstractContextManager[MeasuredServer]]
"""Starts a fresh server with the pinned arguments, and removes it."""


def times_of_start(served: MeasuredServer, number: int) -> dict[Metric, Sample]:
    """How it became ready."""
    known: dict[Metric, float | None] = {
        "create": served.created,
        "time_to_healthy": served.healthy,
        "port_open": served.port_open,
    }
    return {
        metric: Sample(start=number, repetition=0, value=value) for metric, value in known.items() if value is not None
    }


def cold_start(served: MeasuredServer, number: int, *, ask: Ask) -> dict[Metric, Sample]:
    """How it became ready, and the first token of all: one token after one, so that little is left but the start."""
    found = times_of_start(served, number)
    if served.started is None:
        return found
    (reply,) = ask(served.url, [Request(prompt=(1,), output_tokens=1)]).replies
    if isinstance(reply, Reply) and reply.first is not None:
        sample = Sample(start=number, repetition=0, value=reply.first - served.started)
    else:
        reason = "no chunk had generated content" if isinstance(reply, Reply) else f"the request failed: {reply.reason}"
        sample = Sample(start=number, repetition=0, value=0.0, verdict=Verdict.VOID, reason=reason)
    return found | {"first_token": sample}


def memory(served: MeasuredServer, number: int) -> Sample | None:
    """The most that was resident in the server's process. None: it runs where it cannot be seen."""
    if served.peak_memory is None:
        return None
    peak = served.peak_memory()
    if peak is None:
        reason = "the server's process cannot be seen from this machine"
        return Sample(start=number, repetition=0, value=0.0, verdict=Verdict.VOID, reason=reason)
    return Sample(start=number, repetition=0, value=float(peak))
