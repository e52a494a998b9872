"""A build as a timeline: a lane for each stage, a bar for each step that ran, a mark for each that was cached."""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Literal

from bakehouse.formatting import count, round_seconds, seconds
from bakehouse.model.report import Step
from bakehouse.reporters.html.scale import Scale, Tick, nice_seconds
from bakehouse.reporters.text import one_line

Kind = Literal["executed", "cached", "failed"]

_VERTEX = re.compile(r"^\[(?P<where>[^\]]*)\]\s*(?P<what>.*)$", re.DOTALL)
_NUMBER = re.compile(r"\s*\b\d+/\d+$")
_PLATFORM = re.compile(r"^[a-z0-9]+/[a-z0-9]+(?:/v\d+)?$")
_SHELL = re.compile(r"^(RUN\s+)?(/bin/(?:ba|da)?sh\s+-\w+\s+)?")
_MOUNT = re.compile(r"--(?:mount|network|security)=\S+\s+")

LABEL_HEIGHT, BAR_HEIGHT, GAP, AXIS_HEIGHT = 18, 18, 3, 24
_LEAST_WIDTH = 0.35
"""Per cent: a step of no length is still seen."""
_TOLERANCE = 0.05
"""Seconds: steps that overlap by less follow one another."""
_LABEL_FROM = 7.0
"""Per cent: a narrower bar bears no words."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Row:
    """A step as the table and the timeline name it."""

    stage: str
    what: str
    full: str
    kind: Kind
    seconds: float
    ran: bool
    """Whether it has a start and an end."""
    error: str


@dataclass(frozen=True, kw_only=True, slots=True)
class Bar:
    x: float
    y: int
    width: float
    kind: Kind
    label: str
    """Empty where the bar is too narrow."""
    title: str


@dataclass(frozen=True, kw_only=True, slots=True)
class Stage:
    name: str
    note: str
    y: int
    bars: tuple[Bar, ...]


@dataclass(frozen=True, kw_only=True, slots=True)
class Timeline:
    height: int
    stages: tuple[Stage, ...]
    ticks: tuple[Tick, ...]
    description: str
    """For those who do not see it."""

    @property
    def shows_cached(self) -> bool:
        return self._shows("cached")

    @property
    def shows_failed(self) -> bool:
        return self._shows("failed")

    def _shows(self, kind: Kind) -> bool:
        return any(bar.kind == kind for stage in self.stages for bar in stage.bars)


def rows(steps: Iterable[Step], *, target: str) -> tuple[Row, ...]:
    """In the order of their start; those that never started come last."""
    return tuple(_row(step, target=target) for step in sorted(steps, key=_start_or_end_of_time))


def timeline(steps: list[Step], *, target: str) -> Timeline | None:
    """None where no step has both a start and an end."""
    timed = sorted((step for step in steps if step.started and step.completed), key=_start_or_end_of_time)
    if not timed:
        return None
    zero = _utc(timed[0].started)
    end = max(max(_utc(step.completed), _utc(step.started)) for step in timed)
    extent = max((end - zero).total_seconds(), 1e-3)
    scale = Scale(low=0.0, high=extent)
    by_stage: dict[str, list[Step]] = defaultdict(list)
    for step in timed:
        by_stage[split(step.name, target=target)[0]].append(step)
    stages: list[Stage] = []
    y = AXIS_HEIGHT
    for name, members in by_stage.items():
        stage, y = _stage(name, members, y=y, zero=zero, scale=scale, target=target)
        stages.append(stage)
    return Timeline(
        height=y,
        stages=tuple(stages),
        ticks=scale.ticks(nice_seconds(extent), round_seconds),
        description=f"{count(len(timed), 'step')} in {count(len(stages), 'stage')} over {seconds(extent)}. "
        + " ".join(f"{stage.name}: {stage.note}." for stage in stages),
    )


def split(name: str, *, target: str) -> tuple[str, str]:
    """BuildKit's name of a vertex as (stage, instruction): `[host 3/7] RUN cmake` gives (`host`, `RUN cmake`).

    Bake puts its target before the stage, and a build for several platforms puts the platform there.
    """
    match = _VERTEX.match(name)
    if match is None:
        return "engine", name
    words = _NUMBER.sub("", match["where"]).split()
    words = [word for word in words if word != target and not _PLATFORM.match(word)]
    return " ".join(words) or "stage", match["what"] or name


def shorten(what: str, *, most: int = 120) -> str:
    """An instruction without its mounts and its shell."""
    words = one_line(what, most=10_000)
    bare = _SHELL.sub(lambda found: "RUN " if found[1] else "", _MOUNT.sub("", words), count=1)
    return one_line(bare, most=most)


def _row(step: Step, *, target: str) -> Row:
    stage, what = split(step.name, target=target)
    return Row(
        stage=stage,
        what=shorten(what),
        full=step.name,
        kind=_kind(step),
        seconds=step.seconds,
        ran=step.started is not None and step.completed is not None,
        error=step.error,
    )


def _stage(name: str, members: list[Step], *, y: int, zero: datetime, scale: Scale, target: str) -> tuple[Stage, int]:
    """The stage's label and, below it, as many lanes as its steps overlap; and the y after it.

    A stage that came from the cache as a whole took no time: it is a line of words.
    """
    if all(step.cached for step in members):
        note = f"{count(len(members), 'step')} from the cache"
        return Stage(name=name, note=note, y=y, bars=()), y + LABEL_HEIGHT + 2 * GAP
    ends: list[float] = []
    bars: list[Bar] = []
    for step in members:
        start = (_utc(step.started) - zero).total_seconds()
        end = max(start, start + step.seconds)
        x = min(scale.place(start), 100 - _LEAST_WIDTH)
        width = max(scale.place(end) - x, _LEAST_WIDTH)
        lane = next((index for index, taken in enumerate(ends) if taken <= start + _TOLERANCE), len(ends))
        ends[lane : lane + 1] = [end]
        what = shorten(split(step.name, target=target)[1])
        kind = _kind(step)
        bars.append(
            Bar(
                x=x,
                y=y + LABEL_HEIGHT + lane * (BAR_HEIGHT + GAP),
                width=round(width, 3),
                kind=kind,
                label=what if width >= _LABEL_FROM else "",
                title=f"{what}\n{kind}, {seconds(step.seconds)}, {seconds(start)} after the first step"
                + (f"\n{one_line(step.error)}" if step.error else ""),
            )
        )
    total = sum(step.seconds for step in members)
    cached = sum(step.cached for step in members)
    note = f"{count(len(members), 'step')}, {seconds(total)}" + (f", {cached} cached" if cached else "")
    after = y + LABEL_HEIGHT + len(ends) * (BAR_HEIGHT + GAP) + GAP
    return Stage(name=name, note=note, y=y, bars=tuple(bars)), after


def _kind(step: Step) -> Kind:
    return "failed" if step.error else "cached" if step.cached else "executed"


def _utc(moment: datetime | None) -> datetime:
    if moment is None:
        return datetime.max.replace(tzinfo=UTC)
    return moment.replace(tzinfo=UTC) if moment.tzinfo is None else moment


def _start_or_end_of_time(step: Step) -> datetime:
    return _utc(step.started)
