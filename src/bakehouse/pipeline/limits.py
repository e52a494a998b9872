"""What the devices of this machine allow, beside what was measured on them."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from bakehouse.errors import InputError
from bakehouse.formatting import flow, size
from bakehouse.measure.machine_speed import SMALLEST, MachineSpeed, known_speed, speed_of_machine
from bakehouse.model.cell import Cell
from bakehouse.model.enums import AcceleratorName
from bakehouse.model.limit import Limit, ModelWork
from bakehouse.model.machine import Card, Machine
from bakehouse.model.matrix import Gpu, Matrix
from bakehouse.model.report import Measurement
from bakehouse.model.serving import ServerName
from bakehouse.model_files.gguf.header import read_header
from bakehouse.model_files.gguf.limit import Ceiling, Device, Kept, allowed, limits_of, model_work
from bakehouse.model_files.gguf.work import Work
from bakehouse.planning.gpus import recognise
from bakehouse.servers.deployment import DEPLOYMENTS

PROCESSOR = "cpu"
"""Name of the device, as `engine.devices` has it."""

Processor = Callable[[int], MachineSpeed]
"""What a processor reaches with so many bytes at a time."""
Bandwidth = Callable[[Card], float | None]
"""Bytes a second of a card's memory, where its driver tells."""


@dataclass(frozen=True, kw_only=True, slots=True)
class ServedModel:
    """What a cell's rates are measured with."""

    name: str
    work: Work
    server: ServerName

    def kept(self, settings: Mapping[str, Any]) -> Kept:
        """How the server was told to keep the cache, by the settings of a measurement."""
        told = settings.get("arguments")
        return DEPLOYMENTS[self.server].keeps(told if isinstance(told, Mapping) else {})


@dataclass(frozen=True, kw_only=True, slots=True)
class DeviceLimits:
    """By cell what its model must do; by device what it reaches."""

    works: Mapping[str, ServedModel]
    """By cell."""
    devices: Mapping[tuple[str, str], Device]
    """By cell and the name of a device."""
    operations: Mapping[tuple[str, str], int] = field(default_factory=dict)
    """Of one unit of work, by cell and task, where a recipe says it."""

    def added_to(self, cell: str, measurements: Sequence[Measurement]) -> list[Measurement]:
        """The same with the limits of those that have some."""
        return [one.model_copy(update={"limits": self._of(cell, one)}) for one in measurements]

    def model(self, cell: str, measurements: Sequence[Measurement]) -> ModelWork | None:
        """What the cell's model does for a token, with a cache as the server was told to keep it."""
        if cell not in self.works:
            return None
        model = self.works[cell]
        first = next((one for one in measurements if isinstance(one.settings.get("arguments"), dict)), None)
        return model_work(model.name, model.work, model.kept(first.settings if first else {}))

    def _of(self, cell: str, measurement: Measurement) -> list[Limit]:
        device = self.devices.get((cell, str(measurement.settings.get("device", ""))))
        if device is None:
            return []
        if measurement.metric == "work_rate":
            if "arrivals" in measurement.settings:  # what comes, not the device, says how much is done
                return []
            task = measurement.settings.get("task")
            name = task.get("name") if isinstance(task, dict) else None
            return allowed(device, operations=self.operations.get((cell, str(name)), 0))
        if cell not in self.works:
            return []
        model, settings = self.works[cell], measurement.settings
        return limits_of(measurement.metric, settings, model.work, device, model.kept(settings))


def find_limits(
    cells: Sequence[Cell],
    models: Mapping[str, Path],
    *,
    machine: Machine,
    matrix: Matrix,
    say: Callable[[str], None],
    processor: Processor,
    bandwidth: Bandwidth,
) -> DeviceLimits:
    """Read the models' files; ask for the processor's speed where a cell is for it.

    Machine, processor and bandwidth are those of the machine that tests.
    """
    works: dict[str, ServedModel] = {}
    devices: dict[tuple[str, str], Device] = {}
    processors: dict[int, Device] = {}
    operations = {
        (cell.name, task.name): task.operations
        for cell in cells
        for task in (cell.recipe.probes.work.tasks if cell.recipe.probes.work else ())
        if task.operations
    }
    computing = {cell for cell, _ in operations}
    measured = {throughput.model for cell in cells if (throughput := cell.recipe.probes.throughput)}
    by_name = {name: _work(path, say) for name, path in models.items() if name in measured}
    for cell in cells:
        throughput = cell.recipe.probes.throughput
        work = by_name.get(throughput.model) if throughput else None
        if throughput and work:
            works[cell.name] = ServedModel(name=throughput.model, work=work, server=cell.recipe.server)
        elif cell.name not in computing:
            continue
        if cell.at.accelerator is AcceleratorName.CPU:
            read = work.weights if work else SMALLEST
            if read not in processors:
                processors[read] = _processor(read, processor, say)
            devices[cell.name, PROCESSOR] = processors[read]
        for card in machine.usable:
            devices[cell.name, card.name] = _card(card, matrix, bandwidth)
    return DeviceLimits(works=works, devices=devices, operations=operations)


def _work(path: Path, say: Callable[[str], None]) -> Work | None:
    try:
        return Work(read_header(path))
    except (InputError, OSError) as error:
        say(f"what the device allows stays unknown: {error}")
        return None


def measured_alone(cache: Path, alone: Callable[[], AbstractContextManager[object]]) -> Processor:
    """That of the machine we run on, from an earlier run where it is known. `alone`: holds its lease meanwhile."""

    def ask(working_set: int) -> MachineSpeed:
        speed = known_speed(cache, working_set=working_set)
        if speed is None:
            with alone():
                speed = speed_of_machine(cache, working_set=working_set)
        return speed

    return ask


def _processor(working_set: int, processor: Processor, say: Callable[[str], None]) -> Device:
    speed = processor(working_set)
    say(
        f"this processor reads {flow(speed.read, 'B/s')} ({size(speed.working_set)} at a time) and multiplies "
        f"{flow(speed.products, 'FLOP/s')} (float32)"
    )
    return Device(
        memory=Ceiling(value=speed.read, source=f"measured here: reading {size(speed.working_set)} at a time"),
        compute=Ceiling(value=speed.products, source="measured here: a matrix product in float32"),
    )


def _card(card: Card, matrix: Matrix, bandwidth: Bandwidth) -> Device:
    """By the data sheet; a card that the catalogue lacks, by its own bus and clock. Instances of MIG have a share."""
    if "MIG " in card.name:
        return Device()
    name, row = recognise(card, matrix) or ("", None)
    memory = _from_sheet(row, "bandwidth", name)
    if memory is None and (found := bandwidth(card)):
        memory = Ceiling(value=found, source="the card's memory bus and clock")
    return Device(memory=memory, compute=_from_sheet(row, "compute", name))


def _from_sheet(row: Gpu | None, key: str, name: str) -> Ceiling | None:
    text = getattr(row, key, None)
    if text is None:
        return None
    number, unit = str(text).split()
    return Ceiling(value=float(number) * (1e12 if unit.startswith("T") else 1e9), source=f"data sheet of {name}")
