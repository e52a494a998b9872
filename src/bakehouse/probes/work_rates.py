"""How fast a server does the work that its recipe declares, each task in its own unit.

As with tokens, a measurement is starts x repetitions. A repetition is a run of so many requests that it lasts about a
second at the speed that was seen, so a fast server gets thousands and a slow one two. A few requests come first to see
that speed, then a whole run to warm up; neither counts.
"""

from __future__ import annotations

import math
import random
import statistics
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from functools import partial
from typing import Any, Protocol

from bakehouse.formatting import singular
from bakehouse.measure import task_runs
from bakehouse.measure.cpu_usage import Trouble, Usage
from bakehouse.measure.loadgen.answers import Answer
from bakehouse.measure.loadgen.exchange import Address
from bakehouse.measure.loadgen.sending import Answered, send
from bakehouse.measure.task_requests import Call, Calls, fingerprint, inputs_of
from bakehouse.measure.task_runs import Level, TaskFigures
from bakehouse.model import suite
from bakehouse.model.enums import Verdict
from bakehouse.model.field_types import Unit
from bakehouse.model.report import Measurement, Metric, Sample
from bakehouse.model.work import Task
from bakehouse.probes import ProbeFailed
from bakehouse.probes.disturbance import disturbed, late, raw_usage
from bakehouse.probes.energy import Spent, energy_per_unit
from bakehouse.probes.foreign import void_beside_others, with_others
from bakehouse.probes.loads import no_time
from bakehouse.probes.measured_server import MeasuredServer, Start, memory, times_of_start
from bakehouse.probes.pace import LEAST
from bakehouse.probes.recording import COLD
from bakehouse.probes.series import Samples, for_ever, troubled
from bakehouse.stats.grading import graded

START = "start"
"""The workload of what a container's start itself tells."""
RATE: Metric = "work_rate"
ENERGY: Metric = "energy_per_unit"
ADDED: Metric = "added_latency"
SHORTEST = 0.2
"""Seconds of the shortest run, where time is short: what a few requests scatter is an interval then, and not hidden."""
_UNITS: dict[Metric, Unit] = {
    "request_rate": "requests/s",
    "goodput": "requests/s",
    "memory": "bytes",
    "image_size": "bytes",
}
"""Of metrics that are neither times nor the task's own."""


class Send(Protocol):
    """What `measure.loadgen.sending.send` does; a test puts something else in its place."""

    def __call__(
        self, url: str, requests: Sequence[bytes], *, users: int | None = None, due: Sequence[float] = ()
    ) -> Answered: ...


@dataclass(kw_only=True, slots=True)
class Counts:
    """How long runs are, and how many requests each of them has: the first start finds out, all others are alike."""

    seconds: float = 0.0
    by_level: dict[str, int] = field(default_factory=dict)

    def recall(self, samples: Samples) -> None:
        """Those of starts that were taken before: an attempt at the run that was cut off, a first round."""
        for (workload, metric), taken in samples.by_metric.items():
            known = next((one.raw["requests"] for one in taken if "requests" in one.raw), None)
            if metric == RATE and known:
                self.by_level.setdefault(workload, known)


@dataclass(kw_only=True, slots=True)
class _Start:
    """What came of one container start."""

    levels_left: int
    """That are not measured yet."""
    answered: int = 0
    wrong: str = ""
    """Of the last run that may not count, why."""
    first: float | None = None
    """When the first answer of all had come."""
    disturbances: list[Trouble | None] = field(default_factory=list)


@dataclass(frozen=True, kw_only=True, slots=True)
class WorkRates:
    """All tasks of one image, a container start at a time."""

    start: Start
    asked: suite.WorkToMeasure
    settings: dict[str, Any]
    chance: random.Random
    read: Callable[[str], bytes]
    """A file of the recipe's folder."""
    wrong: Callable[[Task, Answer], str]
    """What of an answer is not as the task expects it."""
    counts: Counts = field(default_factory=Counts)
    """Shared by the images of a comparison."""
    samples: Samples = field(default_factory=Samples)
    send: Send = send
    left: Callable[[], float] = for_ever
    """Seconds that are left for it."""
    image_size: int | None = None

    def take(self, number: int) -> None:
        """Raises ProbeFailed when not one request was answered as expected: that is the image's fault."""
        if self.image_size is not None and not number:
            self.samples.add(START, "image_size", Sample(start=0, repetition=0, value=float(self.image_size)))
        self.counts.seconds = self.counts.seconds or self._seconds()
        self.counts.recall(self.samples)
        found = _Start(levels_left=len(list(self._levels())))
        with self.start() as served:
            for task in self.asked.tasks:
                calls = Calls(task=task, address=Address.of(served.url), inputs=self._inputs(task))
                for level in task_runs.levels(task):
                    runs = self._measure(served, calls, level, number, found)
                    self._add_energy(level, runs, number)
                    found.levels_left -= 1
            if not found.answered and found.wrong:
                raise ProbeFailed(f"not one request was answered as expected: {found.wrong}")
            self._keep_start(served, number, found)

    def measurements(self) -> list[Measurement]:
        found = [
            self._measurement(workload, metric, taken) for (workload, metric), taken in self.samples.by_metric.items()
        ]
        return void_beside_others(found) or [
            self._measurement(level.name, RATE, [no_time(0)]) for _, level in self._levels()
        ]

    def _levels(self) -> Iterator[tuple[Task, Level]]:
        return ((task, level) for task in self.asked.tasks for level in task_runs.levels(task))

    def _inputs(self, task: Task) -> Iterator[Any]:
        return inputs_of(task.inputs, read=self.read, chance=self.chance)

    def _seconds(self) -> float:
        """Of one run, so that the wanted starts fit into the time that is left."""
        runs = self.asked.starts * len(list(self._levels())) * (self.asked.repetitions + 2)
        return min(self.asked.seconds, max(SHORTEST, self.left() / runs))

    def _repetitions(self, each: float, number: int, found: _Start) -> int:
        """So that all levels of the wanted starts fit into the time that is left, at `each` seconds; two at least."""
        most, left = self.asked.repetitions, self.left()
        if math.isinf(left) or each <= 0:
            return most
        share = left / max(1, self.asked.starts - number) / found.levels_left
        return max(min(LEAST, most), min(most, int(share / each) - 1))

    # ------------------------------------------------------------------------------------------ one level

    def _measure(self, served: MeasuredServer, calls: Calls, level: Level, number: int, found: _Start) -> list[_Run]:
        """A few requests, a run to warm up, and the repetitions: as far as the time reaches. Returns what was kept.

        The first level of a task gets its few requests in any case, so that a run tells one rate of each.
        """
        is_known = (level.name, RATE) in self.samples.by_metric
        if self.left() <= 0 and (is_known or level != task_runs.levels(calls.task)[0]):
            if not is_known:
                self.samples.add(level.name, RATE, no_time(number))
            return []
        one = self._run(served, calls, level, task_runs.least(level), found)
        is_hopeless = not any(isinstance(answer, Answer) for answer in one.outcome.answers)
        if is_hopeless and not found.answered:
            raise ProbeFailed(f"not one request was answered: {one.figures.reason}")
        if not is_hopeless and self.left() >= 2 * one.seconds:
            one = self._warm_up(served, calls, level, one, found)
        if level.name not in self.counts.by_level or self.left() < one.seconds:
            self._keep(one, at=(number, 0), found=found, trouble=COLD)
            self._keep_added(served, calls, one, at=(number, 0), trouble=COLD)
            return [one]
        runs: list[_Run] = []
        for repetition in range(self._repetitions(one.seconds, number, found)):
            if repetition and self.left() < one.seconds:
                break
            one = self._run(served, calls, level, self.counts.by_level[level.name], found)
            self._keep(one, at=(number, repetition), found=found)
            self._keep_added(served, calls, one, at=(number, repetition))
            runs.append(one)
        return runs

    def _add_energy(self, level: Level, runs: Sequence[_Run], number: int) -> None:
        """What a unit costs, where anything tells. Not between random arrivals: there the device idles as well."""
        if level.arrivals or not any(one.usage.telemetry for one in runs):
            return
        told = any(one.usage.joules is not None for one in runs)
        counted: list[Spent] = [
            (one.usage, one.figures.units)
            for one in runs
            if one.figures.units and (disturbed(one.usage) is None or not told)
        ]
        self.samples.add(level.name, ENERGY, energy_per_unit(counted, start=number, of="units"))

    def _warm_up(self, served: MeasuredServer, calls: Calls, level: Level, first: _Run, found: _Start) -> _Run:
        seconds, known = self.counts.seconds, self.counts.by_level.get(level.name)
        count = known or task_runs.enough(level, first.outcome.answers, seconds=seconds)
        one = self._run(served, calls, level, count, found)
        self.counts.by_level[level.name] = known or task_runs.enough(level, one.outcome.answers, seconds=seconds)
        return one

    def _run(self, served: MeasuredServer, calls: Calls, level: Level, count: int, found: _Start) -> _Run:
        one = self._sent(served.url, served, calls, level, count)
        if found.first is None:
            found.first = next((each.ended for each in one.outcome.answers if isinstance(each, Answer)), None)
        found.answered += not one.figures.reason
        found.wrong = one.figures.reason or found.wrong
        return one

    def _sent(self, url: str, served: MeasuredServer, calls: Calls, level: Level, count: int) -> _Run:
        made = calls.make(count, batch=level.batch)
        data = [one.data for one in made]
        served.load.start()
        outcome = self.send(url, data, users=level.clients, due=task_runs.moments(level, count))
        usage = served.load.usage()
        wrong = partial(self.wrong, calls.task)
        figures = task_runs.figures(calls.task, made, outcome.answers, self.asked.limits, wrong=wrong)
        return _Run(level=level, calls=made, outcome=outcome, usage=usage, figures=figures)

    def _keep_added(
        self, served: MeasuredServer, calls: Calls, one: _Run, *, at: tuple[int, int], trouble: Trouble | None = None
    ) -> None:
        """What the server adds to the median answer of one client: as many requests go to what is behind it, next."""
        if not served.behind or one.level.clients != 1:
            return
        bare = self._sent(served.behind, served, calls, one.level, len(one.calls))
        reason = one.figures.reason or (bare.figures.reason and f"without it, {bare.figures.reason}")
        sample = Sample(
            start=at[0],
            repetition=at[1],
            value=0.0 if reason else one.figures.shortest - bare.figures.shortest,
            verdict=Verdict.VOID if reason else Verdict.PASSED,
            reason=reason,
        )
        what = disturbed(one.usage) or disturbed(bare.usage) or trouble
        self.samples.add(one.level.name, ADDED, troubled(what, sample))

    def _keep(self, one: _Run, *, at: tuple[int, int], found: _Start, trouble: Trouble | None = None) -> None:
        """One sample for each metric; what came over the wire is kept once, with the rate."""
        overhead, figures = one.outcome.overhead, one.figures
        reason = figures.reason or overhead.fault
        what = disturbed(one.usage) or trouble or late(overhead, figures.shortest)
        found.disturbances.append(disturbed(one.usage))
        raw = task_runs.raw(one.calls, one.outcome.answers) | {
            "client": overhead.record(),
            "machine": raw_usage(one.usage),
        }
        start, repetition = at
        for metric, value in (figures.values or {RATE: 0.0}).items():
            sample = Sample(
                start=start,
                repetition=repetition,
                value=value,
                verdict=Verdict.VOID if reason else Verdict.PASSED,
                reason=reason,
                raw=raw if metric == RATE else {},
            )
            self.samples.add(one.level.name, metric, troubled(what, sample))

    # ------------------------------------------------------------------------------------------ one start

    def _keep_start(self, served: MeasuredServer, number: int, found: _Start) -> None:
        cold = times_of_start(served, number)
        if served.started is not None and found.first is not None:
            cold["first_answer"] = Sample(start=number, repetition=0, value=found.first - served.started)
        said = [one for one in found.disturbances if one]
        trouble = said[-1] if 2 * len(said) > len(found.disturbances) else None
        for metric, sample in cold.items():
            self.samples.add(START, metric, troubled(trouble, sample))
        if held := memory(served, number):
            self.samples.add(START, "memory", with_others(held, served.others()))

    # ------------------------------------------------------------------------------------------ what came out

    def _measurement(self, workload: str, metric: Metric, taken: list[Sample]) -> Measurement:
        about = next(((task, level) for task, level in self._levels() if level.name == workload), None)
        own: dict[Metric, Unit] = {}
        if about:
            own = {RATE: f"{about[0].unit}/s", ENERGY: f"joules/{singular(about[0].unit)}"}
        settings = self.settings | (self._settings(*about) if about else {})
        unit = (_UNITS | own).get(metric, "seconds")
        return graded(Measurement(workload=workload, metric=metric, unit=unit, samples=taken, settings=settings))

    def _settings(self, task: Task, level: Level) -> dict[str, Any]:
        """What must be equal for two measurements of it to be compared."""
        asked = task.model_dump(mode="json", include={"name", "unit", "http", "item", "units", "count"})
        how = {"arrivals": level.arrivals} if level.arrivals else {"clients": level.clients}
        inputs = fingerprint(task.inputs, read=self.read)
        return {
            "task": asked | {"inputs": inputs},
            "batch": level.batch,
            **how,
            "limits": self.asked.limits.model_dump(),
        }


@dataclass(frozen=True, kw_only=True, slots=True)
class _Run:
    """Requests that were sent together, and what came of them."""

    level: Level
    calls: Sequence[Call]
    outcome: Answered
    usage: Usage
    figures: TaskFigures

    @property
    def seconds(self) -> float:
        return self.usage.elapsed


def summary(measurements: Sequence[Measurement]) -> str:
    """Say in one line what came out: `embed-b8-1c 160 embeddings/s`."""
    return ", ".join(
        f"{one.workload} {statistics.median(one.counted):.1f} {one.unit}"
        for one in measurements
        if one.metric == RATE and one.counted
    )
