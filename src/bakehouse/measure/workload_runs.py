"""Loads of many requests: what is asked and when, and the outcome. The definitions stand in docs/metrics.md."""

from __future__ import annotations

import random
import statistics
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any, assert_never

from bakehouse.measure import metrics, prompt_text
from bakehouse.measure.loadgen.client import LoadResult
from bakehouse.measure.loadgen.percentiles import percentile, supports
from bakehouse.measure.loadgen.replies import Failure, Reply
from bakehouse.measure.loadgen.workloads import Api, Request
from bakehouse.model.field_types import Unit
from bakehouse.model.recipe import Arrivals, Chat, Limits, Load, LongContext, Sweep
from bakehouse.model.report import Metric

PERCENTILES = (90, 99)
TOKENS_PER_CHUNK = 1.1
"""More than this, and gaps between chunks are no gaps between tokens. (A character can take several tokens.)"""
KEPT_GAPS = 20_000
"""Gaps that a sample keeps; of a larger load, the percentiles are all that is kept."""
_QUICK_REQUESTS = 4
_QUICK_USERS = 2
_QUICK_WORDS = 400


@dataclass(frozen=True, kw_only=True, slots=True)
class PlannedLoad:
    """One load that runs at a time: a level of a sweep is one."""

    name: str
    users: int | None
    """At the same time; None: whoever comes is let in."""
    requests: tuple[Request, ...]
    due: tuple[float, ...] = ()


@dataclass(frozen=True, kw_only=True, slots=True)
class Figures:
    """What came of one load, by metric; or why it may not count."""

    values: dict[Metric, float] = field(default_factory=dict)
    skipped: dict[Metric, str] = field(default_factory=dict)
    """Metrics that have no meaning for this server, and why."""
    reason: str = ""
    shortest: float = 0.0
    """The shortest median time among them, in seconds."""


UNITS: dict[Metric, Unit] = {
    "system_rate": "tokens/s",
    "system_prompt_rate": "tokens/s",
    "decode_rate": "tokens/s",
    "request_rate": "requests/s",
    "goodput": "requests/s",
}
"""Of those that are no times."""


def plan(asked: Load, *, chance: random.Random, native: bool, model: str = "") -> list[PlannedLoad]:
    """Make the requests. Lengths and moments are the same each time, texts never are.

    `native`: the server has a /completion, which says most. `chance` makes the texts.
    """
    api = Api.COMPLETION if native else Api.COMPLETIONS

    def requests(count: int, words: int, tokens: Sequence[int], *, to: Api = api) -> tuple[Request, ...]:
        return tuple(
            Request(prompt=prompt_text.question(chance, words=words), output_tokens=tokens[number], api=to, model=model)
            for number in range(count)
        )

    match asked:
        case Chat():
            lengths = _lengths(asked)
            made = requests(asked.requests, asked.prompt_words, lengths, to=Api.CHAT)
            return [PlannedLoad(name=f"chat-{asked.users}u", users=asked.users, requests=made)]
        case Sweep():
            return [
                PlannedLoad(
                    name=f"sweep-{users}u",
                    users=users,
                    requests=requests(
                        users * asked.requests_each,
                        asked.prompt_words,
                        [asked.output_tokens] * users * asked.requests_each,
                    ),
                )
                for users in asked.users
            ]
        case Arrivals():
            made = requests(asked.requests, asked.prompt_words, [asked.output_tokens] * asked.requests)
            return [PlannedLoad(name=f"arrivals-{asked.rate:g}ps", users=None, requests=made, due=moments(asked))]
        case LongContext():
            made = requests(asked.requests, asked.prompt_words, [asked.output_tokens] * asked.requests)
            return [PlannedLoad(name=f"long-{asked.prompt_words}w", users=1, requests=made)]
        case _:
            assert_never(asked)


def output_tokens(asked: Load) -> int:
    """Tokens of all answers of one run of a load, of all its levels."""
    match asked:
        case Chat():
            return sum(_lengths(asked))
        case Sweep():
            return sum(asked.users) * asked.requests_each * asked.output_tokens
        case Arrivals() | LongContext():
            return asked.requests * asked.output_tokens
        case _:
            assert_never(asked)


def moments(asked: Arrivals) -> tuple[float, ...]:
    """Seconds at which requests come: a Poisson process, so the gaps are exponential. The first comes at once."""
    chance = random.Random(asked.seed)  # noqa: S311 - no secret
    at, found = 0.0, [0.0]
    for _ in range(asked.requests - 1):
        at += chance.expovariate(asked.rate)
        found.append(at)
    return tuple(found)


def quick(asked: Load) -> Load:
    """The same, small enough for CI."""
    match asked:
        case Chat():
            return asked.model_copy(update={"requests": min(asked.requests, _QUICK_REQUESTS)})
        case Sweep():
            users = tuple(number for number in asked.users if number <= _QUICK_USERS) or asked.users[:1]
            return asked.model_copy(update={"users": users, "requests_each": 1})
        case Arrivals():
            return asked.model_copy(update={"requests": min(asked.requests, _QUICK_REQUESTS)})
        case LongContext():
            return asked.model_copy(update={"prompt_words": min(asked.prompt_words, _QUICK_WORDS), "requests": 1})
        case _:
            assert_never(asked)


def figures(planned: PlannedLoad, outcome: LoadResult, limits: Limits) -> Figures:
    """A load's figures. One request that failed makes all of it void: the others had the server to themselves."""
    failed = [reply for reply in outcome.replies if isinstance(reply, Failure)]
    if failed:
        return Figures(reason=_failures(failed, len(outcome.replies)))
    replies = [reply for reply in outcome.replies if isinstance(reply, Reply)]
    try:
        found = [_One.of(request, reply) for request, reply in zip(planned.requests, replies, strict=True)]
    except metrics.VoidError as error:
        return Figures(reason=str(error))
    wall = max(one.reply.ended for one in found) - min(one.reply.sent for one in found)
    if wall <= 0:
        return Figures(reason="the whole load took no time")
    values: dict[Metric, float] = {
        "system_rate": sum(one.counts.output for one in found) / wall,
        "system_prompt_rate": sum(one.counts.prompt for one in found) / wall,
        "request_rate": len(found) / wall,
        "goodput": sum(one.keeps(limits) for one in found) / wall,
    }
    skipped: dict[Metric, str] = {}
    times: dict[Metric, list[float]] = {
        "ttft": [one.ttft for one in found],
        "latency": [metrics.latency(one.reply) for one in found],
        "tpot": [one.tpot for one in found if one.tpot is not None],
    }
    per_chunk = sum(one.counts.output for one in found) / max(1, sum(one.reply.chunks for one in found))
    if per_chunk > TOKENS_PER_CHUNK:
        skipped["itl"] = f"its chunks hold {per_chunk:.1f} tokens each, so gaps between chunks are none between tokens"
    else:
        times["itl"] = [gap for one in found for gap in metrics.gaps(one.reply)]
    if times["tpot"]:
        values["decode_rate"] = 1 / statistics.median(times["tpot"])
    for metric, seconds in times.items():
        values |= _of_times(metric, seconds)
    if not (limits.ttft or limits.tpot or limits.latency):
        del values["goodput"]  # without limits it is the request rate
    shortest = min((values[metric] for metric in times if values.get(metric)), default=0.0)
    return Figures(values=values, skipped=skipped, shortest=shortest)


def raw(planned: PlannedLoad, outcome: LoadResult) -> dict[str, Any]:
    """Keep what came, compactly: times in microseconds from the first request on, and the gaps between chunks."""
    begun = min((reply.sent for reply in outcome.replies if reply.sent), default=0.0)
    rows: list[dict[str, Any]] = []
    count = sum(reply.chunks for reply in outcome.replies)
    for request, reply in zip(planned.requests, outcome.replies, strict=True):
        row: dict[str, Any] = {"asked": request.output_tokens, "chunks": reply.chunks}
        if reply.sent:
            row["sent_us"] = _microseconds(reply.sent - begun)
        if planned.due and reply.sent:
            row["late_us"] = _microseconds(reply.sent - reply.due)
        if isinstance(reply, Failure):
            rows.append(row | {"failed": reply.reason})
            continue
        if reply.first is not None:
            row["first_us"] = _microseconds(reply.first - begun)
        row["ended_us"] = _microseconds(reply.ended - begun)
        row |= {key: value for key, value in (("timings", reply.timings), ("usage", reply.usage)) if value}
        if count <= KEPT_GAPS:
            row["gaps_us"] = [_microseconds(gap) for gap in metrics.gaps(reply)]
        rows.append(row)
    return {"requests": rows, "client": outcome.overhead.record() | {"parsing_s": round(outcome.parsing, 6)}}


@dataclass(frozen=True, kw_only=True, slots=True)
class _One:
    """One answer that counts."""

    reply: Reply
    counts: metrics.Counts
    ttft: float
    tpot: float | None

    @classmethod
    def of(cls, request: Request, reply: Reply) -> _One:
        counts = metrics.check(reply, request)
        return cls(reply=reply, counts=counts, ttft=metrics.ttft(reply), tpot=metrics.tpot(reply, counts.output))

    def keeps(self, limits: Limits) -> bool:
        pairs = ((limits.ttft, self.ttft), (limits.tpot, self.tpot), (limits.latency, metrics.latency(self.reply)))
        return all(limit is None or value is None or value <= limit for limit, value in pairs)


def _of_times(metric: Metric, seconds: Sequence[float]) -> dict[Metric, float]:
    """The median, and those percentiles that so many values have."""
    if not seconds:
        return {}
    found: dict[Metric, float] = {metric: statistics.median(seconds)}
    for share in PERCENTILES:
        if supports(len(seconds), share):
            found[_PERCENTILE[metric, share]] = percentile(seconds, share)
    return found


_PERCENTILE: dict[tuple[Metric, int], Metric] = {
    ("ttft", 90): "ttft_p90",
    ("ttft", 99): "ttft_p99",
    ("itl", 90): "itl_p90",
    ("itl", 99): "itl_p99",
    ("tpot", 90): "tpot_p90",
    ("tpot", 99): "tpot_p99",
    ("latency", 90): "latency_p90",
    ("latency", 99): "latency_p99",
}


def _failures(failed: Sequence[Failure], total: int) -> str:
    return f"{len(failed)} of {total} requests failed; the first: {failed[0].reason}"


def _lengths(asked: Chat) -> list[int]:
    chance = random.Random(asked.requests)  # noqa: S311 - no secret
    low, high = (max(2, round(asked.output_tokens * (1 + sign * asked.spread))) for sign in (-1, 1))
    return [chance.randint(low, high) for _ in range(asked.requests)]


def _microseconds(seconds: float) -> int:
    return round(seconds * 1e6)
