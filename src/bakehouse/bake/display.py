"""A build that a person can watch: a live table in a terminal, plain lines elsewhere."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime
from types import TracebackType
from typing import Self

from rich.console import Console, Group, RenderableType
from rich.live import Live
from rich.table import Table
from rich.text import Text

from bakehouse.bake.events import BuildState, Line, Vertex
from bakehouse.formatting import seconds as duration
from bakehouse.model.cell import Cell
from bakehouse.model.enums import Verdict
from bakehouse.model.report import BuildResult

COUNTER_PERIOD = 20.0
"""Seconds between two plain lines about one running compile."""

LABEL_WIDTH = 60

Clock = Callable[[], datetime]


def now() -> datetime:
    return datetime.now(UTC)


class LiveDisplay:
    """A table: one row a cell, and below it the steps that are running now."""

    def __init__(self, cells: Sequence[Cell], console: Console, *, clock: Clock = now) -> None:
        self._names = {cell.target: cell.name for cell in cells}
        self._clock = clock
        self._started = clock()
        self._state: BuildState | None = None
        self._settled: dict[str, Verdict] = {}
        self._live = Live(console=console, get_renderable=self._render, refresh_per_second=4, transient=True)

    def __enter__(self) -> Self:
        self._live.__enter__()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, value: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._live.__exit__(kind, value, trace)

    def update(self, state: BuildState, changed: list[Vertex], lines: list[Line]) -> None:  # noqa: ARG002 - drawn by the clock
        self._state = state

    def settle(self, results: Mapping[str, BuildResult]) -> None:
        self._settled |= {name: result.verdict for name, result in results.items()}

    def _render(self) -> RenderableType:
        table = Table.grid(padding=(0, 2))
        table.add_column(no_wrap=True)
        table.add_column(justify="right", no_wrap=True)
        table.add_column(no_wrap=True, overflow="ellipsis")
        state = self._state
        for target, name in self._names.items():
            steps = _watched(state.of(target)) if state else []
            settled = self._settled.get(name)
            table.add_row(Text(name, style="bold"), *(_end(settled) if settled else _progress(steps)))
        running = _watched(list(state.vertices.values())) if state else []
        rows = [self._running_row(vertex) for vertex in running if vertex.running]
        elapsed = duration((self._clock() - self._started).total_seconds())
        return Group(table, *rows, Text(f"building for {elapsed}", style="dim"))

    def _running_row(self, vertex: Vertex) -> Text:
        seconds = (self._clock() - vertex.started).total_seconds() if vertex.started else 0.0
        counter = f" {_bar(vertex.counter)} {vertex.counter[0]}/{vertex.counter[1]}" if vertex.counter else ""
        return Text.assemble(
            "  ", (label(vertex), "cyan"), counter, (f"  {duration(seconds)}", "dim"), overflow="ellipsis", no_wrap=True
        )


class PlainDisplay:
    """A line for each step that ends, and now and then one for a compile that takes long."""

    def __init__(
        self, cells: Sequence[Cell], say: Callable[[str], None], *, monotonic: Callable[[], float] = time.monotonic
    ) -> None:
        self._total = len(cells)
        self._say = say
        self._monotonic = monotonic
        self._told: set[str] = set()
        self._spoke_at: dict[str, float] = {}

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, value: BaseException | None, trace: TracebackType | None
    ) -> None:
        pass

    def update(self, state: BuildState, changed: list[Vertex], lines: list[Line]) -> None:  # noqa: ARG002 - the protocol's shape
        for vertex in changed:
            if vertex.completed and not vertex.internal and vertex.digest not in self._told and not vertex.cached:
                self._told.add(vertex.digest)
                if vertex.failure:
                    self._say(f"{label(vertex)}: failed")
                elif not vertex.error and vertex.seconds >= 1.0:
                    self._say(f"{label(vertex)}: {duration(vertex.seconds)}")
        for vertex in {line.vertex.digest: line.vertex for line in lines}.values():
            self._count(vertex)

    def settle(self, results: Mapping[str, BuildResult]) -> None:
        for name, result in results.items():
            if result.verdict is not Verdict.PASSED and len(results) < self._total:
                self._say(f"{name}: {result.verdict}; the other cells go on")

    def _count(self, vertex: Vertex) -> None:
        if vertex.counter is None:
            return
        moment = self._monotonic()
        if moment - self._spoke_at.setdefault(vertex.digest, moment) >= COUNTER_PERIOD:
            self._spoke_at[vertex.digest] = moment
            self._say(f"{label(vertex)}: {vertex.counter[0]}/{vertex.counter[1]}")


def display(cells: Sequence[Cell], console: Console, say: Callable[[str], None]) -> LiveDisplay | PlainDisplay:
    """The live one where somebody looks."""
    return LiveDisplay(cells, console) if console.is_terminal else PlainDisplay(cells, say)


def _watched(vertices: list[Vertex]) -> list[Vertex]:
    return [vertex for vertex in vertices if not vertex.internal]


def _end(verdict: Verdict) -> tuple[RenderableType, RenderableType]:
    good = verdict is Verdict.PASSED
    return Text("done" if good else verdict, style="green" if good else "red"), ""


def _progress(steps: list[Vertex]) -> tuple[RenderableType, RenderableType]:
    done = [vertex for vertex in steps if vertex.completed]
    cached = sum(vertex.cached for vertex in done)
    running = [vertex for vertex in steps if vertex.running]
    if not steps:
        return Text("waiting", style="dim"), ""
    share = f"{len(done)}/{len(steps)} steps" + (f", {cached} cached" if cached else "")
    if any(vertex.failure for vertex in steps):
        return Text("failed", style="red"), share
    if len(done) == len(steps):
        return Text("done", style="green"), share
    return Text("running" if running else "waiting", style="cyan" if running else "dim"), share


def label(vertex: Vertex) -> str:
    """`host 1/1  cmake -S /src ...`: the stage and the beginning of what it does."""
    if not vertex.stage:
        return " ".join(vertex.name.split())[:70]
    stage, _, command = vertex.name.removeprefix("[").partition("] ")
    return f"{stage}  {_short(command)}"


def _short(command: str) -> str:
    """What a RUN does, without its mounts and its network preamble."""
    words = [word for word in command.split() if not word.startswith("--mount=")]
    text = " ".join(words).removeprefix("RUN ")
    text = text.partition("fi && ")[2] or text if text.startswith("if [") else text
    if "apt-get install" in text:
        packages = [
            word for word in text.partition("apt-get install")[2].partition(" && ")[0].split() if "=" not in word
        ]
        return " ".join(["install", *(word for word in packages if not word.startswith("-"))])[:LABEL_WIDTH]
    for interesting in ("cmake --build", "cc -", "COPY", "ADD"):
        if (at := text.find(interesting)) >= 0:
            text = text[at:]
            break
    _, compiles, targets = text.partition("cmake --build /build --target ")
    return (f"compile {targets}" if compiles else text).partition(" && ")[0][:LABEL_WIDTH]


def _bar(counter: tuple[int, int], width: int = 20) -> str:
    filled = round(width * counter[0] / max(1, counter[1]))
    return "━" * filled + "╌" * (width - filled)
