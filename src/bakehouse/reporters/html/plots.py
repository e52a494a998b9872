"""Strip plots: every raw sample as a dot on one axis, in a row for each container start or each cell."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Literal

from bakehouse.model.report import Sample
from bakehouse.model.words import Unit, Verdict
from bakehouse.quantities import quantity, size, span
from bakehouse.reporters.figures import Summary, summarize
from bakehouse.reporters.html.scale import Scale, Tick, nice_step
from bakehouse.reporters.text import one_line

LINE_HEIGHT, LANE_HEIGHT, AXIS_HEIGHT = 17, 30, 26
_MARGIN = 3.0
_LEAST_EXTENT = 0.08
"""Of the middle value: an axis never shows less, so that a noise of 0.5 % does not look like a cliff."""
_FAR = 1.5
"""A void sample further off than this many extents sits on the axis's end and says so."""
_SMALLEST, _LARGEST = 1e-9, 1e18
"""What no unit of ours comes near: smaller differences are none, larger values no measurement."""
_OFFSETS = (0, -5, 5, -8, 8)
"""Pixels up or down by repetition, so that equal values are still seen as several."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Dot:
    x: float
    y: float
    is_void: bool
    beyond: Literal["", "left", "right"]
    """It lies outside the axis, on this side."""
    title: str


@dataclass(frozen=True, kw_only=True, slots=True)
class Interval:
    """A summary on the axis."""

    low: float
    high: float
    median: float
    quartiles: tuple[float, float] | None


@dataclass(frozen=True, kw_only=True, slots=True)
class Row:
    label: str
    note: str
    y: int
    middle: float
    dots: tuple[Dot, ...]
    interval: Interval | None
    """From two counted samples on."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Strip:
    height: int
    is_stacked: bool
    """Label and note stand on two lines."""
    rows: tuple[Row, ...]
    ticks: tuple[Tick, ...]
    description: str


@dataclass(frozen=True, kw_only=True, slots=True)
class Series:
    """One row's samples, before they are placed."""

    label: str
    samples: Sequence[Sample]


def strip(series: Sequence[Series], *, unit: Unit, is_stacked: bool = False) -> Strip | None:
    """None where there is not one finite sample. Long labels need `is_stacked`."""
    scale = _scale([sample for row in series for sample in row.samples])
    if scale is None:
        return None
    label_height = LINE_HEIGHT * (2 if is_stacked else 1)
    row_height = label_height + LANE_HEIGHT
    rows = tuple(
        _row(row, y=index * row_height, label_height=label_height, scale=scale, unit=unit)
        for index, row in enumerate(series)
    )
    step = nice_step(scale.high - scale.low)
    return Strip(
        height=len(rows) * row_height + AXIS_HEIGHT,
        is_stacked=is_stacked,
        rows=rows,
        ticks=scale.ticks(step, _axis_label(step, unit)),
        description=" ".join(f"{row.label}: {row.note}." for row in rows),
    )


def by_start(samples: Sequence[Sample]) -> list[Series]:
    starts = sorted({sample.start for sample in samples})
    return [
        Series(label=f"start {start + 1}", samples=[sample for sample in samples if sample.start == start])
        for start in starts
    ]


def _scale(samples: list[Sample]) -> Scale | None:
    counted = [sample.value for sample in samples if not _is_void(sample) and _is_drawable(sample)]
    void = [sample.value for sample in samples if _is_void(sample) and _is_drawable(sample)]
    inner = counted or void
    if not inner:
        return None
    low, high = min(inner), max(inner)
    middle = (low + high) / 2
    half = max((high - low) / 2, abs(middle) * _LEAST_EXTENT / 2)
    half = half if half > _SMALLEST else 0.5
    low, high = middle - half, middle + half
    reach = 2 * half * _FAR
    near = [value for value in void if low - reach <= value <= high + reach]
    return Scale(low=min([low, *near]), high=max([high, *near]), margin=_MARGIN)


def _row(series: Series, *, y: int, label_height: int, scale: Scale, unit: Unit) -> Row:
    middle = y + label_height + LANE_HEIGHT / 2
    summary = summarize([sample for sample in series.samples if _is_drawable(sample)])
    return Row(
        label=series.label,
        note=_note(summary, series.samples, unit=unit),
        y=y,
        middle=middle,
        dots=tuple(
            _dot(sample, middle=middle, scale=scale, unit=unit) for sample in series.samples if _is_drawable(sample)
        ),
        interval=_interval(summary, scale=scale) if summary and summary.counted > 1 else None,
    )


def _dot(sample: Sample, *, middle: float, scale: Scale, unit: Unit) -> Dot:
    beyond: Literal["", "left", "right"] = ""
    if not scale.low <= sample.value <= scale.high:
        beyond = "left" if sample.value < scale.low else "right"
    title = f"{quantity(sample.value, unit)}: start {sample.start + 1}, repetition {sample.repetition + 1}"
    if _is_void(sample):
        title += f"\n{sample.verdict}: {one_line(sample.reason) or 'no reason was recorded'}"
    return Dot(
        x=scale.place(sample.value),
        y=middle if beyond else middle + _OFFSETS[sample.repetition % len(_OFFSETS)],
        is_void=_is_void(sample),
        beyond=beyond,
        title=title,
    )


def _interval(summary: Summary, *, scale: Scale) -> Interval:
    quartiles = None
    if summary.quartiles:
        quartiles = (scale.place(summary.quartiles[0]), scale.place(summary.quartiles[1]))
    return Interval(
        low=scale.place(summary.low),
        high=scale.place(summary.high),
        median=scale.place(summary.median),
        quartiles=quartiles,
    )


def _note(summary: Summary | None, samples: Sequence[Sample], *, unit: Unit) -> str:
    void = sum(_is_void(sample) for sample in samples)
    words = [f"{void} void"] if void else []
    if summary is None:
        return ", ".join(["no sample counts", *words])
    if summary.counted == 1:
        return ", ".join([quantity(summary.median, unit), *words])
    words.insert(0, f"median {quantity(summary.median, unit)}, {span(summary.low, summary.high, unit)}")
    return ", ".join(words)


def _axis_label(step: float, unit: Unit) -> Callable[[float], str]:
    """As many decimals as the step has, and no more."""
    decimals = next((digits for digits in range(9) if math.isclose(round(step, digits), step)), 9)

    def label(value: float) -> str:
        match unit:
            case "tokens/s" | "requests/s" | "ratio":
                return f"{value:,.{decimals}f}"
            case "seconds":
                return f"{value:,.{decimals}f} s"
            case "bytes":
                return size(value)
            case "joules/token":
                return f"{value:,.{decimals}f} J"

    return label


def _is_drawable(sample: Sample) -> bool:
    return math.isfinite(sample.value) and abs(sample.value) < _LARGEST


def _is_void(sample: Sample) -> bool:
    return sample.verdict is not Verdict.PASSED
