"""From the bytes of an answer to what it says. Pure, and done after the run.

Server-sent events as they are in the wild: comments as keep-alive, chunks with a role only, UTF-8 split between two
reads, an `error` event after HTTP 200, a last chunk with usage only, a stream that just ends.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from typing import Any, NamedTuple

import httptools

from bakehouse.measure.wire import Exchange

_SAID = 300
_OK = 200
_decode = json.JSONDecoder().decode


class RequestFailedError(Exception):
    """The server did not answer a request as it should."""


class Event(NamedTuple):
    """One server-sent event."""

    at: float
    """When the bytes that completed it arrived; taken before anything was parsed."""
    data: str
    kind: str = "message"


@dataclass(frozen=True, kw_only=True, slots=True)
class Reply:
    """One finished answer. Times are seconds of the client's clock."""

    text: str
    sent: float
    """Just before the request's first byte."""
    first: float | None
    """First chunk with generated content: text, reasoning or token ids."""
    ended: float
    """Last chunk with content or with the reason why it ended. What comes later (usage) is no part of the answer."""
    chunks: int
    """How many chunks had content. A chunk is not a token."""
    timings: dict[str, Any] | None
    """The server's own, as they were."""
    usage: dict[str, Any] | None = None
    """An OpenAI-compatible server's count of tokens, as it was."""
    stamps: tuple[float, ...] = ()
    """When each chunk with content came."""
    due: float = 0.0
    """When the request should have been sent."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Failure:
    """A request that was not answered as it should be."""

    reason: str
    sent: float
    due: float = 0.0
    chunks: int = 0
    """How many chunks with content came before."""


def read(exchange: Exchange) -> Reply | Failure:
    """Read an answer to its end, or to where it went wrong."""
    answer = _Answer()
    try:
        answer.take(exchange)
    except RequestFailedError as error:
        reason = str(error)
    else:
        if answer.finished:
            return answer.reply(exchange)
        reason = exchange.broken or (
            f"the stream ended after {len(answer.stamps)} chunks without saying that it was finished"
        )
        if exchange.broken and answer.stamps:
            reason += f" (after {len(answer.stamps)} chunks)"
    return Failure(reason=reason, sent=exchange.sent, due=exchange.due, chunks=len(answer.stamps))


def complete(reads: Iterable[tuple[float, bytes]]) -> bool:
    """Whether all of an answer is there, although the server has not closed the connection."""
    http = _Http()
    try:
        body = b"".join(chunk for _, chunk in http.body(reads))
    except RequestFailedError:
        return True
    return http.complete or body.rstrip().endswith(b"data: [DONE]")


def events(chunks: Iterable[tuple[float, bytes]]) -> Iterator[Event]:
    """Take a stream of bytes apart: `text/event-stream` with LF or CR LF, which is all that servers send.

    Lines are cut as bytes, so that a character that was split between two reads is whole again before it is decoded.
    """
    data: list[str] = []
    rest, kind, at = b"", "message", 0.0
    for arrived, chunk in chunks:
        at = arrived
        if not rest and not data and kind == "message" and _is_one_event(chunk):
            yield Event(at, chunk[6:-2].decode("utf-8", errors="replace"))
            continue
        # A CR at the very end may be half of a CR LF: it waits for the next read.
        *lines, rest = (rest + chunk).replace(b"\r\n", b"\n").split(b"\n")
        for line in lines:
            name, _, value = line.rstrip(b"\r").decode("utf-8", errors="replace").partition(":")
            value = value.removeprefix(" ")
            if not name and not value:
                if data:
                    yield Event(at, "\n".join(data), kind)
                data, kind = [], "message"
            elif name == "data":
                data.append(value)
            elif name == "event":
                kind = value
    if data:  # the last blank line is often forgotten
        yield Event(at, "\n".join(data), kind)


def _is_one_event(chunk: bytes) -> bool:
    """What nearly all chunks are: `data: ...` and a blank line."""
    return chunk.startswith(b"data: ") and chunk.endswith(b"\n\n") and chunk.find(b"\n") == len(chunk) - 2


@dataclass(kw_only=True, slots=True)
class _Http:
    """An HTTP answer, read by llhttp."""

    status: int = 0
    kind: str = ""
    """Its Content-Type."""
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
                if self.complete:  # bytes after the end are nobody's
                    return
                raise RequestFailedError(f"the answer is no HTTP ({error}): {_shown(data)}") from None
            if len(pieces) == 1:
                yield at, pieces[0]
            elif pieces:
                yield at, b"".join(pieces)
            pieces.clear()
            if self.complete:
                return

    # The names that httptools calls.
    def on_header(self, name: bytes, value: bytes) -> None:
        if name.lower() == b"content-type":
            self.kind = value.decode("latin-1").partition(";")[0].strip().lower()

    def on_headers_complete(self) -> None:
        self.status = self._parser.get_status_code()

    def on_body(self, piece: bytes) -> None:
        self._pieces.append(piece)

    def on_message_complete(self) -> None:
        self.complete = True


@dataclass(kw_only=True, slots=True)
class _Answer:
    """What an answer has said so far."""

    text: list[str] = field(default_factory=list)
    stamps: list[float] = field(default_factory=list)
    ended: float = 0.0
    hidden: bool = False
    """The only content came in the last chunk, without text."""
    timings: dict[str, Any] | None = None
    usage: dict[str, Any] | None = None
    finished: bool = False

    def take(self, exchange: Exchange) -> None:
        http = _Http()
        body = http.body(exchange.reads)
        begin = next(body, None)
        if begin is None:
            if http.status not in (0, _OK):
                raise RequestFailedError(f"HTTP {http.status}: (empty)")
            return
        if http.status != _OK or http.kind == "application/json":
            said = begin[1] + b"".join(chunk for _, chunk in body)
            raise RequestFailedError(_refusal(http, said))
        for event in events(_chain(begin, body)):
            if event.data == "[DONE]":
                self.finished = True
                return
            self._message(event.at, parsed(event))

    def _message(self, at: float, message: dict[str, Any]) -> None:
        content, has_tokens, stops = _content(message)
        timings, usage = message.get("timings"), message.get("usage")
        if isinstance(timings, dict):
            self.timings = timings
        if isinstance(usage, dict):
            self.usage = usage
        if content or has_tokens:
            self.stamps.append(at)
            self.text.append(content)
            self.ended = at
        if stops:
            self.finished = True
            self.ended = at
            self.hidden = not self.stamps and _made(self.timings) > 0

    def reply(self, exchange: Exchange) -> Reply:
        first = self.stamps[0] if self.stamps else self.ended if self.hidden else None
        return Reply(
            text="".join(self.text),
            sent=exchange.sent,
            first=first,
            ended=self.ended,
            chunks=len(self.stamps),
            timings=self.timings,
            usage=self.usage,
            stamps=tuple(self.stamps),
            due=exchange.due,
        )


def _content(message: dict[str, Any]) -> tuple[str, bool, bool]:
    """Text, whether it holds token ids, and whether it is the last: of /completion, completions and chat.

    Raises RequestFailedError when the message has another shape.
    """
    choices = message.get("choices")
    if choices is None:
        return _text(message, "content"), bool(message.get("tokens")), bool(message.get("stop"))
    if not choices:  # the chunk with usage only
        return "", False, False
    try:
        choice = choices[0]
        delta = choice.get("delta")
        text = _text(delta, "content", "reasoning_content", "reasoning") if delta else _text(choice, "text")
        return text, False, choice.get("finish_reason") is not None
    except (AttributeError, KeyError, TypeError):
        raise RequestFailedError(f"the stream holds something unexpected: {str(message)[:_SAID]}") from None


def _text(message: dict[str, Any], *names: str) -> str:
    for name in names:
        if found := message.get(name):
            if isinstance(found, str):
                return found
            raise RequestFailedError(f"the stream holds something unexpected: {str(message)[:_SAID]}")
    return ""


def _made(timings: dict[str, Any] | None) -> int:
    """Tokens of a last chunk without text: an unfinished character can hold back the only token there was."""
    made = (timings or {}).get("predicted_n", 0)
    return made if isinstance(made, int) else 0


def parsed(event: Event) -> dict[str, Any]:
    """Read an event's JSON. Raises RequestFailedError also when it says that something went wrong."""
    try:
        message = _decode(event.data)
    except (ValueError, RecursionError):
        raise RequestFailedError(f"the stream holds something that is no JSON: {event.data[:_SAID]}") from None
    if not isinstance(message, dict):
        raise RequestFailedError(f"the stream holds something unexpected: {event.data[:_SAID]}")
    if event.kind == "error" or message.get("error") is not None:
        raise RequestFailedError(f"the server broke off: {error_text(message)}")
    return message


def error_text(message: dict[str, Any]) -> str:
    """Find the words in an error that came as JSON."""
    error = message.get("error", message)
    text = error.get("message", error) if isinstance(error, dict) else error
    return str(text)[:_SAID]


def _refusal(http: _Http, said: bytes) -> str:
    try:
        message = json.loads(said)
    except (ValueError, RecursionError):
        message = None
    if isinstance(message, dict) and (http.status != _OK or "error" in message):
        words = error_text(message)
    else:
        words = _shown(said) or "(empty)"
    if http.status != _OK:
        return f"HTTP {http.status}: {words}"
    if isinstance(message, dict) and "error" in message:
        return f"the server broke off: {words}"
    return f"it did not stream its answer: {words}"


def _shown(data: bytes) -> str:
    return data[:_SAID].decode("utf-8", errors="replace")


def _chain(first: tuple[float, bytes], rest: Iterator[tuple[float, bytes]]) -> Iterator[tuple[float, bytes]]:
    yield first
    yield from rest
