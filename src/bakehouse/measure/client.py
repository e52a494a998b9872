"""A client that streams one request and keeps time. Times are seconds of `time.perf_counter()`.

Server-sent events as they are in the wild: comments as keep-alive, chunks with a role only, UTF-8 split between two
reads, an `error` event after HTTP 200, a stream that just ends.
"""

from __future__ import annotations

import contextlib
import json
import time
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from typing import Any

import requests

from bakehouse.measure.workloads import Request

CONNECT_TIMEOUT = 5.0
STALL_TIMEOUT = 120.0
"""Seconds without a byte after which a server counts as hung."""
_SAID = 300


class RequestFailedError(Exception):
    """The server did not answer a request as it should."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Event:
    """One server-sent event."""

    at: float
    """When the bytes that completed it arrived; taken before anything was parsed."""
    data: str
    kind: str = "message"


@dataclass(frozen=True, kw_only=True, slots=True)
class Reply:
    """One finished answer."""

    text: str
    sent: float
    """Just before the request's first byte."""
    first: float | None
    """First chunk with generated content: text, reasoning or token ids."""
    ended: float
    chunks: int
    """How many chunks had content. A chunk is not a token."""
    timings: dict[str, Any] | None
    """The server's own, as they were."""


def complete(
    url: str, request: Request, *, clock: Callable[[], float] = time.perf_counter, stall: float = STALL_TIMEOUT
) -> Reply:
    """Stream `POST /completion`. Raises RequestFailedError."""
    return _stream(f"{url}/completion", request.body(), clock=clock, stall=stall)


def chat(url: str, messages: list[dict[str, str]], *, output_tokens: int) -> Reply:
    """Stream `POST /v1/chat/completions`, greedy. Raises RequestFailedError."""
    body = {"messages": messages, "max_tokens": output_tokens, "temperature": 0, "stream": True}
    return _stream(f"{url}/v1/chat/completions", body, clock=time.perf_counter, stall=STALL_TIMEOUT)


def answer(url: str, prompt: str, *, output_tokens: int) -> str:
    """Let the server continue a text, greedy and not streamed. Raises RequestFailedError."""
    body = {"prompt": prompt, "n_predict": output_tokens, "temperature": 0, "cache_prompt": False}
    with _asked("POST", f"{url}/completion", body=body) as response:
        return str(_json(response).get("content", ""))


def vocabulary_size(url: str) -> int:
    """Ask the server how many token ids the model has (`meta.n_vocab` in /v1/models)."""
    with _asked("GET", f"{url}/v1/models") as response:
        data = _json(response).get("data")
    try:
        return int(data[0]["meta"]["n_vocab"])  # type: ignore[index]
    except (KeyError, IndexError, TypeError, ValueError):
        raise RequestFailedError("/v1/models does not say how many token ids the model has (n_vocab)") from None


def events(chunks: Iterable[tuple[float, bytes]]) -> Iterator[Event]:
    """Take a stream of bytes apart: `text/event-stream` with LF or CR LF, which is all that servers send.

    Lines are cut as bytes, so that a character that was split between two reads is whole again before it is decoded.
    """
    data: list[str] = []
    rest, kind, at = b"", "message", 0.0
    for arrived, chunk in chunks:
        at = arrived
        # A CR at the very end may be half of a CR LF: it waits for the next read.
        *lines, rest = (rest + chunk).replace(b"\r\n", b"\n").split(b"\n")
        for line in lines:
            name, _, value = line.rstrip(b"\r").decode("utf-8", errors="replace").partition(":")
            value = value.removeprefix(" ")
            if not name and not value:
                if data:
                    yield Event(at=at, data="\n".join(data), kind=kind)
                data, kind = [], "message"
            elif name == "data":
                data.append(value)
            elif name == "event":
                kind = value
    if data:  # the last blank line is often forgotten
        yield Event(at=at, data="\n".join(data), kind=kind)


def _stream(address: str, body: dict[str, Any], *, clock: Callable[[], float], stall: float) -> Reply:
    text: list[str] = []
    first: float | None = None
    timings: dict[str, Any] | None = None
    chunks, finished = 0, False
    ended = sent = clock()
    with _asked("POST", address, body=body, stream=True, stall=stall) as response:
        for event in events(_stamped(response, clock)):
            if event.data == "[DONE]":
                finished = True
                break
            message = _parsed(event)
            content, has_tokens, stops = _content(message)
            if first is None and (content or has_tokens or (stops and _predicted(message))):
                first = event.at
            if content or has_tokens:
                chunks += 1
            text.append(content)
            timings = message.get("timings", timings)
            ended = event.at
            finished = finished or stops
    if not finished:
        raise RequestFailedError(f"the stream ended after {chunks} chunks without saying that it was finished")
    return Reply(text="".join(text), sent=sent, first=first, ended=ended, chunks=chunks, timings=timings)


def _content(message: dict[str, Any]) -> tuple[str, bool, bool]:
    """Text, whether it holds token ids, and whether it is the last: of either API."""
    choices = message.get("choices")
    if choices is None:
        return message.get("content") or "", bool(message.get("tokens")), bool(message.get("stop"))
    if not choices:  # the chunk with usage only
        return "", False, False
    delta = choices[0].get("delta") or {}
    text = delta.get("content") or delta.get("reasoning_content") or delta.get("reasoning") or ""
    return text, False, choices[0].get("finish_reason") is not None


def _predicted(message: dict[str, Any]) -> int:
    """Tokens of a last chunk without text: an unfinished character can hold back the only token there was."""
    timings = message.get("timings")
    return int(timings.get("predicted_n", 0)) if isinstance(timings, dict) else 0


def _parsed(event: Event) -> dict[str, Any]:
    try:
        message = json.loads(event.data)
    except ValueError:
        raise RequestFailedError(f"the stream holds something that is no JSON: {event.data[:_SAID]}") from None
    if not isinstance(message, dict):
        raise RequestFailedError(f"the stream holds something unexpected: {event.data[:_SAID]}")
    if event.kind == "error" or "error" in message:
        raise RequestFailedError(f"the server broke off: {_error_text(message)}")
    return message


def _stamped(response: requests.Response, clock: Callable[[], float]) -> Iterator[tuple[float, bytes]]:
    for chunk in response.iter_content(chunk_size=None):
        yield clock(), chunk


@contextlib.contextmanager
def _asked(
    method: str, address: str, *, body: dict[str, Any] | None = None, stream: bool = False, stall: float = STALL_TIMEOUT
) -> Iterator[requests.Response]:
    """Send a request, and turn what requests raises (also while the body is read) into RequestFailedError."""
    with requests.Session() as session:
        try:
            response = session.request(method, address, json=body, stream=stream, timeout=(CONNECT_TIMEOUT, stall))
            if not response.ok:
                raise RequestFailedError(f"HTTP {response.status_code}: {_said(response)}")
            yield response
        except requests.RequestException as error:
            if isinstance(error, requests.ReadTimeout) or "timed out" in str(error):
                raise RequestFailedError(f"the server sent nothing for {stall:g} s") from error
            raise RequestFailedError(f"the connection broke: {error}") from error


def _json(response: requests.Response) -> dict[str, Any]:
    try:
        value = response.json()
    except ValueError:
        raise RequestFailedError(f"the answer is no JSON: {response.text[:_SAID]}") from None
    if not isinstance(value, dict):
        raise RequestFailedError(f"the answer is unexpected: {response.text[:_SAID]}")
    return value


def _said(response: requests.Response) -> str:
    """Extract the error message of a refused request, or the start of whatever came instead."""
    try:
        return _error_text(_json(response))
    except RequestFailedError:
        return response.text[:_SAID] or "(empty)"


def _error_text(message: dict[str, Any]) -> str:
    error = message.get("error", message)
    text = error.get("message", error) if isinstance(error, dict) else error
    return str(text)[:_SAID]
