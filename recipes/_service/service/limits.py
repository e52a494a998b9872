"""How much a service takes on: bytes of a body, and requests at a time."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager

from starlette.exceptions import HTTPException
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from service.batching import QueueFullError
from service.errors import answer
from service.metrics import Metrics

TOO_LARGE = 413


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


class Limits:
    """Counts requests and ends those whose body is too large, before it is in memory."""

    def __init__(self, app: ASGIApp, *, most: int, metrics: Metrics) -> None:
        self._app = app
        self._most = most
        self._metrics = metrics

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        begin, status, seen = time.perf_counter(), 500, 0

        async def counted() -> Message:
            nonlocal seen
            message = await receive()
            seen += len(message.get("body", b""))
            if seen > self._most:
                raise HTTPException(TOO_LARGE, self._message)
            return message

        async def noted(message: Message) -> None:
            nonlocal status
            status = message.get("status", status)
            await send(message)

        try:
            if self._declared(scope) > self._most:
                refusal = answer(TOO_LARGE, self._message, headers={"Connection": "close"})
                await refusal(scope, receive, noted)
            else:
                await self._app(scope, counted, noted)
        finally:
            self._count(scope, status, time.perf_counter() - begin)

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


REASONS = {413: "size", 415: "format", 422: "content", 429: "queue", 503: "not-ready"}
