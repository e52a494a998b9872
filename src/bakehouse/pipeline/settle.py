"""Finishes the cells that a stage left in trouble."""

from __future__ import annotations

from bakehouse.engine.connect import require_engine
from bakehouse.model.cell import Cell
from bakehouse.model.enums import Verdict
from bakehouse.pipeline.job import Job


def settle(job: Job, cells: list[Cell]) -> None:
    """Cells in trouble are finished, unless the trouble is that there is no engine any more: then the run ends."""
    if any(job.state[cell.name].verdict is Verdict.ERRORED for cell in cells):
        require_engine(job.engine)
    job.state.finish_bad(cells)
