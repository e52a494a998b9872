"""What changed beside a baseline, and histories: a dot for each run, a line for each level, a mark between levels."""

from __future__ import annotations

import itertools
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from bakehouse.formatting import count, quantity, span
from bakehouse.history.baseline import Compared
from bakehouse.model.field_types import Unit
from bakehouse.model.report import CellReport
from bakehouse.reporters import figures
from bakehouse.reporters.comparison import RunComparison
from bakehouse.reporters.html.scale import Scale, nice_step

HEIGHT, TOP, BOTTOM = 150, 12, 26
_MARGIN = 14.0
"""Per cent: room for the labels."""
_LEAST_EXTENT = 0.08
MOST = 200
"""Runs that are drawn, the newest; more are not told apart on a screen."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Level:
    x: float
    end: float
    y: float


@dataclass(frozen=True, kw_only=True, slots=True)
class ChangePoint:
    x: float
    words: str
    """`since 2026-11-12 4.8 % less`."""


@dataclass(frozen=True, kw_only=True, slots=True)
class History:
    dots: tuple[tuple[float, float], ...]
    now: tuple[float, float] | None
    """This run."""
    levels: tuple[Level, ...]
    changes: tuple[ChangePoint, ...]
    up: tuple[tuple[float, str], ...]
    first: str
    last: str
    description: str

    @property
    def path(self) -> str:
        """In a box that is 1000 wide."""
        return "".join(f"M{x * 10:.0f} {y:.0f}h0" for x, y in self.dots)


@dataclass(frozen=True, kw_only=True, slots=True)
class View:
    record: Compared
    anchor: str
    """Of the cell's section; empty where it is not in this run."""
    title: str
    unit: Unit
    history: History | None


def changes(versus: RunComparison, cells: Sequence[CellReport], anchors: Mapping[int, str]) -> tuple[View, ...]:
    """Regressions first; in the order of the run otherwise."""
    known = {cell.name: anchors[index] for index, cell in enumerate(cells)}
    units = figures.units(cells)
    found = []
    for compared in versus.in_order:
        judged = compared.judged
        unit = units.get((judged.cell, judged.workload, judged.metric)) or figures.unit_of(judged.metric)
        found.append(
            View(
                record=compared,
                anchor=known.get(judged.cell, ""),
                title=figures.METRICS[judged.metric][0],
                unit=unit,
                history=history(compared, unit),
            )
        )
    return tuple(found)


def history(compared: Compared, unit: Unit) -> History | None:
    """None where no earlier run is comparable."""
    before = compared.baseline.history
    if not before:
        return None
    skipped = max(0, len(before) - MOST)
    runs = before[skipped:]
    now = compared.judged.candidate
    values = [run.middle for run in runs] + ([now] if now is not None else [])
    across = Scale(low=0, high=max(1, len(values) - 1), margin=_MARGIN)
    up = _upward(values)
    levels = [
        (max(0, level.begin - skipped), level.end - skipped - 1, level.level)
        for level in compared.baseline.levels
        if level.end > skipped
    ]
    changes = tuple(
        ChangePoint(x=across.place(begin - 0.5), words=_words(earlier, later, runs[begin].run.time))
        for (_, _, earlier), (begin, _, later) in itertools.pairwise(levels)
    )
    step = nice_step(up.high - up.low, most=3)
    marks = [number * step for number in range(int(up.low / step) + 1, int(up.high / step + 1e-9) + 1)]
    first, last = (f"{run.run.time:%Y-%m-%d}" for run in (runs[0], runs[-1]))
    return History(
        dots=tuple((across.place(place), _y(run.middle, up)) for place, run in enumerate(runs)),
        now=(across.place(len(runs)), _y(now, up)) if now is not None else None,
        levels=tuple(Level(x=across.place(a), end=across.place(b), y=_y(level, up)) for a, b, level in levels),
        changes=changes,
        up=tuple((_y(mark, up), quantity(mark, unit)) for mark in marks),
        first=first,
        last=last,
        description=f"{count(len(runs), 'run')} from {first} to {last}, {span(min(values), max(values), unit)}; "
        + ("; ".join(change.words for change in changes) or "one level")
        + (f"; this run {quantity(now, unit)}" if now is not None else ""),
    )


def _words(before: float, after: float, since: datetime) -> str:
    share = after / before - 1 if before else 0.0
    return f"since {since:%Y-%m-%d} {abs(share):.1%} {'more' if share > 0 else 'less'}"


def _upward(values: Sequence[float]) -> Scale:
    low, high = min(values), max(values)
    middle = (low + high) / 2
    half = max((high - low) / 2, abs(middle) * _LEAST_EXTENT / 2) or 0.5
    return Scale(low=middle - half, high=middle + half)


def _y(value: float, up: Scale) -> float:
    return round(HEIGHT - BOTTOM - up.place(value) / 100 * (HEIGHT - BOTTOM - TOP), 1)
