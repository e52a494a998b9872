"""How fast a server is under the recipe's workloads: many users, random arrivals, long documents.

pp and tg, in contrast, ask one thing at a time. A server is started for each workload, with as many slots as it takes.
One run of a load is a repetition; a first one warms up and is not counted.
"""

from __future__ import annotations

import random
import statistics
from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from typing import Any

from bakehouse.measure import workload_runs
from bakehouse.measure.cpu_usage import Trouble, Usage
from bakehouse.measure.loadgen.client import Ask, Failure, LoadResult, RequestFailedError, model_name
from bakehouse.measure.loadgen.client import load as ask_all
from bakehouse.measure.workload_runs import Figures, PlannedLoad
from bakehouse.model import suite
from bakehouse.model.enums import Disturbance, Verdict
from bakehouse.model.recipe import Load
from bakehouse.model.report import Measurement, Metric, Sample
from bakehouse.probes import ProbeFailed
from bakehouse.probes.disturbance import disturbed, late, raw_usage
from bakehouse.probes.foreign import void_beside_others, with_others
from bakehouse.probes.measured_server import MeasuredServer
from bakehouse.probes.recording import COLD
from bakehouse.probes.series import Samples, for_ever, troubled

StartFor = Callable[[Load], AbstractContextManager[MeasuredServer]]
"""Starts a fresh server for a load, and removes it."""

ALWAYS: tuple[Metric, ...] = ("system_rate",)
"""Metrics that a void repetition is recorded under; those of time it has none of."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Loaded:
    """One image under one load, a container start at a time."""

    start: StartFor
    load: Load
    asked: suite.Workload
    settings: dict[str, Any]
    chance: random.Random
    samples: Samples = field(default_factory=Samples)
    ask: Ask = ask_all
    left: Callable[[], float] = for_ever
    """Seconds that are left for it."""

    def take(self, number: int) -> None:
        """Raises ProbeFailed when the server answers nothing at all."""
        with self.start(self.load) as served:
            self._measure(served, number)
            self._mark(served.others(), number)

    def _mark(self, others: Sequence[str] | None, number: int) -> None:
        """Keep who else computed on the card at any moment of this start: it counts against all of its samples."""
        names = [workload for workload, metric in self.samples.by_metric if metric in ALWAYS]
        if others and names:
            reason = f"other processes computed on the card during this start: {', '.join(others)}"
            mark = Sample(start=number, repetition=0, value=0.0, verdict=Verdict.VOID, reason=reason)
            self.samples.add(names[-1], ALWAYS[0], with_others(mark, others))

    def measurements(self) -> list[Measurement]:
        promised = {"api": self.asked.api, "limits": self.asked.limits.model_dump()}
        settings = self.settings | promised
        found = void_beside_others(self.samples.measurements(workload_runs.UNITS, settings))
        return found or self._left_out(settings)

    def _left_out(self, settings: dict[str, Any]) -> list[Measurement]:
        """In place of what was never begun."""
        return [
            Measurement(workload=planned.name, metric=metric, unit="tokens/s", samples=[no_time(0)], settings=settings)
            for planned in workload_runs.plan(self.load, chance=random.Random(0), native=True)  # noqa: S311 - no secret
            for metric in ALWAYS
        ]

    def _measure(self, served: MeasuredServer, number: int) -> None:
        native = not self.asked.is_openai
        try:
            model = "" if native else model_name(served.url)
        except RequestFailedError as error:
            raise ProbeFailed(str(error)) from error
        made = [
            workload_runs.plan(self.load, chance=self.chance, native=native, model=model)
            for _ in range(self.asked.load_repetitions + 1)
        ]
        found = [self._level(served, list(level), number) for level in zip(*made, strict=True)]
        if not any(answered for answered, _ in found):
            raise ProbeFailed(f"not one request was answered; the last: {found[-1][1]}")

    def _level(self, served: MeasuredServer, made: Sequence[PlannedLoad], number: int) -> tuple[int, str]:
        """One load that runs at a time, the first of `made` to warm up. Returns how many answers came, and what failed.

        Where the time is over, what warmed up is what there is of the first level, and nothing of those after it.
        """
        answered, last, longest = 0, "", 0.0
        for repetition, planned in enumerate(made, start=-1):
            if repetition < 0 and self.left() <= 0 and (planned.name, ALWAYS[0]) not in self.samples.by_metric:
                self.samples.add(planned.name, ALWAYS[0], no_time(number))
                return 1, ""
            if repetition > 0 and self.left() < longest:
                break
            served.load.start()
            outcome = self.ask(served.url, planned.requests, users=planned.users, due=planned.due)
            usage = served.load.usage()
            longest = max(longest, usage.elapsed)
            failed = [reply.reason for reply in outcome.replies if isinstance(reply, Failure)]
            answered += len(outcome.replies) - len(failed)
            last = failed[-1] if failed else last
            is_late = repetition < 0 and self.left() < longest
            if repetition >= 0 or is_late:
                trouble = COLD if is_late else None
                self._keep(planned, outcome, usage, at=(number, max(0, repetition)), trouble=trouble)
            if is_late:
                break
        return answered, last

    def _keep(
        self, planned: PlannedLoad, outcome: LoadResult, usage: Usage, *, at: tuple[int, int], trouble: Trouble | None
    ) -> None:
        figures = workload_runs.figures(planned, outcome, self.asked.limits)
        _record(
            self.samples,
            planned,
            figures,
            reason=figures.reason or outcome.overhead.fault,
            trouble=disturbed(usage) or trouble or late(outcome.overhead, figures.shortest),
            raw=workload_runs.raw(planned, outcome) | {"machine": raw_usage(usage)},
            at=at,
        )


def no_time(start: int) -> Sample:
    """In place of a load that there was no time for."""
    return Sample(
        start=start,
        repetition=0,
        value=0.0,
        verdict=Verdict.SKIPPED,
        disturbed=Disturbance.NO_TIME,
        reason="the time for measuring was spent: --measure-for gives more",
    )


def summary(measurements: Sequence[Measurement]) -> str:
    """Say in one line what came out: `sweep-4u 160.2 tokens/s`."""
    return ", ".join(
        f"{one.workload} {statistics.median(one.counted):.1f} {one.unit}"
        for one in measurements
        if one.metric == "system_rate" and one.counted
    )


def _record(
    samples: Samples,
    planned: PlannedLoad,
    figures: Figures,
    *,
    reason: str,
    trouble: Trouble | None,
    raw: dict[str, Any],
    at: tuple[int, int],
) -> None:
    """One sample for each metric; what came over the wire is kept once, with the system rate.

    `at`: start and repetition.
    """
    start, repetition = at

    def keep(metric: Metric, value: float, verdict: Verdict, why: str) -> None:
        sample = Sample(
            start=start,
            repetition=repetition,
            value=value,
            verdict=verdict,
            reason=why,
            raw=raw if metric in ALWAYS else {},
        )
        samples.add(planned.name, metric, troubled(trouble, sample))

    for metric in ALWAYS:
        if metric not in figures.values:
            keep(metric, 0.0, Verdict.VOID, reason)
    for metric, value in figures.values.items():
        keep(metric, value, Verdict.VOID if reason else Verdict.PASSED, reason)
    for metric, why in figures.skipped.items():
        keep(metric, 0.0, Verdict.SKIPPED, why)
