"""`measurements.csv`: every sample with its grade, for spreadsheets and data frames (RFC 4180)."""

from __future__ import annotations

import csv
import io
from pathlib import Path

from bakehouse.model.report import RunReport
from bakehouse.reporters.exports.measured import FOLDER
from bakehouse.reporters.text import one_line

file = f"{FOLDER}/measurements.csv"

COLUMNS = (
    *("run", "started", "cell", "recipe", "accelerator", "toolkit", "arch", "flag_set", "platform", "image"),
    *("workload", "metric", "unit", "definitions", "start", "repetition", "value", "verdict", "reason"),
    *("client", "grade", "low", "high", "disturbed"),
)


def render(run: RunReport, *, folder: Path) -> str:  # noqa: ARG001 - a Reporter
    text = io.StringIO()
    writer = csv.writer(text)
    writer.writerow(COLUMNS)
    for cell in run.cells:
        place = (cell.name, cell.recipe, cell.accelerator, cell.toolkit, cell.arch, cell.flag_set, cell.platform)
        image = cell.image.digest if cell.image else ""
        for one in cell.measurements:
            about = (one.workload, one.metric, one.unit, one.definitions)
            for sample in one.samples:
                said = (sample.start, sample.repetition, repr(sample.value), sample.verdict, sample.reason, one.client)
                low, high = (one.grading.low, one.grading.high) if one.grading else (None, None)
                worth = (one.grade, low, high, sample.disturbed)
                row = (run.run, run.started.isoformat(), *place, image, *about, *said, *worth)
                writer.writerow("" if value is None else one_line(str(value)) for value in row)
    return text.getvalue()
