"""From one reply to one number, by the definitions in docs/reports.md (METRIC_DEFINITIONS in model/report.py)."""

from __future__ import annotations

from typing import Any

from bakehouse.measure.client import Reply
from bakehouse.measure.workloads import Request


class VoidError(Exception):
    """The number may not count, and why."""


def check(reply: Reply, request: Request) -> None:
    """Raise VoidError unless the server did exactly what was asked."""
    timings = reply.timings
    if timings is None:
        raise VoidError("the server sent no timings")
    cached = timings.get("cache_n", 0)
    if cached:
        raise VoidError(f"{cached} prompt tokens came from the cache")
    _same("prompt", timings.get("prompt_n"), len(request.prompt))
    _same("output", timings.get("predicted_n"), request.output_tokens)


def prompt_rate(reply: Reply) -> float:
    """Prompt tokens per second, from the server's clock: prompt_n / prompt_ms."""
    timings = reply.timings or {}
    return _number(timings, "prompt_n") * 1000 / _positive(timings, "prompt_ms")


def decode_rate(reply: Reply) -> float:
    """Output tokens per second and user: (predicted_n - 1) / predicted_ms.

    Not `predicted_per_second`, whose definition changed in 2026-08 (llama.cpp PR 26920). The first token belongs to
    the prompt's time.
    """
    timings = reply.timings or {}
    return (_number(timings, "predicted_n") - 1) * 1000 / _positive(timings, "predicted_ms")


def ttft(reply: Reply) -> float:
    """Seconds from the request's first byte to the first chunk with generated content, on the client's clock."""
    if reply.first is None:
        raise VoidError("no chunk had generated content")
    return reply.first - reply.sent


def client_decode_rate(reply: Reply) -> float | None:
    """(n - 1) / (end - first token), on the client's clock; recorded beside the server's figure, never instead."""
    tokens = (reply.timings or {}).get("predicted_n")
    if reply.first is None or not isinstance(tokens, int) or tokens < 2 or reply.ended <= reply.first:  # noqa: PLR2004
        return None
    return (tokens - 1) / (reply.ended - reply.first)


def _same(what: str, found: object, wanted: int) -> None:
    if found != wanted:
        raise VoidError(f"{wanted} {what} tokens were asked for and the server counted {found}")


def _number(timings: dict[str, Any], key: str) -> float:
    value = timings.get(key)
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise VoidError(f"the server's timings have no {key}")
    return float(value)


def _positive(timings: dict[str, Any], key: str) -> float:
    value = _number(timings, key)
    if value <= 0:
        raise VoidError(f"the server says {key} = {value:g}")
    return value
