"""How fast a server is, and whether its answers are right.

Noise between container starts is larger than within one, so a measurement is starts x repetitions, with one
repetition more in each start that warms up and is not counted. Every repetition becomes a Sample, void or not.
"""

from __future__ import annotations

import random
from collections.abc import Callable
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from typing import Any

from bakehouse.measure import metrics, statistics, workloads
from bakehouse.measure.client import Ask, Outcome, Reply, RequestFailedError, answer, load, vocabulary_size
from bakehouse.measure.load import FOREIGN_LIMIT, Usage, Watched
from bakehouse.measure.stream import Failure
from bakehouse.measure.workloads import Request, Workload
from bakehouse.model import suite
from bakehouse.model.recipe import Question
from bakehouse.model.report import Measurement, Metric, Sample
from bakehouse.model.words import Unit, Verdict
from bakehouse.probes import ProbeFailed

QUICK_STARTS = 1
QUICK_REPETITIONS = 2
ANSWER_TOKENS = 16


@dataclass(frozen=True, kw_only=True, slots=True)
class Served:
    """A server that is ready, as a measurement sees it."""

    url: str
    healthy: float
    """Seconds from its start to the first 200."""
    port_open: float | None = None
    """Seconds from its start to the first answer of any kind."""
    started: float | None = None
    """When it was started, by the client's clock."""
    load: Watched
    peak_memory: Callable[[], int | None]


Start = Callable[[], AbstractContextManager[Served]]
"""Starts a fresh server with the pinned arguments, and removes it."""


@dataclass(kw_only=True)
class _Samples:
    """Samples by (workload, metric), in the order they came."""

    by_metric: dict[tuple[str, Metric], list[Sample]] = field(default_factory=dict)

    def add(self, workload: str, metric: Metric, sample: Sample) -> None:
        self.by_metric.setdefault((workload, metric), []).append(sample)


UNITS: dict[Metric, Unit] = {"prompt_rate": "tokens/s", "decode_rate": "tokens/s", "memory": "bytes"}
"""Of metrics that are no times."""
STEADY = 0.95
"""Share of the later answers' median decode rate from which on a server counts as steady."""


def measure(
    start: Start,
    asked: suite.Workload,
    *,
    settings: dict[str, Any],
    random_ids: random.Random,
    quick: bool = False,
    ask: Ask = load,
) -> list[Measurement]:
    """Measure pp and tg over several container starts. Quick: one start, two repetitions.

    Raises ProbeFailed when not one request of a workload was answered: that is the image's fault.
    """
    starts = QUICK_STARTS if quick else asked.starts
    repetitions = min(QUICK_REPETITIONS, asked.repetitions) if quick else asked.repetitions
    samples = _Samples()
    for number in range(starts):
        with start() as served:
            _cold_start(served, number, samples, ask)
            _one_start(
                served, asked, number=number, repetitions=repetitions, random_ids=random_ids, samples=samples, ask=ask
            )
            samples.add("start", "memory", _memory(served, number))
    return [
        Measurement(
            workload=workload, metric=metric, unit=UNITS.get(metric, "seconds"), samples=taken, settings=settings
        )
        for (workload, metric), taken in samples.by_metric.items()
    ]


def _cold_start(served: Served, number: int, samples: _Samples, ask: Ask) -> None:
    """How it became ready, and the first token of all: one token after one, so that little is left but the start."""
    samples.add("start", "time_to_healthy", Sample(start=number, repetition=0, value=served.healthy))
    if served.port_open is not None:
        samples.add("start", "port_open", Sample(start=number, repetition=0, value=served.port_open))
    if served.started is None:
        return
    (reply,) = ask(served.url, [Request(prompt=(1,), output_tokens=1)]).replies
    if isinstance(reply, Reply) and reply.first is not None:
        sample = Sample(start=number, repetition=0, value=reply.first - served.started)
    else:
        reason = "no chunk had generated content" if isinstance(reply, Reply) else f"the request failed: {reply.reason}"
        sample = Sample(start=number, repetition=0, value=0.0, verdict=Verdict.VOID, reason=reason)
    samples.add("start", "first_token", sample)


def answers_question(url: str, question: Question) -> str:
    """Prove that it computes the right thing: a wrong kernel is quick, too. Returns the whole answer."""
    try:
        said = answer(url, question.prompt, output_tokens=ANSWER_TOKENS)
    except RequestFailedError as error:
        raise ProbeFailed(f"asked {question.prompt!r}: {error}") from error
    if question.expect.lower() not in said.lower():
        raise ProbeFailed(
            f"asked {question.prompt!r}, it answered {said!r}, without {question.expect!r}",
            hint="The server runs and computes nonsense: suspect the backend plugin or its flags.",
        )
    return said


def void_reasons(measurements: list[Measurement]) -> list[str]:
    """For each metric that has no sample left that counts: why."""
    return [
        f"{measurement.workload} {measurement.metric}: {measurement.samples[-1].reason}"
        for measurement in measurements
        if not measurement.counted and any(sample.verdict is Verdict.VOID for sample in measurement.samples)
    ]


def summary(measurements: list[Measurement]) -> str:
    """Say in one line what came out: `pp512 221.4 tokens/s (median of 15)`."""
    parts = []
    for measurement in measurements:
        counted = measurement.counted
        if counted and measurement.metric in ("prompt_rate", "decode_rate"):
            value = statistics.median(counted)
            parts.append(f"{measurement.workload} {value:.1f} {measurement.unit} (median of {len(counted)})")
    return ", ".join(parts)


def _one_start(
    served: Served,
    asked: suite.Workload,
    *,
    number: int,
    repetitions: int,
    random_ids: random.Random,
    samples: _Samples,
    ask: Ask,
) -> None:
    try:
        vocabulary = vocabulary_size(served.url)
    except RequestFailedError as error:
        raise ProbeFailed(str(error)) from error
    pp, tg = workloads.prompt_rate(asked), workloads.decode_rate(asked)
    failures: list[str] = []
    answers: list[tuple[float, float]] = []
    for repetition in range(-1, repetitions):  # -1 warms up
        for workload in (pp, tg):
            request = workload.request(random_ids=random_ids, vocabulary=vocabulary)
            served.load.start()
            outcome = ask(served.url, [request])
            usage = served.load.usage()
            (reply,) = outcome.replies
            if isinstance(reply, Failure):
                failures.append(reply.reason)
            elif workload is tg and (rate := metrics.client_decode_rate(reply)):
                answers.append((reply.ended, rate))
            if repetition >= 0:
                _record(samples, workload, request, outcome, usage, start=number, repetition=repetition)
    if len(failures) == 2 * (repetitions + 1):
        raise ProbeFailed(f"not one request was answered; the last: {failures[-1]}")
    if served.started is not None and answers:
        steady = _steady(answers) - served.started
        samples.add("start", "steady", Sample(start=number, repetition=0, value=steady))


def _steady(answers: list[tuple[float, float]]) -> float:
    """When the first answer ended that was as quick as the later ones; from (end, decode rate) in order."""
    wanted = STEADY * statistics.median([rate for _, rate in answers[1:] or answers])
    return next(ended for ended, rate in answers if rate >= wanted)


def _record(
    samples: _Samples,
    workload: Workload,
    request: Request,
    outcome: Outcome,
    usage: Usage,
    *,
    start: int,
    repetition: int,
) -> None:
    (reply,) = outcome.replies
    wanted: dict[Metric, Callable[[Reply], float]] = (
        {"decode_rate": metrics.decode_rate}
        if workload.output_tokens > 1
        else {"prompt_rate": metrics.prompt_rate, "ttft": metrics.ttft}
    )
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
                reason = outcome.own.saturation(metrics.latency(reply))
        reason = reason or disturbed(usage)
        sample = Sample(
            start=start,
            repetition=repetition,
            value=value,
            verdict=Verdict.VOID if reason else Verdict.PASSED,
            reason=reason,
            raw=_raw(outcome, usage),
        )
        samples.add(workload.name, metric, sample)


def disturbed(usage: Usage) -> str:
    """Say that something else used the machine, or nothing."""
    if usage.foreign is None or usage.foreign <= FOREIGN_LIMIT:
        return ""
    return (
        f"other processes used {usage.foreign:.0%} of this machine's CPU meanwhile "
        f"(more than {FOREIGN_LIMIT:.0%} voids a measurement)"
    )


def raw_usage(usage: Usage) -> dict[str, Any]:
    return {
        "elapsed_s": usage.elapsed,
        "foreign_cpu_share": usage.foreign,
        "container_cpu_s": usage.container,
        "client_cpu_s": usage.client,
    }


def _raw(outcome: Outcome, usage: Usage) -> dict[str, Any]:
    """Everything as it was, for whoever doubts a number in a year."""
    raw = raw_usage(usage) | {"client": outcome.own.record()}
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


def _memory(served: Served, number: int) -> Sample:
    peak = served.peak_memory()
    if peak is None:
        reason = "the server's process cannot be seen from this machine"
        return Sample(start=number, repetition=0, value=0.0, verdict=Verdict.VOID, reason=reason)
    return Sample(start=number, repetition=0, value=float(peak))
