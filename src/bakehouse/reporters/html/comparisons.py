"""One metric of several cells on one axis: only like with like."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass

from bakehouse.model.field_types import Unit
from bakehouse.model.report import CellReport, Measurement, Metric
from bakehouse.reporters import figures
from bakehouse.reporters.html import plots
from bakehouse.reporters.html.settings import Labels, settings_key

DRAWN: tuple[Metric, ...] = ("prompt_rate", "decode_rate", "ttft", "work_rate")
"""Metrics whose samples are drawn one by one, but those of loads; of loads the system rate, cell beside cell."""
_DRAWN_OF_MANY: tuple[Metric, ...] = ("prompt_rate", "decode_rate", "work_rate")


@dataclass(frozen=True, kw_only=True, slots=True)
class Comparison:
    """One metric of several cells, measured under equal settings."""

    title: str
    workload: str
    definition: str
    unit: Unit
    device: str
    settings: str
    strip: plots.Strip


def comparisons(cells: Sequence[CellReport], *, is_brief: bool, labels: Labels) -> tuple[Comparison, ...]:
    """Only like with like: one workload, one definition, equal settings; at least two cells, or those of many."""
    wanted = _DRAWN_OF_MANY if is_brief else (*DRAWN, "system_rate")
    groups: dict[tuple[str, ...], list[tuple[Measurement, plots.Series]]] = defaultdict(list)
    for cell in cells:
        loads = loads_of(cell)
        for measurement in cell.measurements:
            is_load = measurement.workload in loads
            if measurement.metric in wanted and is_load == (measurement.metric == "system_rate"):
                key = (measurement.workload, measurement.metric, measurement.unit, settings_key(measurement))
                groups[key].append((measurement, plots.Series(label=cell.name, samples=measurement.samples)))
    found: list[Comparison] = []
    for members in groups.values():
        measurement = members[0][0]
        drawn = plots.strip([series for _, series in members], unit=measurement.unit, is_stacked=True)
        if drawn and len(members) >= (1 if is_brief else 2):
            title, definition = figures.METRICS[measurement.metric]
            found.append(
                Comparison(
                    title=title,
                    workload=measurement.workload,
                    definition=definition,
                    unit=measurement.unit,
                    device=str(measurement.settings.get("device", "")),
                    settings=labels.label(measurement),
                    strip=drawn,
                )
            )
    return tuple(found)


def loads_of(cell: CellReport) -> set[str]:
    """Workloads of more than one request."""
    return {one.workload for one in cell.measurements if one.metric == "system_rate"}
