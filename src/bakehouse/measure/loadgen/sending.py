"""Sends requests that are bytes already, and gives their whole answers with their times."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from bakehouse.measure.loadgen import answers, loop
from bakehouse.measure.loadgen.answers import Answer
from bakehouse.measure.loadgen.client_overhead import ClientOverhead
from bakehouse.measure.loadgen.exchange import Address, Outgoing
from bakehouse.measure.loadgen.loop import STALL_TIMEOUT
from bakehouse.measure.loadgen.replies import Failure


@dataclass(frozen=True, kw_only=True, slots=True)
class Answered:
    """What a load gave."""

    answers: tuple[Answer | Failure, ...]
    """In the order of the requests."""
    overhead: ClientOverhead


def send(
    url: str,
    requests: Sequence[bytes],
    *,
    users: int | None = None,
    due: Sequence[float] = (),
    clock: Callable[[], float] = time.perf_counter,
    stall: float = STALL_TIMEOUT,
) -> Answered:
    """Send all of them, at most `users` at the same time, and read the answers when all are there.

    `due`: seconds after the begin at which each is sent (open loop). A request that fails is a Failure among the
    answers and raises nothing.
    """
    moments = due or [0.0] * len(requests)
    outgoing = [Outgoing(data=data, due=moment) for data, moment in zip(requests, moments, strict=True)]
    most = loop.UNLIMITED if users is None else users
    address = Address.of(url)
    run = loop.run(address, outgoing, finished=answers.complete, users=most, gathers=False, clock=clock, stall=stall)
    return Answered(answers=tuple(answers.read(exchange) for exchange in run.exchanges), overhead=run.overhead)
