"""Servers that are started to be measured at the work that their recipe declares, as a user would start them."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from bakehouse.engine.container import Container, Launch
from bakehouse.measure.loadgen.answers import Answer
from bakehouse.model.suite import WorkToMeasure
from bakehouse.model.work import Task
from bakehouse.probes import behind
from bakehouse.probes.cases import contents, facts_of, wrong_with
from bakehouse.probes.measured_server import MeasuredServer
from bakehouse.probes.series import Samples
from bakehouse.probes.serving import serving
from bakehouse.suite.bench_base import BenchBase


@dataclass(frozen=True, kw_only=True, slots=True)
class WorkBench(BenchBase):
    """Measures work in units of its own."""

    work: WorkToMeasure
    start_container: Callable[[Launch, Path], AbstractContextManager[Container]] | None = None
    """How a container is had that stands behind the server. None: the work names none."""

    @property
    def starts(self) -> int:
        """Container starts that are wanted."""
        return self.work.starts

    def samples(self) -> Samples:
        """Where those of the work go. It begins with those that an earlier attempt at this run took."""
        tasks = [task.model_dump(mode="json") for task in self.work.tasks]
        return self.samples_of("work", self.settings() | {"tasks": tasks})

    @contextlib.contextmanager
    def start(self) -> Iterator[MeasuredServer]:
        """Start a fresh server, ready to be measured, and remove it. Raises ProbeFailed when it does not get ready."""
        launch = serving(self.subject, run=self.run, devices=self.devices)
        about, devices = self.subject, self.devices
        if self.work.behind is None or self.start_container is None:
            with self.open_server(launch, subject=about, devices=devices, log=self.log()) as served:
                yield served
            return
        asked = self.work.behind
        with self.start_container(behind.launch(about, asked, run=self.run), self.log()) as backend:
            found = backend.state()
            told = replace(launch, env=launch.env | behind.told(asked, found.address))
            with self.open_server(told, subject=about, devices=devices, log=self.log(), others=[found.pid]) as served:
                behind.wait_found(served.url, asked.ready, patience=about.health.start_period)
                yield replace(served, behind=backend.url)

    def settings(self) -> dict[str, Any]:
        """What must be equal for two measurements to be compared, beside what belongs to a task."""
        return {
            "model_sha256": self.work.model_sha256,
            "recipe_arguments": list(self.subject.args),
            "memory_limit": self.subject.memory_limit,
            "device": self.devices.name,
        }

    def read(self, name: str) -> bytes:
        """A file of the recipe's folder. Raises ProbeFailed."""
        return contents(Path(self.subject.recipe_folder), name)

    def wrong(self, task: Task, answer: Answer) -> str:
        """What is not as the task expects it; empty where all is."""
        return "; ".join(wrong_with(answer, task.expect, facts_of(self.subject)))
