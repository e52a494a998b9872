"""Strip plots: every raw sample as a dot on one axis, in a row for each container start or each cell."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Literal

from bakehouse.formatting import quantity, size, span
from bakehouse.model.enums import Verdict
from bakehouse.model.field_types import Unit
from bakehouse.model.report import Sample
from bakehouse.reporters.figures import LARGEST, Summary, summarize
from bakehouse.reporters.html.scale import Scale, Tick, nice_step
from bakehouse.stats.interval import MedianInterval, interval

LINE_HEIGHT, LANE_HEIGHT, AXIS_HEIGHT = 17, 30, 26
_MARGIN = 3.0
_LEAST_EXTENT = 0.08
"""Of the middle value: an axis never shows less, so that a noise of 0.5 % does not look like a cliff."""
_FAR = 1.5
"""A void sample further off than this many extents sits on the axis's end and says so."""
_SMALLEST = 1e-9
"""Differences below it are none, in any unit of ours."""
_OFFSETS = (0, -5, 5, -8, 8)
"""Pixels up or down: by container start where a row has several, which shows what differs between them; otherwise by
repetition, so that equal values are seen as several."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Dot:
    x: float
    y: float
    is_void: bool
    beyond: Literal["", "left", "right"]
    """It lies outside the axis, on this side."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Interval:
    """A summary on the axis."""

    low: float
    high: float
    median: float
    known: tuple[float, float] | None
    """Where the median lies with 95 % confidence."""


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
    whole: Interval | None
    """Of all rows together, where they are starts of one cell."""
    ticks: tuple[Tick, ...]
    description: str

    def marks(self, *, void: bool) -> str:
        """The dots as one path of points, in a box that is 1000 wide: many dots in few characters."""
        return "".join(
            f"M{dot.x * 10:.0f} {dot.y:.0f}h0"
            for row in self.rows
            for dot in row.dots
            if dot.is_void is void and not dot.beyond
        )


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
        whole=None if is_stacked else _whole(series, scale=scale),
        ticks=scale.ticks(step, _axis_label(step, unit)),
        description=" ".join(f"{row.label}: {row.note}." for row in rows),
    )


def _whole(series: Sequence[Series], *, scale: Scale) -> Interval | None:
    samples = [sample for row in series for sample in row.samples if _is_drawable(sample)]
    summary, known = summarize(samples), interval(samples)
    return _interval(summary, known, scale=scale) if summary and known else None


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
    drawable = [sample for sample in series.samples if _is_drawable(sample)]
    summary, known = summarize(drawable), interval(drawable)
    starts = {sample.start for sample in drawable}
    return Row(
        label=series.label,
        note=_note(summary, known, series.samples, unit=unit),
        y=y,
        middle=middle,
        dots=tuple(
            _dot(sample, middle=middle, offset=sample.start if len(starts) > 1 else sample.repetition, scale=scale)
            for sample in series.samples
            if _is_drawable(sample)
        ),
        interval=_interval(summary, known, scale=scale) if summary and summary.counted > 1 else None,
    )


def _dot(sample: Sample, *, middle: float, offset: int, scale: Scale) -> Dot:
    beyond: Literal["", "left", "right"] = ""
    rounding = 1e-9 * (scale.high - scale.low)
    if not scale.low - rounding <= sample.value <= scale.high + rounding:
        beyond = "left" if sample.value < scale.low else "right"
    return Dot(
        x=scale.place(sample.value),
        y=middle if beyond else middle + _OFFSETS[offset % len(_OFFSETS)],
        is_void=_is_void(sample),
        beyond=beyond,
    )


def _interval(summary: Summary, known: MedianInterval | None, *, scale: Scale) -> Interval:
    return Interval(
        low=scale.place(summary.low),
        high=scale.place(summary.high),
        median=scale.place(summary.median),
        known=(scale.place(known.low), scale.place(known.high)) if known else None,
    )


def _note(summary: Summary | None, known: MedianInterval | None, samples: Sequence[Sample], *, unit: Unit) -> str:
    void = sum(_is_void(sample) for sample in samples)
    words = [f"{void} void"] if void else []
    if summary is None:
        return ", ".join(["no sample counts", *words])
    if summary.counted == 1:
        return ", ".join([quantity(summary.median, unit), *words])
    reach = f"95 %: {span(known.low, known.high, unit)}" if known else span(summary.low, summary.high, unit)
    words.insert(0, f"median {quantity(summary.median, unit)}, {reach}")
    return ", ".join(words)


def _axis_label(step: float, unit: Unit) -> Callable[[float], str]:
    """As many decimals as the step has, and no more."""
    decimals = next((digits for digits in range(9) if math.isclose(round(step, digits), step)), 9)

    def label(value: float) -> str:
        match unit:
            case "seconds":
                return f"{value:,.{decimals}f} s"
            case "bytes":
                return size(value)
            case _ if unit.startswith("joules/"):
                return f"{value:,.{decimals}f} J"
            case _:
                return f"{value:,.{decimals}f}"

    return label


def _is_drawable(sample: Sample) -> bool:
    return math.isfinite(sample.value) and abs(sample.value) < LARGEST


def _is_void(sample: Sample) -> bool:
    return sample.verdict is not Verdict.PASSED
