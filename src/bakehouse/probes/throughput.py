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
from bakehouse.measure.client import Reply, RequestFailedError, answer, complete, vocabulary_size
from bakehouse.measure.load import FOREIGN_LIMIT, Usage, Watched
from bakehouse.measure.workloads import Request, Workload
from bakehouse.model import suite
from bakehouse.model.recipe import Question
from bakehouse.model.report import Measurement, Sample
from bakehouse.model.words import Verdict
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
    load: Watched
    peak_memory: Callable[[], int | None]


Start = Callable[[], AbstractContextManager[Served]]
"""Starts a fresh server with the pinned arguments, and removes it."""


@dataclass(kw_only=True)
class _Samples:
    """Samples by (workload, metric), in the order they came."""

    by_metric: dict[tuple[str, str], list[Sample]] = field(default_factory=dict)

    def add(self, workload: str, metric: str, sample: Sample) -> None:
        self.by_metric.setdefault((workload, metric), []).append(sample)


UNITS = {
    "prompt_rate": "tokens/s",
    "decode_rate": "tokens/s",
    "ttft": "seconds",
    "time_to_healthy": "seconds",
    "memory": "bytes",
}


def measure(
    start: Start,
    asked: suite.Workload,
    *,
    settings: dict[str, Any],
    random_ids: random.Random,
    quick: bool = False,
) -> list[Measurement]:
    """Measure pp and tg over several container starts. Quick: one start, two repetitions.

    Raises ProbeFailed when not one request of a workload was answered: that is the image's fault.
    """
    starts = QUICK_STARTS if quick else asked.starts
    repetitions = min(QUICK_REPETITIONS, asked.repetitions) if quick else asked.repetitions
    samples = _Samples()
    for number in range(starts):
        with start() as served:
            samples.add("start", "time_to_healthy", Sample(start=number, repetition=0, value=served.healthy))
            _one_start(served, asked, number=number, repetitions=repetitions, random_ids=random_ids, samples=samples)
            samples.add("start", "memory", _memory(served, number))
    return [
        Measurement.model_validate(
            {"workload": workload, "metric": metric, "unit": UNITS[metric], "samples": taken, "settings": settings}
        )
        for (workload, metric), taken in samples.by_metric.items()
    ]


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
        if not measurement.counted
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
) -> None:
    try:
        vocabulary = vocabulary_size(served.url)
    except RequestFailedError as error:
        raise ProbeFailed(str(error)) from error
    pp, tg = workloads.prompt_rate(asked), workloads.decode_rate(asked)
    failures: list[str] = []
    for repetition in range(-1, repetitions):  # -1 warms up
        for workload in (pp, tg):
            request = workload.request(random_ids=random_ids, vocabulary=vocabulary)
            served.load.start()
            try:
                reply = complete(served.url, request)
            except RequestFailedError as error:
                failures.append(str(error))
                outcome: Reply | str = f"the request failed: {error}"
            else:
                outcome = reply
            usage = served.load.usage()
            if repetition >= 0:
                _record(samples, workload, request, outcome, usage, start=number, repetition=repetition)
    if len(failures) == 2 * (repetitions + 1):
        raise ProbeFailed(f"not one request was answered; the last: {failures[-1]}")


def _record(
    samples: _Samples,
    workload: Workload,
    request: Request,
    outcome: Reply | str,
    usage: Usage,
    *,
    start: int,
    repetition: int,
) -> None:
    wanted: dict[str, Callable[[Reply], float]] = (
        {"decode_rate": metrics.decode_rate}
        if workload.output_tokens > 1
        else {"prompt_rate": metrics.prompt_rate, "ttft": metrics.ttft}
    )
    for metric, rate in wanted.items():
        value, reason = 0.0, ""
        if isinstance(outcome, str):
            reason = outcome
        else:
            try:
                metrics.check(outcome, request)
                value = rate(outcome)
            except metrics.VoidError as error:
                reason = str(error)
        reason = reason or _disturbed(usage)
        sample = Sample(
            start=start,
            repetition=repetition,
            value=value,
            verdict=Verdict.VOID if reason else Verdict.PASSED,
            reason=reason,
            raw=_raw(outcome, usage),
        )
        samples.add(workload.name, metric, sample)


def _disturbed(usage: Usage) -> str:
    if usage.foreign is None or usage.foreign <= FOREIGN_LIMIT:
        return ""
    return (
        f"other processes used {usage.foreign:.0%} of this machine's CPU meanwhile "
        f"(more than {FOREIGN_LIMIT:.0%} voids a measurement)"
    )


def _raw(outcome: Reply | str, usage: Usage) -> dict[str, Any]:
    """Everything as it was, for whoever doubts a number in a year."""
    raw: dict[str, Any] = {
        "elapsed_s": usage.elapsed,
        "foreign_cpu_share": usage.foreign,
        "container_cpu_s": usage.container,
        "client_cpu_s": usage.client,
    }
    if isinstance(outcome, Reply):
        raw |= {
            "timings": outcome.timings,
            "client_first_s": outcome.first - outcome.sent if outcome.first is not None else None,
            "client_total_s": outcome.ended - outcome.sent,
            "client_decode_rate": metrics.client_decode_rate(outcome),
            "chunks": outcome.chunks,
        }
    return raw


def _memory(served: Served, number: int) -> Sample:
    peak = served.peak_memory()
    if peak is None:
        reason = "the server's process cannot be seen from this machine"
        return Sample(start=number, repetition=0, value=0.0, verdict=Verdict.VOID, reason=reason)
    return Sample(start=number, repetition=0, value=float(peak))
