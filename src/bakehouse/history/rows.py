"""From a run's report to rows of the history."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import Any

from bakehouse.model.enums import Grade, Verdict
from bakehouse.model.history import HISTORY_SCHEMA, Hardware, Row, Terms, Value
from bakehouse.model.report import CellReport, Measurement, RunReport, Sample

_REVISION = "org.opencontainers.image.revision"
_LONGEST = 64
"""Items of a list that a row keeps; what is longer is of single requests, and stays in the run's folder."""


def rows(run: RunReport, hardware: Callable[[CellReport], Hardware]) -> Iterator[Row]:
    """All repetitions of a run. `hardware`: what a cell was measured on."""
    for cell in run.cells:
        yield from rows_of_cell(run, cell, hardware(cell))


def rows_of_cell(run: RunReport, cell: CellReport, hardware: Hardware) -> Iterator[Row]:
    """One for each workload, start and repetition, with all metrics that were taken together."""
    together: dict[tuple[str, int, int], list[tuple[Measurement, Sample]]] = {}
    for measurement in cell.measurements:
        for sample in measurement.samples:
            if sample.verdict is Verdict.SKIPPED:  # nothing here could measure it: no night of it is missing
                continue
            key = (measurement.workload, sample.start, sample.repetition)
            together.setdefault(key, []).append((measurement, sample))
    for (workload, start, repetition), taken in together.items():
        first = taken[0][0]
        yield Row(
            schema_version=HISTORY_SCHEMA,
            cell=cell.name,
            workload=workload,
            run=run.run,
            time=run.started,
            image=_digest(cell),
            revision=cell.image.labels.get(_REVISION, "") if cell.image else "",
            coordinates=_coordinates(cell),
            start=start,
            repetition=repetition,
            values={measurement.metric: _value(measurement, sample) for measurement, sample in taken},
            raw=_without_long_lists(next((sample.raw for _, sample in taken if sample.raw), {})),
            terms=Terms(
                client=first.client or f"bakehouse {run.bakehouse}",
                definitions=first.definitions,
                hardware=hardware,
                settings=first.settings,
            ),
        )


def _digest(cell: CellReport) -> str:
    """As the proof read it; of an image that was not proved, what the engine's store calls it."""
    return cell.image.digest if cell.image else cell.build.image if cell.build else ""


def _value(measurement: Measurement, sample: Sample) -> Value:
    """Graded for itself: of an exact measurement, what was disturbed is noisy. The interval is the measurement's."""
    grade, low, high = _grade(measurement, sample), None, None
    if measurement.grading and grade is Grade.NOISY:
        low, high = measurement.grading.low, measurement.grading.high
    reason = sample.reason
    if measurement.grading and measurement.grade is Grade.NOISY:
        reason = "; ".join(measurement.grading.reasons)
    return Value(
        value=sample.value,
        unit=measurement.unit,
        verdict=sample.verdict,
        reason=reason,
        grade=grade,
        low=low,
        high=high,
        limit=measurement.limits[0].rate if measurement.limits else None,
        short=measurement.short,
    )


def _grade(measurement: Measurement, sample: Sample) -> Grade | None:
    if measurement.grading is None:
        return None
    if sample.verdict is not Verdict.PASSED:
        return Grade.VOID
    return Grade.NOISY if measurement.grade is Grade.EXACT and sample.disturbed else measurement.grade


def _coordinates(cell: CellReport) -> dict[str, str]:
    place = {
        "recipe": cell.recipe,
        "accelerator": cell.accelerator,
        "toolkit": cell.toolkit,
        "arch": cell.arch,
        "flag_set": cell.flag_set,
        "platform": cell.platform,
    }
    return {axis: value for axis, value in place.items() if value is not None}


def _without_long_lists(raw: Mapping[str, Any]) -> dict[str, Any]:
    kept = {}
    for key, value in raw.items():
        if isinstance(value, Mapping):
            kept[key] = _without_long_lists(value)
        elif not isinstance(value, list) or (len(value) <= _LONGEST and not any(isinstance(x, dict) for x in value)):
            kept[key] = value
    return kept
