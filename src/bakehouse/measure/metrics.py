"""From one reply to one number, by the definitions in docs/reports.md (METRIC_DEFINITIONS in model/report.py)."""

from __future__ import annotations

import itertools
from dataclasses import dataclass
from typing import Any

from bakehouse.measure.loadgen.replies import Reply
from bakehouse.measure.loadgen.workloads import Request


class VoidError(Exception):
    """The number may not count, and why."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Counts:
    """Tokens of one answer, as the server counted them: only it can."""

    prompt: int
    """Those that were computed; the others came from a cache."""
    cached: int
    output: int


def counts(reply: Reply) -> Counts:
    """Take the counts from the server's `timings` or, without them, from `usage`.

    Raises VoidError where there are neither: a chunk is not a token, and tokenising chunks gives other tokens.
    """
    if reply.timings is not None:
        timings = reply.timings
        return Counts(
            prompt=_count(timings, "prompt_n"),
            cached=_count(timings, "cache_n") if "cache_n" in timings else 0,
            output=_count(timings, "predicted_n"),
        )
    if reply.usage is not None:
        cached = (reply.usage.get("prompt_tokens_details") or {}).get("cached_tokens") or 0
        return Counts(
            prompt=_count(reply.usage, "prompt_tokens") - cached,
            cached=cached,
            output=_count(reply.usage, "completion_tokens"),
        )
    raise VoidError("the server sent no timings and no usage, so it is unknown how many tokens it made")


def check(reply: Reply, request: Request) -> Counts:
    """Give the counts. Raises VoidError unless the server did exactly what was asked."""
    found = counts(reply)
    if found.cached:
        raise VoidError(f"{found.cached} prompt tokens came from the cache")
    if request.prompt_tokens is not None:
        _same("prompt", found.prompt, request.prompt_tokens)
    _same("output", found.output, request.output_tokens)
    if reply.first is not None and not reply.sent <= reply.first <= reply.ended:
        raise VoidError("the clock went backwards")
    return found


def prompt_rate(reply: Reply) -> float:
    """Prompt tokens per second, from the server's clock: prompt_n / prompt_ms."""
    timings = reply.timings or {}
    return _number(timings, "prompt_n") * 1000 / _positive(timings, "prompt_ms")


def decode_rate(reply: Reply) -> float:
    """Output tokens per second and user: (predicted_n - 1) / predicted_ms.

    Not `predicted_per_second`, whose definition changed in 2026-08 in its server. The first token belongs to the
    prompt's time.
    """
    timings = reply.timings or {}
    return (_number(timings, "predicted_n") - 1) * 1000 / _positive(timings, "predicted_ms")


def ttft(reply: Reply) -> float:
    """Seconds from the request's first byte to the first chunk with generated content, on the client's clock."""
    if reply.first is None:
        raise VoidError("no chunk had generated content")
    return reply.first - reply.sent


def latency(reply: Reply) -> float:
    """Seconds from the request's first byte to the last chunk of the answer."""
    return reply.ended - reply.sent


def tpot(reply: Reply, output_tokens: int) -> float | None:
    """Seconds for each output token after the first: (end - first token) / (n - 1). None for a single token."""
    if reply.first is None or output_tokens < 2 or reply.ended <= reply.first:  # noqa: PLR2004
        return None
    return (reply.ended - reply.first) / (output_tokens - 1)


def gaps(reply: Reply) -> list[float]:
    """Seconds between chunks with content. They are between tokens (ITL) only where each chunk holds one."""
    return [after - before for before, after in itertools.pairwise(reply.stamps)]


def client_decode_rate(reply: Reply) -> float | None:
    """(n - 1) / (end - first token), on the client's clock; recorded beside the server's figure, never instead."""
    try:
        each = tpot(reply, counts(reply).output)
    except VoidError:
        return None
    return 1 / each if each else None


def _same(what: str, found: int, wanted: int) -> None:
    if found != wanted:
        raise VoidError(f"{wanted} {what} tokens were asked for and the server counted {found}")


def _count(said: dict[str, Any], key: str) -> int:
    value = said.get(key)
    if isinstance(value, bool) or not isinstance(value, int):
        raise VoidError(f"the server counted {value!r} as its {key}")
    return value


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
