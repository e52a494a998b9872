"""How fast a server is.

Noise between container starts is larger than within one, so a measurement is starts x repetitions, with one
repetition more in each start that warms up and is not counted. Every repetition becomes a Sample, void or not.
"""

from __future__ import annotations

import random
import statistics
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from bakehouse.measure import metrics
from bakehouse.measure.cpu_usage import Trouble, Usage
from bakehouse.measure.loadgen import workloads
from bakehouse.measure.loadgen.client import (
    Ask,
    LoadResult,
    Reply,
    RequestFailedError,
    load,
    unstreamed,
    vocabulary_size,
)
from bakehouse.measure.loadgen.replies import Failure
from bakehouse.measure.loadgen.workloads import Request, TokenWorkload
from bakehouse.model import suite
from bakehouse.model.enums import Disturbance
from bakehouse.model.field_types import Unit
from bakehouse.model.report import REFERENCE_DECODE_RATE, REFERENCE_PROMPT_RATE, Measurement, Metric, Sample
from bakehouse.probes import ProbeFailed, calibrate
from bakehouse.probes.disturbance import disturbed
from bakehouse.probes.energy import Spent, add_up, energy_per_unit
from bakehouse.probes.foreign import void_beside_others, with_others
from bakehouse.probes.lengths import Lengths
from bakehouse.probes.measured_server import MeasuredServer, Start, cold_start, memory
from bakehouse.probes.pace import Pace
from bakehouse.probes.recording import CLIENTS, COLD, record
from bakehouse.probes.series import Samples, troubled, void_if

UNITS: dict[Metric, Unit] = {
    "prompt_rate": "tokens/s",
    "decode_rate": "tokens/s",
    "client_prompt_rate": "tokens/s",
    "client_decode_rate": "tokens/s",
    "unstreamed_decode_rate": "tokens/s",
    REFERENCE_PROMPT_RATE: "tokens/s",
    REFERENCE_DECODE_RATE: "tokens/s",
    "memory": "bytes",
    "image_size": "bytes",
    "energy_per_token": "joules/token",
    "energy_per_prompt_token": "joules/token",
}
"""Of metrics that are no times."""
_ROOM = 4
"""Times a warm-up that must be left for another one."""
FIRST = 8
"""Tokens of a first answer, which says how long others take."""
HELD = 3
"""Starts that the reference runs beside: from so many, the spread of the ratios is known."""
STEADY = 0.95
"""Share of the later answers' median decode rate from which on a server counts as steady."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Rates:
    """pp and tg of one image, a container start at a time.

    With a reference, that runs beside each start, and what the three clocks disagree on is void.
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
    pace: Pace = field(default_factory=Pace)
    lengths: Lengths | None = None
    """Shared by the images of a comparison. None: as asked, however little time that takes."""
    warm_ups: int = 1
    """Of each workload in each start: on a card the second one captures graphs, too."""

    def take(self, number: int) -> None:
        """Raises ProbeFailed when not one request was answered: that is the image's fault."""
        if self.image_size is not None and not number:
            self.samples.add("start", "image_size", Sample(start=0, repetition=0, value=float(self.image_size)))
        if self.lengths:
            self.lengths.recall(workload for workload, _ in self.samples.by_metric)
        reference = self.reference if self._is_unclear(number) else None
        goes_first = bool(number % 2) and self.pace.is_known
        if reference and goes_first:
            self._refer(reference, number)
        with self.start() as served:
            cold = cold_start(served, number, ask=self.ask)
            answers = self._measure(served, number)
            if served.started is not None and answers.ended:
                cold["steady"] = Sample(start=number, repetition=0, value=_steady(answers.ended) - served.started)
            for metric, sample in cold.items():
                self.samples.add("start", metric, troubled(answers.trouble, sample))
            if held := memory(served, number):
                self.samples.add("start", "memory", with_others(held, served.others()))
        if reference and not goes_first:
            self._refer(reference, number)

    def measurements(self) -> list[Measurement]:
        found = void_beside_others(self._taken())
        if self.reference is None:
            return [one for one in found if not one.metric.startswith(CLIENTS)]
        found = calibrate.calibrated(found, self.asked, settings=self.settings, host_work=self.host_work)
        return [self.lengths.described(one) for one in found] if self.lengths else found

    def _taken(self) -> list[Measurement]:
        found = self.samples.measurements(UNITS, self.settings)
        return [self.lengths.described(one) for one in found] if self.lengths else found

    @property
    def _shapes(self) -> list[TokenWorkload]:
        """What is measured, as far as it is known."""
        if self.lengths:
            return self.lengths.all
        return [workloads.prompt_rate(self.asked), workloads.decode_rate(self.asked)]

    def _refer(self, reference: calibrate.Reference, number: int) -> None:
        """Let the reference measure the same, in its own container, before the start's server or after it in turn."""
        repetitions = self.pace.of_reference(self.asked.repetitions)
        if not repetitions:
            return
        benched = reference(repetitions, self._shapes)
        for workload in self._shapes:
            metric: Metric = REFERENCE_DECODE_RATE if workload.output_tokens > 1 else REFERENCE_PROMPT_RATE
            for sample in calibrate.samples(benched, workload, start=number)[metric]:
                self.samples.add(workload.name, metric, sample)

    def _is_unclear(self, number: int) -> bool:
        """Whether the reference has to run beside this start: the first ones, and as long as the clocks disagree."""
        if number < HELD:
            return True
        found = self._taken()
        held = calibrate.agreements(found, self.asked, host_work=self.host_work)
        unclear = [one for one in calibrate.without_short(held, found) if not calibrate.is_finding(one, found)]
        return any(one.disagrees for one in unclear)

    def _answer_in_one_piece(self, served: MeasuredServer, name: str, request: Request, *, at: tuple[int, int]) -> None:
        """What the server's timings say when it sends nothing meanwhile, as the reference sends nothing."""
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
        self.samples.add(name, "unstreamed_decode_rate", troubled(trouble, sample))

    def _measure(self, served: MeasuredServer, number: int) -> _Answers:
        try:
            vocabulary = vocabulary_size(served.url)
        except RequestFailedError as error:
            raise ProbeFailed(str(error)) from error
        pp, tg = workloads.prompt_rate(self.asked), workloads.decode_rate(self.asked)

        def fresh(workload: TokenWorkload) -> Request:
            return workload.request(random_ids=self.random_ids, vocabulary=vocabulary)

        found = _Answers()
        cut: Trouble | None = None
        if self.pace.is_limited:
            tg, cut = self._short_enough(served, tg, fresh, found)
        warm_up = self._warm_up(served, (pp, tg), fresh, found)
        shapes = [one.workload for one in warm_up]
        repetitions = self.pace.choose(
            sum(one.usage.elapsed for one in warm_up), number, most=self.asked.repetitions, is_held=bool(self.reference)
        )
        for one in warm_up if not repetitions else ():
            self._keep(one, found, at=(number, 0), trouble=COLD if not cut or one.workload != tg else cut)
        for repetition in range(repetitions):
            if repetition and self.pace.is_over:
                break
            for workload in shapes:
                one = self._answer(served, workload, fresh(workload), found)
                self._keep(one, found, at=(number, repetition), trouble=cut if workload is tg else None)
            for answer in (each for each in shapes if each.output_tokens > 1 and self.reference and not cut):
                self._answer_in_one_piece(served, answer.name, fresh(answer), at=(number, repetition))
        if len(found.failures) == found.asked:
            raise ProbeFailed(f"not one request was answered; the last: {found.failures[-1]}")
        pp, tg = (
            next(each for each in reversed(shapes) if (each.output_tokens > 1) == is_tg) for is_tg in (False, True)
        )
        self._add_energy(served, {pp: found.read, tg: found.spent}, fresh, number)
        return found

    def _warm_up(
        self,
        served: MeasuredServer,
        asked: Sequence[TokenWorkload],
        fresh: Callable[[TokenWorkload], Request],
        found: _Answers,
    ) -> list[_Answer]:
        """The last warm-up of each workload that is measured. The first start finds out how long they must be."""
        latest: dict[str, _Answer] = {}

        def ask(workload: TokenWorkload) -> float | None:
            for _ in range(self.warm_ups):
                one = latest[workload.name] = self._answer(served, workload, fresh(workload), found)
                if self.pace.left() < _ROOM * one.usage.elapsed:
                    break
            return _lasted(latest[workload.name])

        names: list[str] = []
        for one in asked:
            if self.lengths is None or one not in self.lengths.wanted:  # as asked, or cut
                ask(one)
                names.append(one.name)
                continue
            if one.name not in self.lengths.longer:
                self.lengths.choose(one, ask)
            shapes = dict.fromkeys((one, self.lengths.longer[one.name]))
            for each in shapes:
                if each.name not in latest:
                    ask(each)
            names += [each.name for each in shapes]
        return [latest[name] for name in names]

    def _add_energy(
        self,
        served: MeasuredServer,
        spent: Mapping[TokenWorkload, list[Spent]],
        fresh: Callable[[TokenWorkload], Request],
        number: int,
    ) -> None:
        """What a token of a prompt and one of an answer cost, where anything tells."""
        for workload, answers in spent.items():
            if not any(usage.telemetry for usage, _ in answers):
                continue

            def again(workload: TokenWorkload = workload) -> Spent | None:
                one = self._answer(served, workload, fresh(workload), _Answers())
                counts = isinstance(one.outcome.replies[0], Reply) and disturbed(one.usage) is None
                return (one.usage, _tokens(workload)) if counts else None

            add_up(answers, again, is_over=lambda: self.pace.is_over)
            metric: Metric = "energy_per_token" if workload.output_tokens > 1 else "energy_per_prompt_token"
            of = "output_tokens" if workload.output_tokens > 1 else "prompt_tokens"
            self.samples.add(workload.name, metric, energy_per_unit(answers, start=number, of=of))

    def _short_enough(
        self, served: MeasuredServer, tg: TokenWorkload, fresh: Callable[[TokenWorkload], Request], found: _Answers
    ) -> tuple[TokenWorkload, Trouble | None]:
        """The long answer, cut where a machine that is very slow would not end it in time; and that it was cut."""
        short = replace(tg, output_tokens=min(FIRST, tg.output_tokens))
        first = self._answer(served, short, fresh(short), found)
        tokens = self.pace.tokens(first.usage.elapsed / first.request.output_tokens, most=tg.output_tokens, least=FIRST)
        if tokens == tg.output_tokens:
            return tg, None
        reason = f"{tokens} of {tg.output_tokens} tokens: there was no time for more"
        return replace(tg, output_tokens=tokens), Trouble(kind=Disturbance.COLD, reason=reason)

    def _answer(self, served: MeasuredServer, workload: TokenWorkload, request: Request, found: _Answers) -> _Answer:
        served.load.start()
        outcome = self.ask(served.url, [request])
        usage = served.load.usage()
        (reply,) = outcome.replies
        found.asked += 1
        if isinstance(reply, Failure):
            found.failures.append(reply.reason)
        elif workload.output_tokens > 1 and (rate := metrics.client_decode_rate(reply)):
            found.ended.append((reply.ended, rate))
        return _Answer(workload=workload, request=request, outcome=outcome, usage=usage)

    def _keep(self, one: _Answer, found: _Answers, *, at: tuple[int, int], trouble: Trouble | None = None) -> None:
        found.disturbances.append(disturbed(one.usage))
        counts = record(self.samples, one.workload, one.request, one.outcome, one.usage, at=at, trouble=trouble)
        if counts and not (self.lengths and self.lengths.is_short(one.workload.name)):
            answers = found.spent if one.workload.output_tokens > 1 else found.read
            answers.append((one.usage, _tokens(one.workload)))


@dataclass(frozen=True, kw_only=True, slots=True)
class _Answer:
    """One request of pp or tg, and its outcome."""

    workload: TokenWorkload
    request: Request
    outcome: LoadResult
    usage: Usage


@dataclass(slots=True)
class _Answers:
    """Of one start."""

    asked: int = 0
    failures: list[str] = field(default_factory=list)
    ended: list[tuple[float, float]] = field(default_factory=list)
    """When a long answer ended, and its decode rate."""
    spent: list[Spent] = field(default_factory=list)
    """Of long answers that count."""
    read: list[Spent] = field(default_factory=list)
    """Of prompts that count."""
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


def _lasted(one: _Answer) -> float | None:
    """Seconds that its tokens took by the server's clock; None where that may not count."""
    (reply,) = one.outcome.replies
    if isinstance(reply, Failure):
        return None
    try:
        metrics.check(reply, one.request)
        rate = metrics.decode_rate(reply) if one.workload.output_tokens > 1 else metrics.prompt_rate(reply)
    except metrics.VoidError:
        return None
    return _tokens(one.workload) / rate if rate > 0 else None


def _tokens(workload: TokenWorkload) -> int:
    """Those that the time goes into: of an answer, or of a prompt."""
    return workload.output_tokens if workload.output_tokens > 1 else workload.prompt_tokens


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
