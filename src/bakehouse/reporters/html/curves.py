"""What a sweep tells: the throughput of all users together against the time that each of them waits."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Literal

from bakehouse.formatting import count, rate, seconds
from bakehouse.model.report import CellReport, Measurement, Metric
from bakehouse.reporters.figures import of_measurement
from bakehouse.reporters.html.scale import Scale, Tick, nice_step

_LEVEL = re.compile(r"^sweep-(\d+)u$")
"""Names of a sweep's levels are made in measure/workload_runs.py; the number of users stands nowhere else."""
HEIGHT = 190
_TOP, _BOTTOM = 30, 48
_MARGIN = 6.0
_HEADROOM = 1.08
Kind = Literal["p50", "p90"]
_PANELS: tuple[tuple[str, Metric, Metric], ...] = (
    ("Time to first token", "ttft", "ttft_p90"),
    ("Time between tokens", "itl", "itl_p90"),
)


@dataclass(frozen=True, kw_only=True, slots=True)
class Level:
    """One number of users: medians over the repetitions that count."""

    users: int
    rate: float | None
    times: tuple[float | None, ...]
    """In the order of `TIMES`; seconds."""
    void: int


TIMES: tuple[Metric, ...] = ("ttft", "ttft_p90", "itl", "itl_p90")


@dataclass(frozen=True, kw_only=True, slots=True)
class Spot:
    x: float
    """Per cent of the width."""
    y: float
    """Pixels."""
    users: int


@dataclass(frozen=True, kw_only=True, slots=True)
class Line:
    """In a box that is 1000 wide."""

    kind: Kind
    spots: tuple[Spot, ...]

    @property
    def path(self) -> str:
        return "M" + "L".join(f"{spot.x * 10:.0f} {spot.y:.0f}" for spot in self.spots)

    @property
    def marks(self) -> str:
        return "".join(f"M{spot.x * 10:.0f} {spot.y:.0f}h0" for spot in self.spots)


@dataclass(frozen=True, kw_only=True, slots=True)
class Panel:
    title: str
    lines: tuple[Line, ...]
    across: tuple[Tick, ...]
    up: tuple[tuple[float, str], ...]
    """Pixels to label."""
    description: str


@dataclass(frozen=True, kw_only=True, slots=True)
class Sweep:
    cell: str
    levels: tuple[Level, ...]
    panels: tuple[Panel, ...]


def sweep(cell: CellReport) -> Sweep | None:
    """None where the cell was not measured with several numbers of users."""
    by_users: dict[int, dict[Metric, Measurement]] = {}
    for measurement in cell.measurements:
        if found := _LEVEL.match(measurement.workload):
            by_users.setdefault(int(found[1]), {})[measurement.metric] = measurement
    if not by_users:
        return None
    levels = tuple(_level(users, by_users[users]) for users in sorted(by_users))
    panels = (_panel(title, TIMES.index(middle), TIMES.index(high), levels) for title, middle, high in _PANELS)
    return Sweep(cell=cell.name, levels=levels, panels=tuple(panel for panel in panels if panel))


def _level(users: int, found: dict[Metric, Measurement]) -> Level:
    def median(metric: Metric) -> float | None:
        summary = of_measurement(found[metric]) if metric in found else None
        return summary.median if summary else None

    system = found.get("system_rate")
    return Level(
        users=users,
        rate=median("system_rate"),
        times=tuple(median(metric) for metric in TIMES),
        void=len(system.samples) - len(system.counted) if system else 0,
    )


def _panel(title: str, middle: int, high: int, levels: Sequence[Level]) -> Panel | None:
    drawn = [level for level in levels if level.rate is not None and level.times[middle] is not None]
    if not drawn:
        return None
    across = Scale(low=0.0, high=_HEADROOM * max(level.rate or 0.0 for level in drawn), margin=_MARGIN)
    top = _HEADROOM * max(level.times[index] or 0.0 for level in drawn for index in (middle, high))
    step = nice_step(top)
    kinds: tuple[tuple[Kind, int], ...] = (("p90", high), ("p50", middle))
    marks = [number * step for number in range(1, int(top / step + 1e-9) + 1)] if top else []
    return Panel(
        title=title,
        lines=tuple(
            Line(kind=kind, spots=tuple(_spots(drawn, index, across=across, top=top)))
            for kind, index in kinds
            if any(level.times[index] is not None for level in drawn)
        ),
        across=across.ticks(nice_step(across.high), lambda value: f"{value:,g}"),
        up=tuple((_up(mark, top), seconds(mark)) for mark in marks),
        description=" ".join(
            f"{count(level.users, 'user')}: {rate(level.rate)} tokens/s, median {seconds(level.times[middle])}"
            + (f", 90 % {seconds(level.times[high])}." if level.times[high] is not None else ".")
            for level in drawn
        ),
    )


def _spots(levels: Sequence[Level], index: int, *, across: Scale, top: float) -> Iterable[Spot]:
    for level in levels:
        if (time := level.times[index]) is not None and level.rate is not None:
            yield Spot(x=across.place(level.rate), y=_up(time, top), users=level.users)


def _up(value: float, top: float) -> float:
    share = value / top if top else 0.0
    return round(HEIGHT - _BOTTOM - share * (HEIGHT - _BOTTOM - _TOP), 1)
