"""How long a container takes to become useful: a bar for each cell, in the stages it goes through."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from bakehouse.formatting import round_seconds, seconds
from bakehouse.model.report import CellReport
from bakehouse.reporters.figures import of_measurement
from bakehouse.reporters.html.scale import Scale, Tick, nice_seconds

ROW, AXIS = 54, 26
STAGES = (
    ("create", "created"),
    ("port_open", "port open"),
    ("time_to_healthy", "healthy"),
    ("first_token", "first token"),
    ("steady", "steady"),
    ("first_answer", "first answer"),
)
"""Metric to what it says, in the order in which they come. All but `create` are measured from the container's start."""
_CREATE = 0


@dataclass(frozen=True, kw_only=True, slots=True)
class Piece:
    stage: int
    """Its place in `STAGES`."""
    x: float
    width: float


@dataclass(frozen=True, kw_only=True, slots=True)
class Bar:
    cell: str
    note: str
    """`45.2 ms + 309 ms, 614 ms, 752 ms`: in the order of the stages, as the legend names them."""
    words: str
    """The same with the names of the stages."""
    y: int
    pieces: tuple[Piece, ...]


@dataclass(frozen=True, kw_only=True, slots=True)
class ColdStarts:
    height: int
    bars: tuple[Bar, ...]
    ticks: tuple[Tick, ...]
    legend: tuple[tuple[int, str], ...]
    description: str


def cold_starts(cells: Sequence[CellReport]) -> ColdStarts | None:
    """Medians over the starts. None where none was measured."""
    found = [(cell.name, moments) for cell in cells if (moments := _moments(cell))]
    if not found:
        return None
    longest = max(moment for _, moments in found for _, moment in _since_asked(moments))
    scale = Scale(low=0.0, high=longest or 1.0)
    bars = tuple(_bar(name, moments, number * ROW, scale) for number, (name, moments) in enumerate(found))
    seen = {stage for _, moments in found for stage, _ in moments}
    return ColdStarts(
        height=len(bars) * ROW + AXIS,
        bars=bars,
        ticks=scale.ticks(nice_seconds(scale.high), round_seconds),
        legend=tuple((stage, STAGES[stage][1]) for stage in sorted(seen)),
        description=" ".join(f"{bar.cell}: {bar.words}." for bar in bars),
    )


def _moments(cell: CellReport) -> list[tuple[int, float]]:
    """Stage to seconds since the start."""
    by_metric = {str(one.metric): one for one in cell.measurements if one.workload == "start"}
    moments = []
    for stage, (metric, _) in enumerate(STAGES):
        summary = of_measurement(by_metric[metric]) if metric in by_metric else None
        if summary:
            moments.append((stage, max(0.0, summary.median)))
    return moments


def _since_asked(moments: Sequence[tuple[int, float]]) -> list[tuple[int, float]]:
    """Seconds since the engine was asked to make the container."""
    create = dict(moments).get(_CREATE, 0.0)
    return [(stage, moment if stage == _CREATE else create + moment) for stage, moment in moments]


def _bar(name: str, moments: list[tuple[int, float]], y: int, scale: Scale) -> Bar:
    pieces, done = [], 0.0
    for stage, moment in _since_asked(moments):
        x, end = scale.place(done), scale.place(max(done, moment))
        pieces.append(Piece(stage=stage, x=x, width=round(end - x, 3)))
        done = max(done, moment)
    return Bar(
        cell=name,
        note=_note([seconds(moment) for _, moment in moments], has_create=moments[0][0] == _CREATE),
        words=", ".join(f"{STAGES[stage][1]} {seconds(moment)}" for stage, moment in moments),
        y=y,
        pieces=tuple(pieces),
    )


def _note(times: Sequence[str], *, has_create: bool) -> str:
    if not has_create:
        return ", ".join(times)
    return " + ".join(part for part in (times[0], ", ".join(times[1:])) if part)
