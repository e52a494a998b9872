"""Adds a run's measurements to the history, and compares them with it.

If that fails, the run does not: the reason is reported, and the run's folder holds everything.
"""

from __future__ import annotations

from collections.abc import Callable, Collection
from dataclasses import dataclass, field
from pathlib import Path

from bakehouse.engine.devices import CPU, SOFTWARE
from bakehouse.errors import InfrastructureError
from bakehouse.history import terms
from bakehouse.history.baseline import Compared, compare, read_decisions
from bakehouse.history.collect import Collected, collect, keep_new
from bakehouse.history.journal import Problems
from bakehouse.history.rows import rows_of_cell
from bakehouse.machine import Machine
from bakehouse.model.enums import Change, Verdict
from bakehouse.model.history import Decision, Hardware, Row
from bakehouse.model.report import CellReport, Host, RunReport
from bakehouse.reporters.comparison import RunComparison

HISTORY, BASELINES = "history", "baselines"
"""Folders in `reports`."""
_SHOWN = 3


@dataclass(kw_only=True, slots=True)
class HistoryWriter:
    """Writes the measurements of one run."""

    reports: Path
    machine: Machine
    revisions: dict[str, str]
    """Commit of the engine by cell, for images whose labels were not read (bench proves nothing)."""
    say: Callable[[str], None]
    elsewhere: dict[str, Machine] = field(default_factory=dict)
    """By cell: the machine that tested it, where that was another one."""
    _kept: set[str] = field(default_factory=set, init=False)

    def keep(self, run: RunReport) -> None:
        """Add what its finished cells measured. What is there already (of the same run, cut off) is not added."""
        for cell in run.cells:
            if cell.finished is None or not is_kept(cell) or cell.name in self._kept:
                continue
            try:
                keep_new(self.reports / HISTORY, self._rows(run, cell))
                self._kept.add(cell.name)
            except (InfrastructureError, OSError) as error:
                self.say(f"{cell.name}: its measurements were not added to the history: {error}")

    def compare(self, run: RunReport) -> RunComparison | None:
        """The run compared with what was measured before it. None: the history cannot be read, which is reported."""
        candidate = Collected()
        cells = [cell for cell in run.cells if is_kept(cell)]
        for cell in cells:
            for row in self._rows(run, cell):
                candidate.add(row.model_dump(mode="json"))
        try:
            history, decisions = read_history(self.reports, {cell.name for cell in cells}, say=self.say)
        except OSError as error:
            self.say(f"nothing was compared: {_unreadable(error)}")
            return None
        return compare_with_history(compare(candidate, history, run=run.run, decisions=decisions))

    def _rows(self, run: RunReport, cell: CellReport) -> list[Row]:
        known = {"revision": self.revisions.get(cell.name, "")}
        rows = rows_of_cell(
            run, cell, hardware_of(cell, run.host_of(cell), self.elsewhere.get(cell.name, self.machine))
        )
        return [row if row.revision else row.model_copy(update=known) for row in rows]


def is_kept(cell: CellReport) -> bool:
    """An image that is wrong may be as fast as it likes: it is no baseline, and is compared with none."""
    return bool(cell.measurements) and cell.verdict is Verdict.PASSED


def hardware_of(cell: CellReport, host: Host, machine: Machine) -> Hardware:
    """What a cell was measured on. A card that did not compute, and its driver, do not matter to the processor."""
    said = (measurement.settings.get("device") for measurement in cell.measurements)
    device = next((str(name) for name in said if name), CPU.name)
    cards = tuple(card for card in machine.cards if card.name == device)[:1]
    if device in (CPU.name, SOFTWARE):
        host = host.model_copy(update={"gpus": []})
    return terms.hardware(host, cards, device=device, is_software=device == SOFTWARE)


def read_history(
    reports: Path, cells: Collection[str], *, say: Callable[[str], None]
) -> tuple[Collected, list[Decision]]:
    """Rows of these cells, and what people decided. Bad lines are reported, not raised. Raises OSError."""
    problems = Problems()
    decisions = read_decisions(reports / BASELINES, problems)
    history = collect(reports / HISTORY, cells=cells)
    shown = [*problems.shown, *history.problems.shown]
    for problem in shown[:_SHOWN]:
        say(str(problem))
    if (more := problems.count + history.problems.count - min(len(shown), _SHOWN)) > 0:
        say(f"and {more} more such lines in {reports / HISTORY}")
    return history, decisions


def recall(reports: Path, run: RunReport, *, say: Callable[[str], None]) -> RunComparison | None:
    """A run that was kept, beside what was measured before it. None: it was not, or the history cannot be read."""
    try:
        history, decisions = read_history(reports, {cell.name for cell in run.cells if is_kept(cell)}, say=say)
    except OSError as error:
        say(f"nothing was compared: {_unreadable(error)}")
        return None
    found = compare(history, history, run=run.run, decisions=decisions)
    return compare_with_history(found) if found else None


def compare_with_history(compared: list[Compared]) -> RunComparison:
    """For the reports. A first run is beside nothing, which one line says as well as one for each metric."""
    if all(one.baseline.missing and not one.baseline.is_pinned for one in compared):
        whys = {one.baseline.missing for one in compared if one.judged.verdict is Change.INCONCLUSIVE}
        if whys:
            words = "; ".join(sorted(why.removeprefix("the history has ") for why in whys)[:2])
            return RunComparison(baseline=f"the history ({words})", compared=())
    return RunComparison(baseline="the history", compared=compared)


def _unreadable(error: OSError) -> str:
    return f"{error.filename} cannot be read: {error.strerror}"
