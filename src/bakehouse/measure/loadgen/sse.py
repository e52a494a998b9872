"""From an answer's bytes to its events: HTTP, then `text/event-stream`. Pure. Only `complete` is called during a run.

Streams are taken as real servers send them: comments as keep-alive, UTF-8 split between two reads, a last blank line
that is missing.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from typing import Any, NamedTuple

import httptools

SAID = 300
"""Characters of an answer that an error shows."""


class RequestFailedError(Exception):
    """The server did not answer a request as it should."""


@dataclass(kw_only=True, slots=True)
class Http:
    """An HTTP answer, read by llhttp."""

    status: int = 0
    kind: str = ""
    """Its Content-Type."""
    headers: dict[str, str] = field(default_factory=dict)
    """By lower-case name; the last of those that come twice."""
    complete: bool = False
    _pieces: list[bytes] = field(default_factory=list)
    _parser: Any = None

    def body(self, reads: Iterable[tuple[float, bytes]]) -> Iterator[tuple[float, bytes]]:
        """Give the body with the times at which it came. Raises RequestFailedError when it is no HTTP."""
        self._parser = httptools.HttpResponseParser(self)
        feed, pieces = self._parser.feed_data, self._pieces
        for at, data in reads:
            try:
                feed(data)
            except (httptools.HttpParserError, httptools.HttpParserUpgrade) as error:
                if self.complete:  # bytes after the end do not count
                    return
                raise RequestFailedError(f"the answer is no HTTP ({error}): {shown(data)}") from None
            if len(pieces) == 1:
                yield at, pieces[0]
            elif pieces:
                yield at, b"".join(pieces)
            pieces.clear()
            if self.complete:
                return

    # The names that httptools calls.
    def on_header(self, name: bytes, value: bytes) -> None:
        said = name.decode("latin-1").lower()
        self.headers[said] = value.decode("latin-1")
        if said == "content-type":
            self.kind = self.headers[said].partition(";")[0].strip().lower()

    def on_headers_complete(self) -> None:
        self.status = self._parser.get_status_code()

    def on_body(self, piece: bytes) -> None:
        self._pieces.append(piece)

    def on_message_complete(self) -> None:
        self.complete = True


def complete(reads: Iterable[tuple[float, bytes]]) -> bool:
    """Whether all of an answer is there, although the server has not closed the connection."""
    http = Http()
    try:
        body = b"".join(chunk for _, chunk in http.body(reads))
    except RequestFailedError:
        return True
    return http.complete or body.rstrip().endswith(b"data: [DONE]")


class ServerSentEvent(NamedTuple):
    """One server-sent event."""

    at: float
    """When the bytes that completed it arrived; taken before anything was parsed."""
    data: str
    kind: str = "message"


def events(chunks: Iterable[tuple[float, bytes]]) -> Iterator[ServerSentEvent]:
    """Take a stream of bytes apart: `text/event-stream` with LF or CR LF, which is all that servers send.

    Lines are cut as bytes, so that a character that was split between two reads is whole again before it is decoded.
    """
    data: list[str] = []
    rest, kind, at = b"", "message", 0.0
    for arrived, chunk in chunks:
        at = arrived
        if not rest and not data and kind == "message" and _is_one_event(chunk):
            yield ServerSentEvent(at, chunk[6:-2].decode("utf-8", errors="replace"))
            continue
        # A CR at the very end may be half of a CR LF: it waits for the next read.
        *lines, rest = (rest + chunk).replace(b"\r\n", b"\n").split(b"\n")
        for line in lines:
            name, _, value = line.rstrip(b"\r").decode("utf-8", errors="replace").partition(":")
            value = value.removeprefix(" ")
            if not name and not value:
                if data:
                    yield ServerSentEvent(at, "\n".join(data), kind)
                data, kind = [], "message"
            elif name == "data":
                data.append(value)
            elif name == "event":
                kind = value
    if data:  # the last blank line is often forgotten
        yield ServerSentEvent(at, "\n".join(data), kind)


def _is_one_event(chunk: bytes) -> bool:
    """What nearly all chunks are: `data: ...` and a blank line."""
    return chunk.startswith(b"data: ") and chunk.endswith(b"\n\n") and chunk.find(b"\n") == len(chunk) - 2


def shown(data: bytes) -> str:
    return data[:SAID].decode("utf-8", errors="replace")
