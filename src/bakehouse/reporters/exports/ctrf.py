"""`ctrf.json`: the Common Test Report Format (https://ctrf.io), which many CI tools draw.

An infrastructure error is `other`, never `failed`; what is void is `skipped`. `rawStatus` has our word:
the verdict, of a measurement its grade.
"""

from __future__ import annotations

import json
import uuid
from collections.abc import Iterator
from datetime import datetime
from pathlib import Path
from typing import Any

from bakehouse.model.enums import Verdict
from bakehouse.model.report import CellReport, Measurement, RunReport
from bakehouse.reporters import figures
from bakehouse.reporters.exports.measured import FOLDER
from bakehouse.reporters.text import plain

file = f"{FOLDER}/ctrf.json"

SPEC = "0.0.0"
_STATUS = {
    Verdict.PASSED: "passed",
    Verdict.FAILED: "failed",
    Verdict.ERRORED: "other",
    Verdict.SKIPPED: "skipped",
    Verdict.VOID: "skipped",
}
_STATUSES = ("passed", "failed", "skipped", "pending", "other")
_NAMESPACE = uuid.UUID("9bdbd0a5-3a86-5c8c-9ac8-3f1e0f0c7d10")
"""Ours, so that a run drawn twice has one identifier."""


def render(run: RunReport, *, folder: Path) -> str:  # noqa: ARG001 - a Reporter
    tests = [test for cell in run.cells for test in _cell(cell)]
    stop = run.finished or run.started
    report = {
        "reportFormat": "CTRF",
        "specVersion": SPEC,
        "reportId": str(uuid.uuid5(_NAMESPACE, plain(run.run))),
        "timestamp": stop.isoformat(),
        "generatedBy": f"bakehouse {plain(run.bakehouse)}",
        "results": {
            "tool": {"name": "bakehouse", "version": plain(run.bakehouse)},
            "summary": {
                "tests": len(tests),
                **{status: sum(test["status"] == status for test in tests) for status in _STATUSES},
                "suites": len(run.cells),
                "start": _milliseconds(run.started),
                "stop": _milliseconds(stop),
                "extra": {"verdict": str(run.verdict), "run": plain(run.run)},
            },
            "tests": tests,
        },
    }
    return json.dumps(report, ensure_ascii=False, indent=1) + "\n"


def _cell(cell: CellReport) -> Iterator[dict[str, Any]]:
    """All that was tried; where that does not say the cell's verdict, a test that does."""
    tests = []
    if cell.build:
        tests.append(_test(cell, "build", "build", cell.build.verdict, cell.build.reason, seconds=cell.build.seconds))
    tests += [_test(cell, "proof", one.name, one.verdict, one.message, trace=one.details) for one in cell.checks]
    tests += [_test(cell, one.probe, one.name, one.verdict, one.message, seconds=one.seconds) for one in cell.tests]
    tests += [_measurement(cell, one) for one in cell.measurements]
    if not any(test["rawStatus"] == cell.verdict for test in tests):
        tests.append(_test(cell, "cell", "verdict", cell.verdict, cell.reason))
    yield from tests


def _measurement(cell: CellReport, measurement: Measurement) -> dict[str, Any]:
    summary = figures.of_measurement(measurement)
    verdict = Verdict.PASSED if summary else Verdict.VOID
    reasons = figures.void_because(measurement)
    test = _test(cell, "measurement", f"{measurement.workload} {measurement.metric}", verdict, reasons)
    test["rawStatus"] = str(measurement.grade)
    if summary:
        test["extra"] = {
            "median": summary.median,
            "lowest": summary.low,
            "highest": summary.high,
            "unit": measurement.unit,
            "counted": summary.counted,
            "void": summary.void,
            "definitions": measurement.definitions,
            "grade": str(measurement.grade),
        }
        if grading := measurement.grading:
            test["extra"] |= {"low": grading.low, "high": grading.high, "reasons": [*map(plain, grading.reasons)]}
    return test


def _test(
    cell: CellReport,
    kind: str,
    name: str,
    verdict: Verdict,
    message: str,
    *,
    seconds: float = 0.0,
    trace: list[str] | None = None,
) -> dict[str, Any]:
    test: dict[str, Any] = {
        "name": plain(name) or "test",
        "status": _STATUS[verdict],
        "duration": max(0, round(seconds * 1000)),
        "suite": [plain(cell.name), plain(kind)],
        "rawStatus": str(verdict),
    }
    if message and verdict is not Verdict.PASSED:
        test["message"] = plain(message)
    if trace and verdict is not Verdict.PASSED:
        test["trace"] = plain("\n".join(trace))
    return test


def _milliseconds(moment: datetime) -> int:
    return round(moment.timestamp() * 1000)
