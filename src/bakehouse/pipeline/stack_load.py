"""Load on a whole stack, in the background: the measuring client against the gateway, one thread for each model."""

from __future__ import annotations

import contextlib
import threading
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

from bakehouse.measure.loadgen.client import load
from bakehouse.measure.loadgen.replies import Failure, Reply
from bakehouse.measure.loadgen.workloads import Api, Request
from bakehouse.model.stack import StackLoad

HANGS = 30.0
"""Seconds without a byte after which a request counts as hung."""
_HUNG = "sent nothing for"
_REFUSED_PAUSE = 0.2
"""Seconds between two tries where all were refused at once."""
_WORDS = ("stone", "river", "lamp", "north", "paper", "cloud", "seven", "glass", "road", "quiet")


@dataclass(frozen=True, kw_only=True, slots=True)
class Asked:
    """One request of the load, and what became of it. Times are seconds of `time.perf_counter`."""

    model: str
    result: Reply | Failure

    @property
    def ok(self) -> bool:
        return isinstance(self.result, Reply)

    @property
    def sent(self) -> float:
        return self.result.sent

    @property
    def hung(self) -> bool:
        return isinstance(self.result, Failure) and _HUNG in self.result.reason


@dataclass(kw_only=True, slots=True)
class Load:
    """What came back so far, by all threads."""

    models: Sequence[str]
    asked: list[Asked] = field(default_factory=list)
    stopped: threading.Event = field(default_factory=threading.Event)
    problem: list[BaseException] = field(default_factory=list)

    def of(self, model: str, *, since: float = 0.0, until: float = float("inf")) -> list[Asked]:
        """Requests that were sent in a span."""
        return [one for one in list(self.asked) if one.model == model and since <= one.sent < until]


@contextlib.contextmanager
def under_load(url: str, models: Sequence[str], how: StackLoad, *, key: str | None) -> Iterator[Load]:
    """Keep `how.users` requests under way for each model until the end of the `with`."""
    found = Load(models=tuple(models))
    threads = [
        threading.Thread(target=_keep_asking, args=(url, model, how, found, key), daemon=True) for model in models
    ]
    for thread in threads:
        thread.start()
    try:
        yield found
    finally:
        found.stopped.set()
        for thread in threads:
            thread.join(HANGS * 2)
    if found.problem:
        raise found.problem[0]


def _keep_asking(url: str, model: str, how: StackLoad, found: Load, key: str | None) -> None:
    """Rounds of a few requests: a round ends before the next begins, so that a stop is soon heard."""
    number = 0
    try:
        while not found.stopped.is_set():
            requests = [_request(model, how, number + each) for each in range(how.users)]
            number += how.users
            outcome = load(url, requests, users=how.users, stall=HANGS, key=key)
            asked = [Asked(model=model, result=one) for one in outcome.replies]
            found.asked.extend(asked)
            if not any(one.ok for one in asked):
                time.sleep(_REFUSED_PAUSE)
    except BaseException as error:  # noqa: BLE001 - raised again where the load was begun
        found.problem.append(error)


def _request(model: str, how: StackLoad, number: int) -> Request:
    """Another text each time, so that no cache holds it."""
    words = [_WORDS[(number * 7 + place * (1 + number % 3)) % len(_WORDS)] for place in range(how.prompt_words)]
    return Request(prompt=f"{number}: {' '.join(words)}", output_tokens=how.output_tokens, api=Api.CHAT, model=model)
