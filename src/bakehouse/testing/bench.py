"""Servers that are started to be measured: everything that could change a rate is pinned and recorded."""

from __future__ import annotations

import contextlib
import itertools
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

from bakehouse.engine.connection import Engine
from bakehouse.engine.container import start
from bakehouse.engine.devices import CPU, Devices
from bakehouse.measure.load import Meter, peak_memory, physical_cores
from bakehouse.measure.workloads import pinned_arguments
from bakehouse.model.recipe import Load
from bakehouse.model.suite import Subject, Workload
from bakehouse.probes.health import wait_serving
from bakehouse.probes.serving import serving
from bakehouse.probes.throughput import Served


@dataclass(frozen=True, kw_only=True, slots=True)
class Bench:
    """One subject on one device."""

    engine: Engine
    run: str
    subject: Subject
    workload: Workload
    devices: Devices
    log: Callable[[], Path]
    """A new path for each container's log."""

    @contextlib.contextmanager
    def start(self, load: Load | None = None) -> Iterator[Served]:
        """Start a fresh server, ready to be measured, and remove it. Raises ProbeFailed when it does not get ready.

        For pp and tg, or for a load.
        """
        arguments = tuple(itertools.chain.from_iterable(self._pinned(load).items()))
        launch = serving(self.subject, run=self.run, args=arguments, devices=self.devices)
        with start(self.engine, launch, log=self.log()) as container:
            startup = wait_serving(container, self.subject.health, memory_limit=self.subject.memory_limit)
            pid = container.state().pid
            yield Served(
                url=container.url,
                healthy=startup.healthy,
                port_open=startup.first_answer,
                started=container.started_at,
                load=Meter(pid),
                peak_memory=partial(peak_memory, pid),
            )

    def settings(self, load: Load | None = None) -> dict[str, Any]:
        """What must be equal for two measurements to be compared."""
        return {
            "model_sha256": self.workload.model_sha256,
            **(
                load.model_dump(mode="json")
                if load
                else {"prompt_tokens": self.workload.prompt_tokens, "output_tokens": self.workload.output_tokens}
            ),
            "arguments": self._pinned(load),
            "recipe_arguments": list(self.subject.args),
            "memory_limit": self.subject.memory_limit,
            "device": self.devices.name,
        }

    def _pinned(self, load: Load | None) -> dict[str, str]:
        return dict(pinned_arguments(self.workload, threads=physical_cores(), offloads=self.devices != CPU, load=load))
