"""How a server bears the recipe's workloads: many users, random arrivals, long documents.

Beside pp and tg, which ask one thing at a time. A server is started for each workload, with as many slots as it takes.
One run of a load is a repetition; a first one warms up and is not counted.
"""

from __future__ import annotations

import random
from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from typing import Any

from bakehouse.loadgen.client import Ask, Failure, RequestFailedError, model_name
from bakehouse.loadgen.client import load as ask_all
from bakehouse.measure import workload_runs
from bakehouse.measure.cpu_usage import Trouble
from bakehouse.measure.workload_runs import Figures, Planned
from bakehouse.model import suite
from bakehouse.model.enums import Verdict
from bakehouse.model.recipe import Load
from bakehouse.model.report import Measurement, Metric, Sample
from bakehouse.probes import ProbeFailed
from bakehouse.probes.disturbance import disturbed, late, raw_usage
from bakehouse.probes.measured_server import MeasuredServer
from bakehouse.probes.series import Samples, troubled

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

    def take(self, number: int) -> None:
        """Raises ProbeFailed when the server answers nothing at all."""
        with self.start(self.load) as served:
            self._measure(served, number)

    def measurements(self) -> list[Measurement]:
        promised = {"api": self.asked.api, "limits": self.asked.limits.model_dump()}
        return self.samples.measurements(workload_runs.UNITS, self.settings | promised)

    def _measure(self, served: MeasuredServer, number: int) -> None:
        llama = self.asked.api == "llama-server"
        try:
            model = "" if llama else model_name(served.url)
        except RequestFailedError as error:
            raise ProbeFailed(str(error)) from error
        answered, last = 0, ""
        for repetition in range(-1, self.asked.load_repetitions):  # -1 warms up
            for planned in workload_runs.plan(self.load, chance=self.chance, llama=llama, model=model):
                served.load.start()
                outcome = self.ask(served.url, planned.requests, users=planned.users, due=planned.due)
                usage = served.load.usage()
                failed = [reply.reason for reply in outcome.replies if isinstance(reply, Failure)]
                answered += len(outcome.replies) - len(failed)
                last = failed[-1] if failed else last
                if repetition >= 0:
                    figures = workload_runs.figures(planned, outcome, self.asked.limits)
                    reason = figures.reason or outcome.own.fault
                    trouble = disturbed(usage) or late(outcome.own, figures.shortest)
                    raw = workload_runs.raw(planned, outcome) | {"machine": raw_usage(usage)}
                    _record(
                        self.samples,
                        planned,
                        figures,
                        reason=reason,
                        trouble=trouble,
                        raw=raw,
                        at=(number, repetition),
                    )
        if not answered:
            raise ProbeFailed(f"not one request was answered; the last: {last}")


def summary(measurements: Sequence[Measurement]) -> str:
    """Say in one line what came out: `sweep-4u 160.2 tokens/s`."""
    return ", ".join(
        f"{one.workload} {sorted(one.counted)[len(one.counted) // 2]:.1f} {one.unit}"
        for one in measurements
        if one.metric == "system_rate" and one.counted
    )


def _record(
    samples: Samples,
    planned: Planned,
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
