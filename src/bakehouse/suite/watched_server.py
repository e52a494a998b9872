"""A container that is started to be measured, with the machine, the card and its own usage watched."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator, Sequence
from functools import partial
from pathlib import Path
from typing import Protocol

from bakehouse.engine.connection import Engine
from bakehouse.engine.container import Launch, start
from bakehouse.engine.devices import Devices
from bakehouse.machine import load_libraries
from bakehouse.machine.card_sensors import of_card
from bakehouse.machine.sensors import of_processor
from bakehouse.measure.cpu_usage import Meter, peak_memory
from bakehouse.measure.telemetry import CARD_ENERGY, PROCESSOR_ENERGY, Telemetry, Watch
from bakehouse.model.suite import Subject
from bakehouse.probes.health import wait_serving
from bakehouse.probes.measured_server import MeasuredServer


class OpenServer(Protocol):
    """Gives a server that is ready to be measured. `others`: first processes of containers that belong to it."""

    def __call__(
        self, launch: Launch, *, subject: Subject, devices: Devices, log: Path, others: Sequence[int] = ()
    ) -> contextlib.AbstractContextManager[MeasuredServer]: ...


@contextlib.contextmanager
def watched_server(
    engine: Engine, launch: Launch, *, subject: Subject, devices: Devices, log: Path, others: Sequence[int] = ()
) -> Iterator[MeasuredServer]:
    """Start a fresh server, ready to be measured, and remove it. Raises ProbeFailed when it does not get ready."""
    with start(engine, launch, log=log) as container:
        startup = wait_serving(container, subject.health, memory_limit=subject.memory_limit)
        pid = container.state().pid
        with watched(pid, devices, others=others) as watch:
            yield MeasuredServer(
                url=container.url,
                healthy=startup.healthy,
                port_open=startup.first_answer,
                created=container.created_in,
                started=container.started_at,
                load=watch,
                peak_memory=partial(peak_memory, pid),
                others=watch.others,
            )


@contextlib.contextmanager
def watched(pid: int, devices: Devices, *, others: Sequence[int] = ()) -> Iterator[Watch]:
    """Watch a container's first process, the machine and the card."""
    card = devices.card
    with contextlib.ExitStack() as stack:
        sensors = of_processor(pid)
        if card:
            libraries = load_libraries()
            sensors |= stack.enter_context(of_card(card, pid, nvml=libraries.nvml, amdsmi=libraries.amdsmi))
        telemetry = stack.enter_context(Telemetry(sensors).running())
        yield Watch(Meter(pid, others=others), telemetry, energy=CARD_ENERGY if card else PROCESSOR_ENERGY)
