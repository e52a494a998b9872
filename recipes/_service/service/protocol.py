"""HTTP within bounds: the head of a request has a size, and a time in which it must come.

uvicorn's own protocol has neither: 100 MB of headers were answered with 200, and a client that sends half a line keeps
its connection for ever.
"""

from __future__ import annotations

import asyncio
from typing import Any

from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

MOST = 64 * 1024
"""Bytes of a request's line and headers; what comes with them in one read is looked at afterwards."""
PATIENCE = 10.0
"""Seconds from a connection's or a request's first byte until its head is there."""
_WORDS = {408: "Request Timeout", 431: "Request Header Fields Too Large"}


class Bounded(HttpToolsProtocol):
    """One connection."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self._head = 0
        self._timer: asyncio.TimerHandle | None = None
        """Runs while a head is awaited."""

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override] # as uvicorn has it
        super().connection_made(transport)
        self._await_head()

    def connection_lost(self, exc: Exception | None) -> None:
        self._head_is_there()
        super().connection_lost(exc)

    def data_received(self, data: bytes) -> None:
        super().data_received(data)
        if self._timer is None:
            return
        self._head += len(data)
        if self._head > MOST:
            self._refuse(431)

    def on_message_begin(self) -> None:
        self._await_head()
        super().on_message_begin()

    def on_headers_complete(self) -> None:
        self._head_is_there()
        super().on_headers_complete()

    def _await_head(self) -> None:
        self._head_is_there()
        self._head = 0
        self._timer = self.loop.call_later(PATIENCE, self._refuse, 408)

    def _head_is_there(self) -> None:
        if self._timer:
            self._timer.cancel()
            self._timer = None

    def _refuse(self, status: int) -> None:
        """No route was found yet, so nothing above can answer."""
        self._head_is_there()
        if not self.transport.is_closing():
            line = f"HTTP/1.1 {status} {_WORDS[status]}\r\ncontent-length: 0\r\nconnection: close\r\n\r\n"
            self.transport.write(line.encode())
            self.transport.close()
