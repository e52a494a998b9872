"""Rates of work in other units than tokens, as a cell's row shows them: each task's first level and its highest."""

from __future__ import annotations

import statistics
from collections import defaultdict
from collections.abc import Sequence

from bakehouse.model.report import CellReport, Measurement, Metric

RATE: Metric = "work_rate"


def rates(cell: CellReport) -> list[Measurement]:
    """All levels of all tasks, in the order in which they were measured."""
    return [one for one in cell.measurements if one.metric == RATE]


def head_rates(cell: CellReport) -> list[Measurement]:
    """The first level of each task and, where another one is higher, that."""
    found: list[Measurement] = []
    for levels in _by_task(cell).values():
        closed = [one for one in levels if one.counted and "arrivals" not in one.settings]
        highest = max(closed, key=lambda one: statistics.median(one.counted), default=levels[0])
        found += [levels[0], *([highest] if highest is not levels[0] else [])]
    return found


def is_only_work(cells: Sequence[CellReport]) -> bool:
    """Whether columns for tokens would be empty because all that was measured is something else."""
    measured = {one.metric for cell in cells for one in cell.measurements}
    return RATE in measured and not measured & {"prompt_rate", "decode_rate", "system_rate"}


def task_of(measurement: Measurement) -> str:
    """Its task's name."""
    task = measurement.settings.get("task")
    return str(task.get("name", "")) if isinstance(task, dict) else ""


def _by_task(cell: CellReport) -> dict[str, list[Measurement]]:
    found: dict[str, list[Measurement]] = defaultdict(list)
    for one in rates(cell):
        found[task_of(one)].append(one)
    return found
