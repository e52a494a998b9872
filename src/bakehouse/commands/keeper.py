"""A run's measurements on their way into the history.

A run that fails to keep them is no failed run: what went wrong is said, and the run's folder holds everything.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

from bakehouse.engine.devices import CPU, SOFTWARE
from bakehouse.errors import InfrastructureError
from bakehouse.history import terms
from bakehouse.history.collect import keep_new
from bakehouse.history.rows import rows_of_cell
from bakehouse.machine import Machine
from bakehouse.model.history import Hardware, Row
from bakehouse.model.report import CellReport, Host, RunReport
from bakehouse.model.words import Verdict

HISTORY = "history"
"""Folder in `reports`."""


@dataclass(kw_only=True, slots=True)
class Keeper:
    """Of one run."""

    reports: Path
    machine: Machine
    revisions: dict[str, str]
    """Commit of the engine by cell, for images whose labels nobody has read (bench proves nothing)."""
    say: Callable[[str], None]
    _kept: set[str] = field(default_factory=set, init=False)

    def keep(self, run: RunReport) -> None:
        """Add what its finished cells measured. What stands there already (of the same run, cut off) is not added."""
        for cell in run.cells:
            if cell.finished is None or not is_kept(cell) or cell.name in self._kept:
                continue
            try:
                keep_new(self.reports / HISTORY, self._rows(run, cell))
                self._kept.add(cell.name)
            except (InfrastructureError, OSError) as error:
                self.say(f"{cell.name}: its measurements were not added to the history: {error}")

    def _rows(self, run: RunReport, cell: CellReport) -> list[Row]:
        known = {"revision": self.revisions.get(cell.name, "")}
        rows = rows_of_cell(run, cell, hardware_of(cell, run.host, self.machine))
        return [row if row.revision else row.model_copy(update=known) for row in rows]


def is_kept(cell: CellReport) -> bool:
    """An image that is wrong may be as fast as it likes: it is no baseline."""
    return bool(cell.measurements) and cell.verdict is Verdict.PASSED


def hardware_of(cell: CellReport, host: Host, machine: Machine) -> Hardware:
    """What a cell was measured on. A card that did not compute, and its driver, do not matter to the processor."""
    said = (measurement.settings.get("device") for measurement in cell.measurements)
    device = next((str(name) for name in said if name), CPU.name)
    cards = tuple(card for card in machine.cards if card.name == device)[:1]
    if device in (CPU.name, SOFTWARE):
        host = host.model_copy(update={"gpus": []})
    return terms.hardware(host, cards, device=device, is_software=device == SOFTWARE)
