"""Turns the events of an answer into text, counts and errors. Pure, and done after the run.

Answers are taken as real servers send them: chunks with a role only, an `error` event after HTTP 200, a last chunk with
usage only, a stream that just ends.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

from bakehouse.measure.loadgen.exchange import Exchange
from bakehouse.measure.loadgen.sse import SAID, Http, RequestFailedError, ServerSentEvent, events, shown

_OK = 200
_decode = json.JSONDecoder().decode


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
        http = Http()
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
        raise RequestFailedError(f"the stream holds something unexpected: {str(message)[:SAID]}") from None


def _text(message: dict[str, Any], *names: str) -> str:
    for name in names:
        if found := message.get(name):
            if isinstance(found, str):
                return found
            raise RequestFailedError(f"the stream holds something unexpected: {str(message)[:SAID]}")
    return ""


def _made(timings: dict[str, Any] | None) -> int:
    """Tokens of a last chunk without text: an unfinished character can hold back the only token there was."""
    made = (timings or {}).get("predicted_n", 0)
    return made if isinstance(made, int) else 0


def parsed(event: ServerSentEvent) -> dict[str, Any]:
    """Read an event's JSON. Raises RequestFailedError also when it says that something went wrong."""
    try:
        message = _decode(event.data)
    except (ValueError, RecursionError):
        raise RequestFailedError(f"the stream holds something that is no JSON: {event.data[:SAID]}") from None
    if not isinstance(message, dict):
        raise RequestFailedError(f"the stream holds something unexpected: {event.data[:SAID]}")
    if event.kind == "error" or message.get("error") is not None:
        raise RequestFailedError(f"the server broke off: {error_text(message)}")
    return message


def error_text(message: dict[str, Any]) -> str:
    """Find the words in an error that came as JSON."""
    error = message.get("error", message)
    text = error.get("message", error) if isinstance(error, dict) else error
    return str(text)[:SAID]


def _refusal(http: Http, said: bytes) -> str:
    try:
        message = json.loads(said)
    except (ValueError, RecursionError):
        message = None
    if isinstance(message, dict) and (http.status != _OK or "error" in message):
        words = error_text(message)
    else:
        words = shown(said) or "(empty)"
    if http.status != _OK:
        return f"HTTP {http.status}: {words}"
    if isinstance(message, dict) and "error" in message:
        return f"the server broke off: {words}"
    return f"it did not stream its answer: {words}"


def _chain(first: tuple[float, bytes], rest: Iterator[tuple[float, bytes]]) -> Iterator[tuple[float, bytes]]:
    yield first
    yield from rest
