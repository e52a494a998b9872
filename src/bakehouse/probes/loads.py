"""How a server bears the recipe's workloads: many users, random arrivals, long documents.

Beside pp and tg, which ask one thing at a time. A server is started for each workload, with as many slots as it takes.
One run of a load is a repetition; a first one warms up and is not counted.
"""

from __future__ import annotations

import random
from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager
from typing import Any

from bakehouse.measure import loads
from bakehouse.measure.client import Ask, Failure, RequestFailedError, load, model_name
from bakehouse.measure.loads import Figures, Planned
from bakehouse.model import suite
from bakehouse.model.recipe import Load
from bakehouse.model.report import Measurement, Metric, Sample
from bakehouse.model.words import Verdict
from bakehouse.probes import ProbeFailed
from bakehouse.probes.served import Served
from bakehouse.probes.surroundings import disturbed, raw_usage
from bakehouse.probes.throughput import QUICK_REPETITIONS, QUICK_STARTS

StartFor = Callable[[Load], AbstractContextManager[Served]]
"""Starts a fresh server for a load, and removes it."""

ALWAYS: tuple[Metric, ...] = ("system_rate",)
"""Metrics that a void repetition is recorded under; those of time it has none of."""


def measure_loads(
    start: StartFor,
    asked: suite.Workload,
    *,
    settings: Callable[[Load], dict[str, Any]],
    chance: random.Random,
    quick: bool = False,
    ask: Ask = load,
) -> list[Measurement]:
    """Measure the workloads one after the other. Raises ProbeFailed when a server answers nothing at all."""
    starts = QUICK_STARTS if quick else asked.starts
    repetitions = min(QUICK_REPETITIONS, asked.repetitions) if quick else asked.repetitions
    found: list[Measurement] = []
    for each in asked.loads:
        what = loads.quick(each) if quick else each
        samples: dict[tuple[str, Metric], list[Sample]] = {}
        for number in range(starts):
            with start(what) as served:
                _one_start(
                    served, what, asked, number=number, repetitions=repetitions, chance=chance, samples=samples, ask=ask
                )
        found += _measurements(samples, settings(what) | {"api": asked.api, "limits": asked.limits.model_dump()})
    return found


def summary(measurements: Sequence[Measurement]) -> str:
    """Say in one line what came out: `sweep-4u 160.2 tokens/s`."""
    return ", ".join(
        f"{one.workload} {sorted(one.counted)[len(one.counted) // 2]:.1f} {one.unit}"
        for one in measurements
        if one.metric == "system_rate" and one.counted
    )


def _one_start(
    served: Served,
    what: Load,
    asked: suite.Workload,
    *,
    number: int,
    repetitions: int,
    chance: random.Random,
    samples: dict[tuple[str, Metric], list[Sample]],
    ask: Ask,
) -> None:
    llama = asked.api == "llama-server"
    try:
        model = "" if llama else model_name(served.url)
    except RequestFailedError as error:
        raise ProbeFailed(str(error)) from error
    answered, last = 0, ""
    for repetition in range(-1, repetitions):  # -1 warms up
        for planned in loads.plan(what, chance=chance, llama=llama, model=model):
            served.load.start()
            outcome = ask(served.url, planned.requests, users=planned.users, due=planned.due)
            usage = served.load.usage()
            failed = [reply.reason for reply in outcome.replies if isinstance(reply, Failure)]
            answered += len(outcome.replies) - len(failed)
            last = failed[-1] if failed else last
            if repetition >= 0:
                figures = loads.figures(planned, outcome, asked.limits)
                reason = figures.reason or outcome.own.saturation(figures.shortest) or disturbed(usage)
                raw = loads.raw(planned, outcome) | {"machine": raw_usage(usage)}
                _record(samples, planned, figures, reason=reason, raw=raw, start=number, repetition=repetition)
    if not answered:
        raise ProbeFailed(f"not one request was answered; the last: {last}")


def _record(
    samples: dict[tuple[str, Metric], list[Sample]],
    planned: Planned,
    figures: Figures,
    *,
    reason: str,
    raw: dict[str, Any],
    start: int,
    repetition: int,
) -> None:
    """One sample for each metric; what came over the wire is kept once, with the system rate."""

    def keep(metric: Metric, value: float, verdict: Verdict, why: str) -> None:
        sample = Sample(
            start=start,
            repetition=repetition,
            value=value,
            verdict=verdict,
            reason=why,
            raw=raw if metric in ALWAYS else {},
        )
        samples.setdefault((planned.name, metric), []).append(sample)

    for metric in ALWAYS:
        if metric not in figures.values:
            keep(metric, 0.0, Verdict.VOID, reason)
    for metric, value in figures.values.items():
        keep(metric, value, Verdict.VOID if reason else Verdict.PASSED, reason)
    for metric, why in figures.skipped.items():
        keep(metric, 0.0, Verdict.SKIPPED, why)


def _measurements(samples: dict[tuple[str, Metric], list[Sample]], settings: dict[str, Any]) -> list[Measurement]:
    return [
        Measurement(
            workload=workload,
            metric=metric,
            unit=loads.UNITS.get(metric, "seconds"),
            samples=taken,
            settings=settings,
        )
        for (workload, metric), taken in samples.items()
    ]
