"""What the exports share: the measurements of a run, one after the other."""

from __future__ import annotations

from collections.abc import Iterator

from bakehouse.model.report import CellReport, Measurement, RunReport
from bakehouse.reporters import figures

FOLDER = "exports"


def measured(run: RunReport) -> Iterator[tuple[CellReport, Measurement, figures.Summary]]:
    """All with a sample that counts."""
    for cell in run.cells:
        for measurement in cell.measurements:
            if summary := figures.of_measurement(measurement):
                yield cell, measurement, summary
