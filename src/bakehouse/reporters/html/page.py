"""Everything the templates place, computed from the run."""

from __future__ import annotations

import json
import re
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from bakehouse.model.report import CellReport, ExcludedRecord, Measurement, RunReport, Sample, TestResult
from bakehouse.model.words import Unit, Verdict
from bakehouse.reporters import figures, logs
from bakehouse.reporters.html import plots, timeline
from bakehouse.reporters.html.grid import Grid, grids
from bakehouse.reporters.html.layers import Slice, slices

_OPEN_UP_TO = 8
"""With more cells than this, those that passed are folded."""
_LOG_LINES = 40


@dataclass(frozen=True, kw_only=True, slots=True)
class MeasurementView:
    record: Measurement
    title: str
    definition: str
    summary: figures.Summary | None
    strip: plots.Strip | None
    void: tuple[Sample, ...]
    settings: tuple[tuple[str, str], ...]


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
    is_open: bool
    problems: tuple[figures.Problem, ...]
    cached: int
    rows: tuple[timeline.Row, ...]
    timeline: timeline.Timeline | None
    tests: tuple[tuple[str, tuple[TestResult, ...]], ...]
    """Probe to its tests."""
    measurements: tuple[MeasurementView, ...]
    layers: tuple[Slice, ...]
    logs: tuple[LogView, ...]
    prompt_rate: float | None
    decode_rate: float | None
    time_to_healthy: float | None


@dataclass(frozen=True, kw_only=True, slots=True)
class Comparison:
    """One metric of several cells, measured under equal settings."""

    title: str
    workload: str
    definition: str
    unit: Unit
    strip: plots.Strip


@dataclass(frozen=True, kw_only=True, slots=True)
class Exclusions:
    """Combinations that are missing for the same reason."""

    reason: str
    rule: str
    link: str
    """Empty where it is no web address."""
    names: tuple[str, ...]


@dataclass(frozen=True, kw_only=True, slots=True)
class Page:
    run: RunReport
    revision: str
    headline: str
    seconds: float | None
    tally: tuple[tuple[Verdict, int], ...]
    cells: tuple[CellView, ...]
    troubled: tuple[CellView, ...]
    grids: tuple[Grid, ...]
    comparisons: tuple[Comparison, ...]
    excluded: tuple[Exclusions, ...]
    has_unlocked: bool


def build(run: RunReport, *, folder: Path) -> Page:
    anchors = _anchors([cell.name for cell in run.cells])
    is_short = len(run.cells) <= _OPEN_UP_TO
    cells = tuple(
        _cell(cell, anchor=anchors[index], is_short=is_short, folder=folder) for index, cell in enumerate(run.cells)
    )
    return Page(
        run=run,
        revision=_short(run.revision),
        headline=figures.headline(run),
        seconds=figures.run_seconds(run),
        tally=tuple(figures.tally(run)),
        cells=cells,
        troubled=tuple(cell for cell in cells if cell.report.verdict is not Verdict.PASSED),
        grids=grids(run.cells, anchors=anchors),
        comparisons=_comparisons(run.cells),
        excluded=_excluded(run.excluded),
        has_unlocked=any(not supplied.locked for supplied in run.supplies),
    )


def _anchors(names: Sequence[str]) -> dict[int, str]:
    """Ids that stay the same from run to run, so that a link into a report keeps its meaning."""
    anchors: dict[int, str] = {}
    for index, name in enumerate(names):
        anchor = "cell-" + (re.sub(r"[^a-z0-9]+", "-", name.lower()).strip("-") or "unnamed")
        while anchor in anchors.values():
            anchor += "-again"
        anchors[index] = anchor
    return anchors


def _cell(cell: CellReport, *, anchor: str, is_short: bool, folder: Path) -> CellView:
    steps = cell.build.steps if cell.build else []
    target = cell.name.replace(".", "_")
    by_probe: dict[str, list[TestResult]] = defaultdict(list)
    for test in cell.tests:
        by_probe[test.probe].append(test)
    return CellView(
        report=cell,
        anchor=anchor,
        parts=_parts(cell),
        is_open=is_short or cell.verdict is not Verdict.PASSED,
        problems=tuple(figures.problems(cell, folder=folder)),
        cached=sum(step.cached for step in steps),
        rows=timeline.rows(steps, target=target),
        timeline=timeline.timeline(steps, target=target),
        tests=tuple((probe, tuple(tests)) for probe, tests in by_probe.items()),
        measurements=tuple(_measurement(measurement) for measurement in cell.measurements),
        layers=slices(cell.image.layers) if cell.image else (),
        logs=_logs(cell, folder=folder),
        prompt_rate=figures.median_of(cell, "prompt_rate"),
        decode_rate=figures.median_of(cell, "decode_rate"),
        time_to_healthy=figures.median_of(cell, "time_to_healthy"),
    )


def _measurement(measurement: Measurement) -> MeasurementView:
    title, definition = figures.METRICS[measurement.metric]
    return MeasurementView(
        record=measurement,
        title=title,
        definition=definition,
        summary=figures.summarize(measurement.samples),
        strip=plots.strip(plots.by_start(measurement.samples), unit=measurement.unit),
        void=tuple(sample for sample in measurement.samples if sample.verdict is not Verdict.PASSED),
        settings=tuple(_flat(measurement.settings)),
    )


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


def _comparisons(cells: Sequence[CellReport]) -> tuple[Comparison, ...]:
    """Only like with like: one workload, one definition, equal settings, at least two cells."""
    groups: dict[tuple[str, ...], list[tuple[Measurement, plots.Series]]] = defaultdict(list)
    for cell in cells:
        for measurement in cell.measurements:
            settings = json.dumps(measurement.settings, sort_keys=True, default=str)
            key = (measurement.workload, measurement.metric, measurement.unit, str(measurement.definitions), settings)
            series = plots.Series(label=cell.name, samples=measurement.samples)
            groups[key].append((measurement, series))
    found: list[Comparison] = []
    for members in groups.values():
        measurement = members[0][0]
        drawn = plots.strip([series for _, series in members], unit=measurement.unit, is_stacked=True)
        if drawn and len(members) > 1:
            title, definition = figures.METRICS[measurement.metric]
            found.append(
                Comparison(
                    title=title,
                    workload=measurement.workload,
                    definition=definition,
                    unit=measurement.unit,
                    strip=drawn,
                )
            )
    return tuple(found)


def _excluded(records: Sequence[ExcludedRecord]) -> tuple[Exclusions, ...]:
    """Grouped by their reason; the reason that takes most combinations first."""
    groups: dict[tuple[str, str, str], list[str]] = defaultdict(list)
    for record in records:
        link = record.link or ""
        groups[record.reason, record.rule, link if link.startswith(("https://", "http://")) else ""].append(record.name)
    ordered = sorted(groups.items(), key=lambda item: -len(item[1]))
    return tuple(
        Exclusions(reason=reason, rule=rule, link=link, names=tuple(sorted(names)))
        for (reason, rule, link), names in ordered
    )


def _short(revision: str) -> str:
    """`a507879c2f6b-dirty`: twelve digits of a full hash, and what follows it."""
    return re.sub(r"^([0-9a-f]{12})[0-9a-f]{28}", r"\1", revision)


def _parts(cell: CellReport) -> str:
    """What the folded part of a cell holds."""
    parts = {
        "build": cell.build,
        "proof": cell.checks,
        "tests": cell.tests,
        "measurements": cell.measurements,
        "image": cell.image,
    }
    return ", ".join(name for name, part in parts.items() if part).capitalize()


def _flat(settings: dict[str, object]) -> list[tuple[str, str]]:
    return [
        (key, value if isinstance(value, str) else json.dumps(value, ensure_ascii=False, default=str))
        for key, value in sorted(settings.items())
    ]
