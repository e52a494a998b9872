"""How much a service takes on: bytes of a body, and requests at a time."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

from starlette.exceptions import HTTPException
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from service.batching import QueueFullError
from service.disconnects import ClientGoneError, unless_gone
from service.errors import CLOSE, RETRY_AFTER, answer
from service.metrics import Metrics

TOO_LARGE, TOO_MANY, TOO_SLOW = 413, 429, 408
GONE = 499
"""For the metrics alone: nobody is there to be answered."""


class Room:
    """Room for items that are being worked on, from the first byte that is decoded to the answer."""

    def __init__(self, most: int) -> None:
        self.most = most
        self.taken = 0

    @contextmanager
    def of(self, items: int) -> Iterator[None]:
        """Raises QueueFullError where there is none."""
        if self.taken + items > self.most:
            raise QueueFullError
        self.taken += items
        try:
            yield
        finally:
            self.taken -= items


@dataclass(slots=True)
class _Body:
    """Of one request, as far as it has come."""

    until: float
    held: int = 0
    ended: bool = False
    whole: asyncio.Event = field(default_factory=asyncio.Event)

    async def gone(self, receive: Receive) -> None:
        """Returns when the client has hung up; not before all of the body was read, which others wait for."""
        await self.whole.wait()
        while (await receive())["type"] != "http.disconnect":
            pass


class Limits:
    """Counts requests, and ends those whose body is too large, before it is in memory, or comes too slowly.

    `most`: bytes of one body. `together`: of all that are held, from their first byte to their answer. `seconds`: in
    which a body must have come.
    """

    def __init__(self, app: ASGIApp, *, most: int, together: int, seconds: float, metrics: Metrics) -> None:
        self._app = app
        self._most = most
        self._together = together
        self._seconds = seconds
        self._metrics = metrics
        self._held = 0

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        begin, status = time.perf_counter(), 500
        body = _Body(until=asyncio.get_running_loop().time() + self._seconds)

        async def counted() -> Message:
            message = await self._received(receive, body)
            self._take(len(message.get("body", b"")), body)
            return message

        async def noted(message: Message) -> None:
            nonlocal status
            status = message.get("status", status)
            await send(message)

        try:
            if self._declared(scope) > self._most:
                refusal = answer(TOO_LARGE, self._message, headers=CLOSE)
                await refusal(scope, receive, noted)
            else:
                await unless_gone(self._app(scope, counted, noted), lambda: body.gone(receive))
        except ClientGoneError:
            status = GONE
        finally:
            self._held -= body.held
            self._count(scope, status, time.perf_counter() - begin)

    async def _received(self, receive: Receive, body: _Body) -> Message:
        """The next part. After the last one it waits for the client to go, however long that takes."""
        if body.ended:
            return await receive()
        try:
            async with asyncio.timeout_at(body.until):
                message = await receive()
        except TimeoutError:
            raise HTTPException(TOO_SLOW, f"the body took longer than {self._seconds:g} s", headers=CLOSE) from None
        body.ended = not message.get("more_body", False)
        if body.ended:
            body.whole.set()
        return message

    def _take(self, size: int, body: _Body) -> None:
        body.held += size
        self._held += size
        if body.held > self._most:
            raise HTTPException(TOO_LARGE, self._message, headers=CLOSE)
        if size and self._held > self._together:
            raise HTTPException(TOO_MANY, "too much is being sent at this moment", headers=RETRY_AFTER | CLOSE)

    @property
    def _message(self) -> str:
        return f"the body is larger than {self._most} bytes"

    def _declared(self, scope: Scope) -> int:
        length = dict(scope["headers"]).get(b"content-length", b"0")
        return int(length) if length.isdigit() else 0

    def _count(self, scope: Scope, status: int, took: float) -> None:
        """Under the route's path, not the client's: anything else would be a metric for each guess."""
        path = getattr(scope.get("route"), "path", "other")
        self._metrics.requests.labels(path, str(status)).inc()
        self._metrics.latency.labels(path).observe(took)
        if status in REASONS:
            self._metrics.refused.labels(REASONS[status]).inc()


REASONS = {408: "slow", 413: "size", 415: "format", 422: "content", 429: "queue", 503: "not-ready"}
