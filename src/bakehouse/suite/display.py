"""A running image suite that a person can watch: a line a cell in a terminal, a line an event elsewhere."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from pathlib import Path
from types import TracebackType
from typing import Self

from rich.console import Console, Group, RenderableType
from rich.live import Live
from rich.table import Table
from rich.text import Text

from bakehouse.model.enums import Verdict
from bakehouse.model.report import TestResult
from bakehouse.suite.progress import PaceOfTest, Progress
from bakehouse.suite.results import planned

BAD = (Verdict.FAILED, Verdict.ERRORED)
BAR = 24
SILENCE = 30.0
"""Seconds after which somebody who reads a log hears how far a measurement is."""


class SuiteDisplay:
    """Counts results. Bad ones are printed at once, in a line. `run_folders`: of each machine that tests."""

    def __init__(
        self,
        cells: list[str],
        *,
        run_folders: Sequence[Path],
        console: Console,
        say: Callable[[str], None],
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._run_folders = run_folders
        self._say = say
        self._results: dict[str, list[TestResult]] = {cell: [] for cell in cells}
        self._total: dict[str, int] = {}
        self._clock = clock
        self._paces: dict[str, PaceOfTest] = {}
        self._said_at = clock()
        self._live = Live(console=console, get_renderable=self._render, refresh_per_second=4, transient=True)
        self._shown = console.is_terminal

    def __enter__(self) -> Self:
        if self._shown:
            self._live.__enter__()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, value: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._shown:
            self._live.__exit__(kind, value, trace)

    def add(self, cell: str, result: TestResult) -> None:
        """One more test has ended."""
        results = self._results.setdefault(cell, [])
        results.append(result)
        self._paces.pop(cell, None)
        if result.verdict in BAD:
            first = result.message.strip().splitlines()
            self._say(f"{cell}: {result.name}: {result.verdict}{': ' + first[0] if first else ''}")
        if len(results) == self._planned(cell):
            good = sum(one.verdict is Verdict.PASSED for one in results)
            skipped = sum(one.verdict is Verdict.SKIPPED for one in results)
            aside = f", {skipped} skipped" if skipped else ""
            self._say(f"{cell}: {good} of {len(results)} tests passed{aside}")

    def measuring(self, progress: Progress) -> None:
        """A measurement began, or one more of its starts has ended."""
        now, pace = self._clock(), self._paces.get(progress.cell)
        if pace is None or not progress.done:
            self._paces[progress.cell] = pace = PaceOfTest(latest=progress, at=now)
        else:
            pace.take(progress, now)
        if not self._shown and now - self._said_at >= SILENCE:
            self._say(f"{progress.cell}: {pace.describe(now)}")
            self._said_at = now

    def _planned(self, cell: str) -> int | None:
        """How many tests the cell has; None until pytest has collected them."""
        if cell not in self._total:
            tests = [test for folder in self._run_folders for test in planned(folder) if test.cell == cell]
            self._total |= {cell: len(tests)} if tests else {}
        return self._total.get(cell)

    def _render(self) -> RenderableType:
        table = Table.grid(padding=(0, 2))
        last = ""
        for cell, results in self._results.items():
            total = self._planned(cell) or 0
            bad = any(one.verdict in BAD for one in results)
            filled = BAR * len(results) // total if total else 0
            bar = Text("━" * filled + "╌" * (BAR - filled), style="red" if bad else "green")
            pace = self._paces.get(cell)
            doing = pace.describe(self._clock()) if pace else ""
            table.add_row(
                Text(cell, style="bold"), bar, f"{len(results)}/{total or '?'} tests", Text(doing, style="cyan")
            )
            last = results[-1].name if results else last
        return Group(table, Text(f"testing; the last to end was {last}" if last else "starting the suite", style="dim"))
