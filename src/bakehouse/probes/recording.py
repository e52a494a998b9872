"""Records one answer of pp or tg, as a sample of each metric that it has a value for."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from bakehouse.measure import metrics
from bakehouse.measure.cpu_usage import Trouble, Usage
from bakehouse.measure.loadgen.client import LoadResult, Reply
from bakehouse.measure.loadgen.replies import Failure
from bakehouse.measure.loadgen.workloads import Request, TokenWorkload
from bakehouse.model.enums import Disturbance, Verdict
from bakehouse.model.report import Metric, Sample
from bakehouse.probes.disturbance import disturbed, late, raw_usage
from bakehouse.probes.series import Samples, troubled, void_if

CLIENTS = "client_"
"""Begins the names of metrics that are for calibration only."""
_BY_CLIENT = ("ttft", "client_prompt_rate", "client_decode_rate")
"""Metrics that the client's clock gives; the server's rates do not mind a client that is late."""
COLD = Trouble(kind=Disturbance.COLD, reason="it warmed up: there was no time for another")


def record(
    samples: Samples,
    workload: TokenWorkload,
    request: Request,
    outcome: LoadResult,
    usage: Usage,
    *,
    at: tuple[int, int],
    trouble: Trouble | None = None,
) -> bool:
    """Keep a sample for each metric of the workload; says whether they count.

    `at`: start and repetition. `trouble`: what is known to have taken part, beside what the usage says.
    """
    start, repetition = at
    (reply,) = outcome.replies
    wanted: dict[Metric, Callable[[Reply], float]] = (
        {"decode_rate": metrics.decode_rate, "client_decode_rate": _client_decode_rate}
        if workload.output_tokens > 1
        else {
            "prompt_rate": metrics.prompt_rate,
            "ttft": metrics.ttft,
            "client_prompt_rate": lambda reply: workload.prompt_tokens / metrics.ttft(reply),
        }
    )
    all_count = True
    for metric, rate in wanted.items():
        value, reason = 0.0, ""
        if isinstance(reply, Failure):
            reason = f"the request failed: {reply.reason}"
        else:
            try:
                metrics.check(reply, request)
                value = rate(reply)
            except metrics.VoidError as error:
                reason = str(error)
            else:
                reason = outcome.overhead.fault
        raw = {} if metric.startswith(CLIENTS) else _raw(outcome, usage)
        sample = void_if(reason, Sample(start=start, repetition=repetition, value=value, raw=raw))
        found = disturbed(usage) or trouble
        if found is None and isinstance(reply, Reply) and metric in _BY_CLIENT:
            found = late(outcome.overhead, metrics.latency(reply))
        sample = troubled(found, sample)
        samples.add(workload.name, metric, sample)
        all_count = all_count and (sample.verdict is Verdict.PASSED or metric.startswith(CLIENTS))
    return all_count


def _client_decode_rate(reply: Reply) -> float:
    rate = metrics.client_decode_rate(reply)
    if rate is None:
        raise metrics.VoidError("all tokens came at one moment")
    return rate


def _raw(outcome: LoadResult, usage: Usage) -> dict[str, Any]:
    """Everything as it was, so that a number can be checked in a year."""
    raw = raw_usage(usage) | {"client": outcome.overhead.record()}
    (reply,) = outcome.replies
    if isinstance(reply, Reply):
        raw |= {
            "timings": reply.timings,
            "client_first_s": reply.first - reply.sent if reply.first is not None else None,
            "client_total_s": reply.ended - reply.sent,
            "client_decode_rate": metrics.client_decode_rate(reply),
            "chunks": reply.chunks,
        }
    return raw
