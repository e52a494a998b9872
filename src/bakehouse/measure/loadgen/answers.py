"""Whole HTTP answers: when each is complete, and what it holds. Only `complete` is called during a run."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from requests.structures import CaseInsensitiveDict

from bakehouse.measure.loadgen.exchange import Exchange
from bakehouse.measure.loadgen.replies import Failure
from bakehouse.measure.loadgen.sse import Http, RequestFailedError

_LENGTH = re.compile(rb"\r\ncontent-length:[ \t]*(\d{1,15})[ \t]*\r\n", re.IGNORECASE)
_END_OF_HEAD = b"\r\n\r\n"
_LAST_CHUNK = b"0\r\n\r\n"


@dataclass(frozen=True, kw_only=True, slots=True)
class Answer:
    """One answer that came to its end, of any status. Times are seconds of the client's clock."""

    status_code: int
    headers: Mapping[str, str]
    """By name, in any case."""
    content: bytes
    sent: float
    """Just before the request's first byte, on a connection that stands."""
    ended: float
    """When its last byte came."""
    due: float = 0.0
    """When the request should have been sent."""

    @property
    def latency(self) -> float:
        return self.ended - self.sent

    @property
    def text(self) -> str:
        return self.content.decode("utf-8", errors="replace")

    def json(self) -> Any:
        """Raises ValueError."""
        return json.loads(self.content)


def complete(reads: Iterable[tuple[float, bytes]]) -> bool:
    """Whether all of an answer is there, although the server has not closed the connection.

    Cheap: the head says how long the answer is. Only one in chunks is parsed, where it looks as if it had ended.
    """
    pieces = [data for _, data in reads]
    head, end = b"", -1
    for piece in pieces:
        head += piece
        if (end := head.find(_END_OF_HEAD)) >= 0:
            break
    if end < 0:
        return False
    if length := _LENGTH.search(head[: end + 2]):
        return sum(map(len, pieces)) >= end + len(_END_OF_HEAD) + int(length[1])
    return b"".join(pieces[-len(_LAST_CHUNK) :]).endswith(_LAST_CHUNK) and _is_whole(pieces)


def _is_whole(pieces: Sequence[bytes]) -> bool:
    http = Http()
    try:
        for _ in http.body((0.0, piece) for piece in pieces):
            pass
    except RequestFailedError:
        return True
    return http.complete


def read(exchange: Exchange) -> Answer | Failure:
    """What came, or why it may not count."""

    def failure(reason: str) -> Failure:
        return Failure(reason=reason, sent=exchange.sent, due=exchange.due)

    http = Http()
    try:
        content = b"".join(data for _, data in http.body(exchange.reads))
    except RequestFailedError as error:
        return failure(str(error))
    ends_with_connection = not http.headers.keys() & {"content-length", "transfer-encoding"}
    if not http.status or not (http.complete or (ends_with_connection and not exchange.broken)):
        return failure(exchange.broken or f"the connection ended after {len(content)} bytes of the answer")
    return Answer(
        status_code=http.status,
        headers=CaseInsensitiveDict(http.headers),
        content=content,
        sent=exchange.sent,
        ended=exchange.reads[-1][0],
        due=exchange.due,
    )
