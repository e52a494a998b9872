"""What github-action-benchmark reads: `customBiggerIsBetter` and `customSmallerIsBetter`, each a file of its own.

It alerts at a threshold, so that it gets exact figures only.

https://github.com/benchmark-action/github-action-benchmark: a list of {name, unit, value, range, extra}.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from bakehouse.formatting import count, significant
from bakehouse.model.enums import Grade
from bakehouse.model.report import RunReport
from bakehouse.reporters.exports.measured import FOLDER, measured
from bakehouse.reporters.text import one_line
from bakehouse.stats.direction import higher_is_better, is_of_image


@dataclass(frozen=True, kw_only=True, slots=True)
class Exporter:
    file: str
    bigger: bool

    def render(self, run: RunReport, *, folder: Path) -> str:  # noqa: ARG002 - a Reporter
        return json.dumps(list(self._entries(run)), ensure_ascii=False, indent=1) + "\n"

    def _entries(self, run: RunReport) -> Iterator[dict[str, Any]]:
        for cell, measurement, summary in measured(run):
            if measurement.grade is Grade.NOISY:  # it would raise an alarm
                continue
            if is_of_image(measurement.metric) and higher_is_better(measurement.metric) is self.bigger:
                by = f" by {measurement.client}" if measurement.client else ""
                yield {
                    "name": one_line(f"{cell.name} {measurement.workload} {measurement.metric}{by}"),
                    "unit": measurement.unit,
                    "value": summary.median,
                    "range": f"{significant(summary.low, digits=4)} to {significant(summary.high, digits=4)}",
                    "extra": f"{one_line(run.run)}\nmedian of {count(summary.counted, 'sample')}, {summary.void} void",
                }


BIGGER = Exporter(file=f"{FOLDER}/benchmark-bigger-is-better.json", bigger=True)
SMALLER = Exporter(file=f"{FOLDER}/benchmark-smaller-is-better.json", bigger=False)
