"""How fast a server is, and whether its answers are right.

Noise between container starts is larger than within one, so a measurement is starts x repetitions, with one
repetition more in each start that warms up and is not counted. Every repetition becomes a Sample, void or not.
"""

from __future__ import annotations

import random
import statistics
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from typing import Any

from bakehouse.loadgen import workloads
from bakehouse.loadgen.client import Ask, Outcome, Reply, RequestFailedError, answer, load, unstreamed, vocabulary_size
from bakehouse.loadgen.replies import Failure
from bakehouse.loadgen.workloads import Request, Workload
from bakehouse.measure import metrics
from bakehouse.measure.cpu_usage import Trouble, Usage
from bakehouse.model import suite
from bakehouse.model.enums import Unit, Verdict
from bakehouse.model.recipe import Question
from bakehouse.model.report import Measurement, Metric, Sample
from bakehouse.probes import ProbeFailed, calibrate
from bakehouse.probes.disturbance import disturbed, energy_per_token, late, raw_usage
from bakehouse.probes.measured_server import MeasuredServer, Start, cold_start, memory
from bakehouse.probes.series import Samples, troubled, void_if

ANSWER_TOKENS = 16

UNITS: dict[Metric, Unit] = {
    "prompt_rate": "tokens/s",
    "decode_rate": "tokens/s",
    "client_prompt_rate": "tokens/s",
    "client_decode_rate": "tokens/s",
    "unstreamed_decode_rate": "tokens/s",
    "llama_bench_prompt_rate": "tokens/s",
    "llama_bench_decode_rate": "tokens/s",
    "memory": "bytes",
    "image_size": "bytes",
    "energy_per_token": "joules/token",
}
"""Of metrics that are no times."""
_CLIENTS = "client_"
"""Begins the names of metrics that are for calibration only."""
_BY_CLIENT = ("ttft", "client_prompt_rate", "client_decode_rate")
"""Metrics that the client's clock gives; the server's rates do not mind a client that is late."""
STEADY = 0.95
"""Share of the later answers' median decode rate from which on a server counts as steady."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Rates:
    """pp and tg of one image, a container start at a time.

    With a reference, llama-bench runs beside each start, and what the three clocks disagree on is void.
    """

    start: Start
    asked: suite.Workload
    settings: dict[str, Any]
    random_ids: random.Random
    samples: Samples = field(default_factory=Samples)
    ask: Ask = load
    reference: calibrate.Reference | None = None
    host_work: float = 0.0
    """See `calibrate.agreements`."""
    image_size: int | None = None

    def take(self, number: int) -> None:
        """Raises ProbeFailed when not one request was answered: that is the image's fault."""
        if self.image_size is not None and not number:
            self.samples.add("start", "image_size", Sample(start=0, repetition=0, value=float(self.image_size)))
        if self.reference and number % 2:
            self._refer(self.reference, number)
        with self.start() as served:
            cold = cold_start(served, number, ask=self.ask)
            answers = self._measure(served, number)
            if served.started is not None and answers.ended:
                cold["steady"] = Sample(start=number, repetition=0, value=_steady(answers.ended) - served.started)
            for metric, sample in cold.items():
                self.samples.add("start", metric, troubled(answers.trouble, sample))
            self.samples.add("start", "memory", memory(served, number))
        if self.reference and not number % 2:
            self._refer(self.reference, number)

    def measurements(self) -> list[Measurement]:
        found = self.samples.measurements(UNITS, self.settings)
        if self.reference is None:
            return [one for one in found if not one.metric.startswith(_CLIENTS)]
        return calibrate.calibrated(found, self.asked, settings=self.settings, host_work=self.host_work)

    def _refer(self, reference: calibrate.Reference, number: int) -> None:
        """Let llama-bench measure the same, in its own container, before the start's server or after it in turn."""
        benched = reference(self.asked.repetitions)
        for metric, taken in calibrate.samples(benched, self.asked, start=number).items():
            workload = workloads.prompt_rate(self.asked) if "prompt" in metric else workloads.decode_rate(self.asked)
            for sample in taken:
                self.samples.add(workload.name, metric, sample)

    def _answer_in_one_piece(self, served: MeasuredServer, request: Request, *, at: tuple[int, int]) -> None:
        """What the server's timings say when it sends nothing meanwhile, as llama-bench sends nothing."""
        served.load.start()
        value, reason, raw = 0.0, "", {}
        try:
            reply = unstreamed(served.url, request)
            raw = {"timings": reply.timings}
            metrics.check(reply, request)
            value = metrics.decode_rate(reply)
        except RequestFailedError as error:
            reason = f"the request failed: {error}"
        except metrics.VoidError as error:
            reason = str(error)
        trouble = disturbed(served.load.usage())
        start, repetition = at
        sample = void_if(reason, Sample(start=start, repetition=repetition, value=value, raw=raw))
        self.samples.add(workloads.decode_rate(self.asked).name, "unstreamed_decode_rate", troubled(trouble, sample))

    def _measure(self, served: MeasuredServer, number: int) -> _Answers:
        try:
            vocabulary = vocabulary_size(served.url)
        except RequestFailedError as error:
            raise ProbeFailed(str(error)) from error
        pp, tg = workloads.prompt_rate(self.asked), workloads.decode_rate(self.asked)

        def fresh(workload: Workload) -> Request:
            return workload.request(random_ids=self.random_ids, vocabulary=vocabulary)

        found = _Answers()
        for repetition in range(-1, self.asked.repetitions):  # -1 warms up
            for workload in (pp, tg):
                self._answer(served, workload, fresh(workload), found, at=(number, repetition))
            if self.reference and repetition >= 0:
                self._answer_in_one_piece(served, fresh(tg), at=(number, repetition))
        if len(found.failures) == 2 * (self.asked.repetitions + 1):
            raise ProbeFailed(f"not one request was answered; the last: {found.failures[-1]}")
        if any(usage.telemetry for usage, _ in found.spent):
            self.samples.add(tg.name, "energy_per_token", energy_per_token(found.spent, start=number))
        return found

    def _answer(
        self, served: MeasuredServer, workload: Workload, request: Request, found: _Answers, *, at: tuple[int, int]
    ) -> None:
        served.load.start()
        outcome = self.ask(served.url, [request])
        usage = served.load.usage()
        (reply,) = outcome.replies
        is_long = workload.output_tokens > 1
        if isinstance(reply, Failure):
            found.failures.append(reply.reason)
        elif is_long and (rate := metrics.client_decode_rate(reply)):
            found.ended.append((reply.ended, rate))
        start, repetition = at
        if repetition < 0:
            return
        found.disturbances.append(disturbed(usage))
        counts = _record(self.samples, workload, request, outcome, usage, start=start, repetition=repetition)
        if counts and is_long:
            found.spent.append((usage, request.output_tokens))


@dataclass(frozen=True, slots=True)
class _Answers:
    """Of one start."""

    failures: list[str] = field(default_factory=list)
    ended: list[tuple[float, float]] = field(default_factory=list)
    """When a long answer ended, and its decode rate."""
    spent: list[tuple[Usage, int]] = field(default_factory=list)
    """Usage and output tokens of long answers that count."""
    disturbances: list[Trouble | None] = field(default_factory=list)
    """Of each repetition that is recorded; None where nothing was in the way."""

    @property
    def trouble(self) -> Trouble | None:
        """What was wrong most of the time: then it was so while the server started, too, which nobody watched.

        A start cannot be watched in the same way: what the engine does for it would count as foreign.
        """
        said = [trouble for trouble in self.disturbances if trouble]
        if 2 * len(said) <= len(self.disturbances):
            return None
        return replace(said[-1], reason=f"for most of this start, {said[-1].reason}")


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


def _steady(answers: list[tuple[float, float]]) -> float:
    """When the first answer ended that was as quick as the later ones; from (end, decode rate) in order."""
    wanted = STEADY * statistics.median([rate for _, rate in answers[1:] or answers])
    return next(ended for ended, rate in answers if rate >= wanted)


def _record(
    samples: Samples,
    workload: Workload,
    request: Request,
    outcome: Outcome,
    usage: Usage,
    *,
    start: int,
    repetition: int,
) -> bool:
    """Keep a sample for each metric of the workload; says whether they count."""
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
                reason = outcome.own.fault
        raw = {} if metric.startswith(_CLIENTS) else _raw(outcome, usage)
        sample = void_if(reason, Sample(start=start, repetition=repetition, value=value, raw=raw))
        trouble = disturbed(usage)
        if trouble is None and isinstance(reply, Reply) and metric in _BY_CLIENT:
            trouble = late(outcome.own, metrics.latency(reply))
        sample = troubled(trouble, sample)
        samples.add(workload.name, metric, sample)
        all_count = all_count and (sample.verdict is Verdict.PASSED or metric.startswith(_CLIENTS))
    return all_count


def _client_decode_rate(reply: Reply) -> float:
    rate = metrics.client_decode_rate(reply)
    if rate is None:
        raise metrics.VoidError("all tokens came at one moment")
    return rate


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
