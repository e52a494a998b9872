"""The recipe's workloads, with the load made by another program: each of its runs is a repetition.

Servers, arguments and starts are those of our own client's measurements. What is measured without a workload (pp and
tg by the server's clock, the start, memory) has no client, and is left to ours.
"""

from __future__ import annotations

import random
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Protocol

from bakehouse.errors import InfrastructureError
from bakehouse.measure import workload_runs
from bakehouse.measure.aiperf import Result
from bakehouse.measure.cpu_usage import Usage
from bakehouse.measure.loadgen.client import RequestFailedError, model_name
from bakehouse.measure.workload_runs import PlannedLoad
from bakehouse.model import suite
from bakehouse.model.enums import Verdict
from bakehouse.model.recipe import Chat, Limits, Load, LongContext
from bakehouse.model.report import Measurement, Metric, Sample
from bakehouse.probes import ProbeFailed
from bakehouse.probes.disturbance import disturbed, raw_usage
from bakehouse.probes.loads import ALWAYS, StartFor
from bakehouse.probes.measured_server import MeasuredServer
from bakehouse.probes.series import Samples, troubled

_TOKENS_PER_WORD = 1.3
"""Of English, in most vocabularies."""
_REQUESTS = 4


class Program(Protocol):
    """What makes the load."""

    @property
    def name(self) -> str:
        """With its version: results are compared with those of the same only."""
        ...

    def profile(self, planned: PlannedLoad, *, url: str, limits: Limits, folder: Path) -> Result:
        """Run a load once. Raises InfrastructureError when the program itself fails."""
        ...


def loads_of(asked: suite.Workload) -> list[Load]:
    """The recipe's; without any, what comes nearest to pp and tg for a program that sends text."""
    if asked.loads:
        return asked.loads
    words = max(1, round(asked.prompt_tokens / _TOKENS_PER_WORD))
    return [
        LongContext(kind="long-context", prompt_words=words, output_tokens=2, requests=_REQUESTS),
        Chat(kind="chat", prompt_words=1, output_tokens=max(2, asked.output_tokens), spread=0.0, requests=_REQUESTS),
    ]


@dataclass(frozen=True, kw_only=True, slots=True)
class Profiled:
    """One image under one load, a container start at a time."""

    start: StartFor
    load: Load
    asked: suite.Workload
    settings: dict[str, Any]
    chance: random.Random
    program: Program
    folder: Path
    """Gets a folder for each run of the program, with all that it wrote."""
    samples: Samples = field(default_factory=Samples)

    def take(self, number: int) -> None:
        """Warm up with one run, and measure the others.

        Raises ProbeFailed when the server answers nothing at all, and InfrastructureError when the program does not
        even get through the warm-up: it would not do better afterwards.
        """
        with self.start(self.load) as served:
            try:
                model = model_name(served.url)
            except RequestFailedError as error:
                raise ProbeFailed(str(error)) from error
            for repetition in range(-1, self.asked.load_repetitions):  # -1 warms up
                for planned in workload_runs.plan(self.load, chance=self.chance, native=False, model=model):
                    self._run(served, planned, start=number, repetition=repetition)

    def measurements(self) -> list[Measurement]:
        limits = {"limits": self.asked.limits.model_dump()}
        found = self.samples.measurements(workload_runs.UNITS, self.settings | limits)
        return [one.model_copy(update={"client": self.program.name}) for one in found]

    def _run(self, served: MeasuredServer, planned: PlannedLoad, *, start: int, repetition: int) -> None:
        warms_up = repetition < 0
        folder = self.folder / f"{planned.name}-{start}-{'warm-up' if warms_up else repetition}"
        served.load.start()
        try:
            result = self.program.profile(planned, url=served.url, limits=self.asked.limits, folder=folder)
        except InfrastructureError as error:
            if warms_up:
                raise
            result = Result(reason=error.message)
        usage = served.load.usage()
        if not warms_up:
            self._record(planned, result, usage, at=(start, repetition), folder=folder)
        elif not result.answered:
            raise ProbeFailed(f"{planned.name}: not one request was answered: {result.reason}")

    def _record(self, planned: PlannedLoad, result: Result, usage: Usage, *, at: tuple[int, int], folder: Path) -> None:
        """One sample for each metric; those that are always there are void where there is no value."""
        trouble = disturbed(usage)
        missing = {metric: 0.0 for metric in ALWAYS if metric not in result.values}
        values: dict[Metric, float] = missing | {metric: said.value for metric, said in result.values.items()}
        for metric, value in values.items():
            why = result.reason or (f"{self.program.name} does not say it" if metric in missing else "")
            sample = Sample(
                start=at[0],
                repetition=at[1],
                value=value,
                verdict=Verdict.VOID if why else Verdict.PASSED,
                reason=why,
                raw={"files": "/".join(folder.parts[-3:]), "machine": raw_usage(usage)} if metric in ALWAYS else {},
            )
            self.samples.add(planned.name, metric, troubled(trouble, sample))
