"""What a sweep tells: the rate of all users, or of larger batches, against the time that one request waits."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

from bakehouse.formatting import rate, seconds
from bakehouse.model.enums import Grade
from bakehouse.model.report import CellReport, Measurement, Metric
from bakehouse.reporters import grades, limits, work
from bakehouse.reporters.figures import of_measurement
from bakehouse.reporters.html.scale import Scale, Tick, nice_step

_LEVEL = re.compile(r"^sweep-(\d+)u$")
"""Names of a sweep's levels are made in measure/workload_runs.py; the number of users is recorded nowhere else."""
HEIGHT = 190
_TOP, _BOTTOM = 30, 48
_MARGIN = 6.0
_HEADROOM = 1.08
Kind = Literal["p50", "p90"]


@dataclass(frozen=True, kw_only=True, slots=True)
class Kinds:
    """What is drawn of a sweep: the rate against some times."""

    rate: Metric
    times: tuple[Metric, ...]
    """Each with its 90th percentile after it."""
    panels: tuple[str, ...]
    """A title for each pair of times."""
    heads: tuple[str, ...]
    """Of the table, for each time."""


TOKENS = Kinds(
    rate="system_rate",
    times=("ttft", "ttft_p90", "itl", "itl_p90"),
    panels=("Time to first token", "Time between tokens"),
    heads=("First token", "90 %", "Between tokens", "90 %"),
)
WORK = Kinds(
    rate="work_rate", times=("latency", "latency_p90"), panels=("Time to the whole answer",), heads=("Answer", "90 %")
)


@dataclass(frozen=True, kw_only=True, slots=True)
class Level:
    """One number of users, or one size of batch: medians over the repetitions that count."""

    users: int
    rate: float | None
    times: tuple[float | None, ...]
    """In the order of the sweep's; seconds."""
    void: int
    interval: str = ""
    """In which the rate lies: `12.3 to 24.0`."""
    is_noisy: bool = False
    share: str = ""
    """Of what the device allows: `2.4 %`; empty where it is unknown."""


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
    title: str
    """What of the cell; empty where that says enough."""
    who: str
    """What the levels count: `users`."""
    unit: str
    """Of the rate."""
    heads: tuple[str, ...]
    levels: tuple[Level, ...]
    panels: tuple[Panel, ...]

    @property
    def has_limits(self) -> bool:
        return any(level.share for level in self.levels)


def sweeps(cell: CellReport) -> Iterator[Sweep]:
    """Of tokens by users; of each task of other work by clients and by sizes of batch."""
    by_users: dict[int, _Taken] = {}
    for measurement in cell.measurements:
        if found := _LEVEL.match(measurement.workload):
            by_users.setdefault(int(found[1]), {})[measurement.metric] = measurement
    if by_users:
        yield _sweep(cell, by_users, TOKENS, title="", who="users")
    for task in dict.fromkeys(map(work.task_of, work.rates(cell))):
        for by, who in (("clients", "clients"), ("batch", "inputs in a request")):
            if len(levels := _of_work(cell, task, by)) > 1:
                yield _sweep(cell, levels, WORK, title=task, who=who)


_Taken = dict[Metric, Measurement]


def _of_work(cell: CellReport, task: str, by: str) -> dict[int, _Taken]:
    """The levels that differ in one thing only: in the number of clients, or in the size of a batch."""
    other = "batch" if by == "clients" else "clients"
    taken = [one for one in cell.measurements if work.task_of(one) == task and "clients" in one.settings]
    found: dict[int, _Taken] = {}
    for one in taken:
        if one.settings.get(other) == taken[0].settings.get(other):
            found.setdefault(int(one.settings[by]), {})[one.metric] = one
    return found


def _sweep(cell: CellReport, taken: Mapping[int, _Taken], kinds: Kinds, *, title: str, who: str) -> Sweep:
    levels = tuple(_level(number, taken[number], kinds) for number in sorted(taken))
    rates = [found[kinds.rate] for found in taken.values() if kinds.rate in found]
    unit = rates[0].unit if rates else ""
    panels = (_panel(name, 2 * number, levels, unit=unit, who=who) for number, name in enumerate(kinds.panels))
    return Sweep(
        cell=cell.name,
        title=title,
        who=who,
        unit=unit,
        heads=kinds.heads,
        levels=levels,
        panels=tuple(panel for panel in panels if panel),
    )


def _level(users: int, found: _Taken, kinds: Kinds) -> Level:
    def median(metric: Metric) -> float | None:
        summary = of_measurement(found[metric]) if metric in found else None
        return summary.median if summary else None

    whole = found.get(kinds.rate)
    return Level(
        users=users,
        rate=median(kinds.rate),
        times=tuple(median(metric) for metric in kinds.times),
        void=len(whole.samples) - len(whole.counted) if whole else 0,
        interval=grades.bounds(whole) if whole else "",
        is_noisy=whole is not None and whole.grade is Grade.NOISY,
        share=limits.percent(part) if whole and (part := limits.share(whole)) is not None else "",
    )


def _panel(title: str, middle: int, levels: Sequence[Level], *, unit: str, who: str) -> Panel | None:
    """`middle`: the place of the median among a level's times; after it comes the 90th percentile."""
    high = middle + 1
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
            f"{level.users:,} {who}: {rate(level.rate)} {unit}, median {seconds(level.times[middle])}"
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
