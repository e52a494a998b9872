"""Sends a server one streamed request or a whole load, with times; and small requests without times."""

from __future__ import annotations

import contextlib
import json
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Any, Protocol

import requests

from bakehouse.measure.loadgen import loop, replies, sse
from bakehouse.measure.loadgen.client_overhead import ClientOverhead
from bakehouse.measure.loadgen.exchange import Address, Outgoing
from bakehouse.measure.loadgen.loop import CONNECT_TIMEOUT, STALL_TIMEOUT
from bakehouse.measure.loadgen.replies import Failure, Reply
from bakehouse.measure.loadgen.sse import SAID, RequestFailedError
from bakehouse.measure.loadgen.workloads import Api, Request

__all__ = [
    "Ask",
    "Failure",
    "LoadResult",
    "Reply",
    "RequestFailedError",
    "answer",
    "chat",
    "complete",
    "load",
    "reply_to",
    "unstreamed",
    "vocabulary_size",
]


@dataclass(frozen=True, kw_only=True, slots=True)
class LoadResult:
    """What a load gave."""

    replies: tuple[Reply | Failure, ...]
    """In the order of the requests."""
    overhead: ClientOverhead
    parsing: float
    """Seconds of CPU time that reading the answers took, after the load."""


class Ask(Protocol):
    """What `load` does; a test puts something else in its place."""

    def __call__(
        self, url: str, asked: Sequence[Request], *, users: int | None = None, due: Sequence[float] = ()
    ) -> LoadResult: ...


def load(
    url: str,
    asked: Sequence[Request],
    *,
    users: int | None = None,
    due: Sequence[float] = (),
    clock: Callable[[], float] = time.perf_counter,
    stall: float = STALL_TIMEOUT,
    key: str | None = None,
) -> LoadResult:
    """Stream all requests, at most `users` at the same time, and read the answers when all are there.

    `due`: seconds after the begin at which each is sent (open loop); without it each is sent as soon as a user is
    free. A request that fails is a Failure among the replies and raises nothing.
    """
    bodies = [(request.api.value, request.body()) for request in asked]
    return _load(url, bodies, users=users, due=due, clock=clock, stall=stall, key=key)


def complete(
    url: str, request: Request, *, clock: Callable[[], float] = time.perf_counter, stall: float = STALL_TIMEOUT
) -> Reply:
    """Stream one request. Raises RequestFailedError."""
    return _only(load(url, [request], clock=clock, stall=stall))


def chat(url: str, messages: list[dict[str, str]], *, output_tokens: int) -> Reply:
    """Stream `POST /v1/chat/completions`, greedy, to its natural end. Raises RequestFailedError."""
    body = {"messages": messages, "max_tokens": output_tokens, "temperature": 0, "stream": True}
    return _only(_load(url, [(Api.CHAT.value, body)]))


def unstreamed(url: str, request: Request) -> Reply:
    """The same in one piece: what the server's `timings` say when nobody waits for each token.

    No moment is known but when it was sent and had come. Raises RequestFailedError.
    """
    sent = time.perf_counter()
    with _asked("POST", f"{url}{request.api}", body=replace(request, streamed=False).body()) as response:
        said = _json(response)
    timings = said.get("timings")
    return Reply(
        text=str(said.get("content", "")),
        sent=sent,
        first=None,
        ended=time.perf_counter(),
        chunks=1,
        timings=timings if isinstance(timings, dict) else None,
    )


def answer(url: str, prompt: str, *, output_tokens: int, openai: bool = False) -> str:
    """Let the server continue a text, greedy and not streamed. `openai`: by the words that all such servers know.

    Raises RequestFailedError.
    """
    greedy = {"prompt": prompt, "temperature": 0}
    if openai:
        said = _posted(url, Api.COMPLETIONS, greedy | {"model": model_name(url), "max_tokens": output_tokens})
        return _choice(said, "text")
    said = _posted(url, Api.COMPLETION, greedy | {"n_predict": output_tokens, "cache_prompt": False})
    return str(said.get("content", ""))


def reply_to(url: str, message: str, *, output_tokens: int) -> str:
    """What a chat's assistant says to one message, its reasoning included; greedy. Raises RequestFailedError."""
    messages = [{"role": "user", "content": message}]
    asked = {"model": model_name(url), "messages": messages, "max_tokens": output_tokens, "temperature": 0}
    said = _posted(url, Api.CHAT, asked)
    return _choice(said, "message", "reasoning_content", "reasoning", "content")


def _posted(url: str, api: Api, body: dict[str, Any]) -> dict[str, Any]:
    with _asked("POST", f"{url}{api}", body=body) as response:
        return _json(response)


def _choice(said: dict[str, Any], key: str, *names: str) -> str:
    """Text of the first choice; of several parts, those that are there."""
    try:
        found = said["choices"][0][key]
        return "".join(str(found.get(name) or "") for name in names) if names else str(found)
    except (KeyError, IndexError, TypeError, AttributeError):
        raise RequestFailedError(f"the answer is unexpected: {str(said)[:SAID]}") from None


def vocabulary_size(url: str) -> int:
    """Ask the server how many token ids the model has (`meta.n_vocab` in /v1/models)."""
    with _asked("GET", f"{url}/v1/models") as response:
        data = _json(response).get("data")
    try:
        return int(data[0]["meta"]["n_vocab"])  # type: ignore[index]
    except (KeyError, IndexError, TypeError, ValueError):
        raise RequestFailedError("/v1/models does not say how many token ids the model has (n_vocab)") from None


def model_name(url: str) -> str:
    """Ask the server what it calls its model. Raises RequestFailedError."""
    with _asked("GET", f"{url}/v1/models") as response:
        data = _json(response).get("data")
    try:
        return str(data[0]["id"])  # type: ignore[index]
    except (KeyError, IndexError, TypeError):
        raise RequestFailedError("/v1/models names no model") from None


def _load(
    url: str,
    bodies: Sequence[tuple[str, dict[str, Any]]],
    *,
    users: int | None = None,
    due: Sequence[float] = (),
    clock: Callable[[], float] = time.perf_counter,
    stall: float = STALL_TIMEOUT,
    key: str | None = None,
) -> LoadResult:
    address = Address.of(url, key=key)
    moments = due or [0.0] * len(bodies)
    outgoing = [
        Outgoing(data=address.post(path, json.dumps(body).encode()), due=moment)
        for (path, body), moment in zip(bodies, moments, strict=True)
    ]
    most = loop.UNLIMITED if users is None else users
    run = loop.run(address, outgoing, finished=sse.complete, users=most, clock=clock, stall=stall)
    before = time.process_time()
    found = tuple(replies.read(exchange) for exchange in run.exchanges)
    return LoadResult(replies=found, overhead=run.overhead, parsing=time.process_time() - before)


def _only(outcome: LoadResult) -> Reply:
    (reply,) = outcome.replies
    if isinstance(reply, Failure):
        raise RequestFailedError(reply.reason)
    return reply


@contextlib.contextmanager
def _asked(method: str, address: str, *, body: dict[str, Any] | None = None) -> Iterator[requests.Response]:
    """Send a request, and turn what requests raises (also while the body is read) into RequestFailedError."""
    with requests.Session() as session:
        try:
            response = session.request(method, address, json=body, timeout=(CONNECT_TIMEOUT, STALL_TIMEOUT))
            if not response.ok:
                raise RequestFailedError(f"HTTP {response.status_code}: {_said(response)}")
            yield response
        except requests.RequestException as error:
            if isinstance(error, requests.ReadTimeout) or "timed out" in str(error):
                raise RequestFailedError(f"the server sent nothing for {STALL_TIMEOUT:g} s") from error
            raise RequestFailedError(f"the connection broke: {error}") from error


def _json(response: requests.Response) -> dict[str, Any]:
    try:
        value = response.json()
    except ValueError:
        raise RequestFailedError(f"the answer is no JSON: {response.text[:SAID]}") from None
    if not isinstance(value, dict):
        raise RequestFailedError(f"the answer is unexpected: {response.text[:SAID]}")
    return value


def _said(response: requests.Response) -> str:
    """Extract the error message of a refused request, or the start of whatever came instead."""
    try:
        return replies.error_text(_json(response))
    except RequestFailedError:
        return response.text[:SAID] or "(empty)"
