"""A cell's own section, computed."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from bakehouse.formatting import quantity
from bakehouse.model.enums import Grade, Verdict
from bakehouse.model.field_types import Unit
from bakehouse.model.report import CellReport, Check, Measurement, Sample, Step, TestResult
from bakehouse.reporters import figures, grades, limits, logs, outcomes
from bakehouse.reporters.html import plots, timeline
from bakehouse.reporters.html.comparisons import DRAWN, loads_of
from bakehouse.reporters.html.grid import codes, driver, work_rates
from bakehouse.reporters.html.layers import Slice, slices
from bakehouse.reporters.html.settings import Labels
from bakehouse.reporters.text import one_line
from bakehouse.stats.direction import is_of_image
from bakehouse.stats.interval import MedianInterval, interval

_LOG_LINES = 15
_TELLING = ("native-code", "ptx", "driver-floor", "instructions", "size")
"""Proofs whose figures are shown in a brief report, too."""


@dataclass(frozen=True, kw_only=True, slots=True)
class MeasurementView:
    record: Measurement
    title: str
    definition: str
    summary: figures.Summary | None
    known: MedianInterval | None
    strip: plots.Strip | None
    values: tuple[tuple[str, str], ...]
    """Container start to its samples, in words."""
    void: tuple[Sample, ...]
    settings: str
    """Label of its settings."""
    grade: Grade
    interval: str
    """Where the figure lies: of an exact one with 95 % confidence, of a noisy one all that was seen."""
    noise: str
    """`noisy: other work on this machine`; empty where it is not."""
    reasons: tuple[str, ...]
    """Why it is noisy or void, in detail."""
    struck: float | None
    """What a void figure would be."""
    limit: str
    """`26 % of what this card's memory allows`; empty where it is unknown."""
    limits: tuple[str, ...]
    """How that was reckoned."""


@dataclass(frozen=True, kw_only=True, slots=True)
class LogView:
    what: str
    path: str
    lines: tuple[str, ...]


@dataclass(frozen=True, kw_only=True, slots=True)
class CellView:
    report: CellReport
    anchor: str
    parts: str
    """The names of what it has; empty where it has nothing."""
    codes: str
    driver: str
    problems: tuple[outcomes.Problem, ...]
    cached: int
    steps: int
    rows: tuple[timeline.Row, ...]
    longest: timeline.Row | None
    timeline: timeline.Timeline | None
    checks: tuple[Check, ...]
    """Those that are shown."""
    tests: tuple[tuple[str, tuple[TestResult, ...]], ...]
    """Probe to its tests."""
    skipped: tuple[str, ...]
    """Why tests of it were skipped."""
    strips: tuple[MeasurementView, ...]
    table: tuple[MeasurementView, ...]
    layers: tuple[Slice, ...]
    logs: tuple[LogView, ...]
    model: str
    """What its model takes for each token; empty where it is unknown."""
    prompt_rate: float | None
    decode_rate: float | None
    work: tuple[tuple[str, str, str], ...]
    """Rates of other work: workload, rate and unit."""
    time_to_healthy: float | None
    remark: str
    """What must be said beside `passed`: `rates noisy: other work on this machine`."""


def view(cell: CellReport, *, anchor: str, is_brief: bool, folder: Path, labels: Labels) -> CellView:
    steps = cell.build.steps if cell.build else []
    target = cell.name.replace(".", "_")
    checks = [check for check in cell.checks if not is_brief or _is_telling(check)]
    strips, table = _measured(cell, labels=labels)
    return CellView(
        report=cell,
        anchor=anchor,
        parts=_parts(cell),
        codes=codes(cell),
        driver=driver(cell).removeprefix("driver "),
        problems=tuple(outcomes.problems(cell, folder=folder)),
        cached=sum(step.cached for step in steps),
        steps=len(steps),
        rows=() if is_brief else timeline.rows(steps, target=target),
        longest=_longest(steps, target=target),
        timeline=None if is_brief else timeline.timeline(steps, target=target),
        checks=tuple(checks),
        tests=_by_probe(cell.tests),
        skipped=_skipped(cell.tests),
        strips=() if is_brief else strips,
        table=() if is_brief else table,
        layers=slices(cell.image.layers) if cell.image and not is_brief else (),
        logs=() if is_brief else _logs(cell, folder=folder),
        model=limits.model_words(cell.model) if cell.model else "",
        prompt_rate=figures.median_of(cell, "prompt_rate"),
        decode_rate=figures.median_of(cell, "decode_rate"),
        work=work_rates(cell),
        time_to_healthy=figures.median_of(cell, "time_to_healthy"),
        remark=grades.remark([cell]),
    )


def _is_telling(check: Check) -> bool:
    return check.name in _TELLING if check.verdict is Verdict.PASSED else check.verdict is not Verdict.SKIPPED


def _longest(steps: Sequence[Step], *, target: str) -> timeline.Row | None:
    """None where all took no time worth a word."""
    step = max(steps, key=lambda step: step.seconds, default=None)
    return timeline.rows([step], target=target)[0] if step and step.seconds >= 1 else None


def _by_probe(tests: Sequence[TestResult]) -> tuple[tuple[str, tuple[TestResult, ...]], ...]:
    by_probe: dict[str, list[TestResult]] = defaultdict(list)
    for test in tests:
        by_probe[test.probe].append(test)
    return tuple((probe, tuple(members)) for probe, members in by_probe.items())


def _skipped(tests: Sequence[TestResult]) -> tuple[str, ...]:
    """Why tests were skipped, each reason once."""
    reasons = [one_line(test.message) for test in tests if test.verdict is Verdict.SKIPPED and test.message]
    return tuple(dict.fromkeys(reasons))


def _measured(cell: CellReport, *, labels: Labels) -> tuple[tuple[MeasurementView, ...], tuple[MeasurementView, ...]]:
    """What is drawn, and what stands in a table."""
    strips: list[MeasurementView] = []
    table: list[MeasurementView] = []
    loads = loads_of(cell)
    for measurement in cell.measurements:
        if not is_of_image(measurement.metric):
            continue
        view = _measurement(measurement, label=labels.label(measurement))
        is_drawn = measurement.metric in DRAWN and measurement.workload not in loads
        (strips if is_drawn else table).append(view)
    return tuple(strips), tuple(table)


def _measurement(measurement: Measurement, *, label: str) -> MeasurementView:
    title, definition = figures.METRICS[measurement.metric]
    return MeasurementView(
        record=measurement,
        title=title,
        definition=definition,
        summary=figures.of_measurement(measurement),
        known=interval(measurement.samples),
        strip=plots.strip(plots.by_start(measurement.samples), unit=measurement.unit),
        values=tuple(
            (row.label, ", ".join(_in_words(sample, measurement.unit) for sample in row.samples))
            for row in plots.by_start(measurement.samples)
        ),
        void=tuple(sample for sample in measurement.samples if sample.verdict is not Verdict.PASSED),
        settings=label,
        grade=measurement.grade,
        interval=grades.bounds(measurement),
        noise=grades.noise(measurement),
        reasons=grades.reasons(measurement),
        struck=grades.struck(measurement),
        limit=limits.words(measurement),
        limits=tuple(limits.details(measurement)),
    )


def _in_words(sample: Sample, unit: Unit) -> str:
    words = quantity(sample.value, unit)
    if sample.verdict is Verdict.PASSED:
        return f"{words} (noisy)" if sample.disturbed else words
    return f"{words} ({sample.verdict})"


def _logs(cell: CellReport, *, folder: Path) -> tuple[LogView, ...]:
    """Each log file once, by the first thing that names it."""
    named: dict[str, str] = {}
    if cell.build and cell.build.log:
        named[cell.build.log] = "build"
    for test in cell.tests:
        if test.container_log:
            named.setdefault(test.container_log, f"container of {test.name}")
    return tuple(
        LogView(what=what, path=path, lines=logs.tail(folder, path, lines=_LOG_LINES)) for path, what in named.items()
    )


def _parts(cell: CellReport) -> str:
    """What the folded part of a cell holds."""
    parts: dict[str, object] = {
        "build": cell.build,
        "proof": cell.checks,
        "tests": cell.tests,
        "measurements": cell.measurements,
        "image": cell.image,
    }
    return ", ".join(name for name, part in parts.items() if part).capitalize()
