"""What a run knows of its cells so far: kept on disk after every step, drawn as reports at the end."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from datetime import UTC, datetime
from typing import Any

from bakehouse.model.cell import Cell, Excluded
from bakehouse.model.enums import Verdict, worst
from bakehouse.model.report import CellReport, ExcludedRecord, RunReport, TestResult
from bakehouse.pipeline.expectations import size_budget
from bakehouse.pipeline.run_folder import RunFolder
from bakehouse.reporters import json_file
from bakehouse.reporters.comparison import RunComparison
from bakehouse.reporters.registry import write_all
from bakehouse.system import atomic_write


class RunState:
    """The only writer of a run's cells."""

    def __init__(
        self,
        *,
        folder: RunFolder,
        run: RunReport,
        cells: Iterable[Cell],
        excluded: Iterable[Excluded],
        supplies: Callable[[Cell], Iterable[tuple[str, str]]] = lambda _: (),
    ) -> None:
        """Takes over what an interrupted run in the same folder had finished. `supplies`: kinds and names."""
        self.folder = folder
        earlier = folder.read_cells()
        self._cells = {
            cell.name: _resumed(earlier.get(cell.name)) or blank(cell, supplies=supplies(cell)) for cell in cells
        }
        self._run = run.model_copy(update={"excluded": [_excluded(item) for item in excluded]})

    def begin(self) -> None:
        """Leave a trace of the run before anything is done: one that is killed can then be resumed."""
        atomic_write.write(self.folder.path / json_file.file, json_file.render(self.report(), folder=self.folder.path))

    def todo(self, cells: Iterable[Cell]) -> list[Cell]:
        """Those that still have something to do."""
        return [cell for cell in cells if self._cells[cell.name].finished is None]

    def passed_so_far(self, cells: Iterable[Cell]) -> list[Cell]:
        return [cell for cell in self.todo(cells) if self._cells[cell.name].verdict is Verdict.PASSED]

    def __getitem__(self, name: str) -> CellReport:
        return self._cells[name]

    def update(self, name: str, **changes: Any) -> None:
        """Add what a step found out. The verdict follows from the parts, unless the step says otherwise."""
        cell = self._cells[name].model_copy(update=changes)
        if "verdict" not in changes:
            verdict, reason = conclude(cell)
            cell = cell.model_copy(update={"verdict": verdict, "reason": reason})
        self._cells[name] = cell
        self.folder.write_cell(cell)

    def finish(self, name: str) -> None:
        """Nothing more will be done for this cell."""
        self.update(name, finished=datetime.now(UTC))

    def finish_bad(self, cells: Iterable[Cell]) -> None:
        """Nothing more will be done for those that are not passed so far."""
        for cell in self.todo(cells):
            if self._cells[cell.name].verdict is not Verdict.PASSED:
                self.finish(cell.name)

    def cut_off(self) -> RunReport:
        """Draw the reports of a run that ends before its time. What is not finished has not passed."""
        for name, cell in self._cells.items():
            if cell.finished is None and cell.verdict is Verdict.PASSED:
                self.update(name, verdict=Verdict.ERRORED, reason="the run was cut off before everything was tried")
        return self.write()

    def report(self, *, finished: bool = False) -> RunReport:
        """The run as it stands."""
        cells = sorted(self._cells.values(), key=lambda cell: cell.name)
        return self._run.model_copy(
            update={
                "cells": cells,
                "verdict": worst([cell.verdict for cell in cells]),
                "finished": datetime.now(UTC) if finished else None,
            }
        )

    def write(self, *, finished: bool = False, versus: RunComparison | None = None) -> RunReport:
        """Draw every report."""
        run = self.report(finished=finished)
        write_all(run, self.folder.path, versus=versus)
        return run


OFFLOAD = "offload"
"""The probe that only an accelerator can answer."""


def conclude(cell: CellReport) -> tuple[Verdict, str]:
    """A cell's verdict and its reason from its parts, the earliest trouble first.

    A void measurement makes no cell bad: it is shown where the rate would stand. A passed cell with a reason is one
    that is not known to be wrong, and that has not been run on the device it is for.
    """
    if cell.build is None:
        return cell.verdict, cell.reason
    if cell.build.verdict is not Verdict.PASSED:
        return cell.build.verdict, f"build: {cell.build.reason}"
    for check in cell.checks:
        if check.verdict in (Verdict.FAILED, Verdict.ERRORED):
            return check.verdict, f"proof {check.name}: {check.message}"
    for wanted in (Verdict.FAILED, Verdict.ERRORED):
        if bad := next((test for test in cell.tests if test.verdict is wanted), None):
            return wanted, _words(bad)
    return Verdict.PASSED, _never_run(cell.tests)


def _never_run(tests: Sequence[TestResult]) -> str:
    """What was not run of an image that is not known to be wrong."""
    offload = [test for test in tests if test.probe == OFFLOAD]
    for of_these, words in ((tests, "built and proven, but never run"), (offload, "never run on its accelerator")):
        if of_these and all(test.verdict is Verdict.SKIPPED for test in of_these):
            return f"{words}: {_first_line(of_these[0].message)}"
    return ""


def _words(test: TestResult) -> str:
    return f"{test.name}: {_first_line(test.message) or test.verdict}"


def _first_line(text: str) -> str:
    return next(iter(text.strip().splitlines()), "")


def _resumed(cell: CellReport | None) -> CellReport | None:
    """An errored cell is tried again: what was wrong was not the image."""
    return cell if cell and cell.finished and cell.verdict.is_final else None


def blank(cell: Cell, *, supplies: Iterable[tuple[str, str]] = ()) -> CellReport:
    """Before anything is found out."""
    at = cell.at
    return CellReport(
        name=cell.name,
        recipe=at.recipe,
        accelerator=at.accelerator,
        toolkit=at.toolkit,
        arch=at.arch,
        flag_set=at.flag_set,
        platform=at.platform,
        archs=list(cell.archs),
        ptx=cell.ptx,
        driver_floor=cell.toolkit.driver_floor if cell.toolkit else None,
        driver_floor_minor=cell.toolkit.driver_floor_minor if cell.toolkit else None,
        size_budget=size_budget(cell),
        supplies=[f"{kind} {name}" for kind, name in supplies],
        verdict=Verdict.ERRORED,
        reason="the run ended before it was built",
    )


def _excluded(item: Excluded) -> ExcludedRecord:
    return ExcludedRecord(name=item.name, reason=item.reason, rule=item.rule, link=item.link, nearest=item.nearest)
