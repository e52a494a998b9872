"""`junit.xml`: what Jenkins, GitLab and GitHub actions show as test results. A suite for each cell.

A cell that was not tried, or an infrastructure error, never looks like a passed test: what has no case of its own
gets one.
"""

from __future__ import annotations

from pathlib import Path
from xml.etree import ElementTree as ET

from bakehouse.formatting import significant
from bakehouse.model.enums import Verdict
from bakehouse.model.report import CellReport, Grading, Measurement, RunReport
from bakehouse.reporters import figures, logs, outcomes
from bakehouse.reporters.text import plain

file = "junit.xml"

_ELEMENTS = {
    Verdict.FAILED: "failure",
    Verdict.ERRORED: "error",
    Verdict.SKIPPED: "skipped",
    Verdict.VOID: "skipped",
}
_COUNTS = {"failures": "failure", "errors": "error", "skipped": "skipped"}
"""Attribute of a suite to the element it counts."""


def render(run: RunReport, *, folder: Path) -> str:
    root = ET.Element("testsuites", name=_clean(f"bakehouse {run.run}"))
    for cell in run.cells:
        root.append(_suite(cell, run=run, folder=folder))
    _count(root)
    if seconds := outcomes.run_seconds(run):
        root.set("time", f"{seconds:.3f}")
    ET.indent(root)
    return '<?xml version="1.0" encoding="UTF-8"?>\n' + ET.tostring(root, encoding="unicode") + "\n"


def _suite(cell: CellReport, *, run: RunReport, folder: Path) -> ET.Element:
    suite = ET.Element("testsuite", name=_clean(cell.name))
    suite.set("timestamp", run.started.isoformat(timespec="seconds"))
    suite.set("hostname", _clean(run.host_of(cell).name))
    cases = [
        *_build(cell, folder=folder),
        *_checks(cell),
        *_tests(cell, folder=folder),
        *(_measurement(cell, measurement) for measurement in cell.measurements),
    ]
    if not _is_said(cell, cases):
        cases.append(_case(cell, kind="cell", name="verdict", verdict=cell.verdict, message=cell.reason))
    suite.extend(cases)
    suite.set("time", f"{sum(float(case.get('time', '0')) for case in cases):.3f}")
    _count(suite)
    return suite


def _build(cell: CellReport, *, folder: Path) -> list[ET.Element]:
    if cell.build is None:
        return []
    build = cell.build
    case = _case(cell, kind="build", name="build", verdict=build.verdict, message=build.reason, seconds=build.seconds)
    if build.verdict is not Verdict.PASSED:
        _say(case, "system-out", build.tail or logs.tail(folder, build.log))
    return [case]


def _checks(cell: CellReport) -> list[ET.Element]:
    return [
        _case(
            cell,
            kind="proof",
            name=check.name,
            verdict=check.verdict,
            message=check.message,
            details=check.details,
        )
        for check in cell.checks
    ]


def _tests(cell: CellReport, *, folder: Path) -> list[ET.Element]:
    cases = []
    for test in cell.tests:
        case = _case(
            cell, kind=test.probe, name=test.name, verdict=test.verdict, message=test.message, seconds=test.seconds
        )
        if test.verdict is not Verdict.PASSED:
            _say(case, "system-out", logs.tail(folder, test.container_log))
        cases.append(case)
    return cases


def _measurement(cell: CellReport, measurement: Measurement) -> ET.Element:
    """Passed where it is exact or noisy, with its grade; skipped, with the reasons, where it is void."""
    summary = figures.of_measurement(measurement)
    case = _case(
        cell,
        kind="measurement",
        name=f"{measurement.workload} {measurement.metric}",
        verdict=Verdict.PASSED if summary else Verdict.VOID,
        message=figures.void_because(measurement) or "no sample was taken",
    )
    if summary:
        values = {
            "median": significant(summary.median, digits=5),
            "lowest": significant(summary.low, digits=5),
            "highest": significant(summary.high, digits=5),
            "unit": measurement.unit,
            "counted": str(summary.counted),
            "void": str(summary.void),
            "definitions": str(measurement.definitions),
            "grade": str(measurement.grade),
        }
        if measurement.grading:
            values |= _grading(measurement.grading)
        properties = ET.Element("properties")
        for name, value in values.items():
            is_number = name not in ("disturbances", "reasons")
            ET.SubElement(
                properties, "property", name=name, value=value.replace(",", "") if is_number else _clean(value)
            )
        case.insert(0, properties)
    return case


def _grading(grading: Grading) -> dict[str, str]:
    """The interval, and why it is noisy."""
    ends = {"low": grading.low, "high": grading.high}
    found = {name: significant(value, digits=5) for name, value in ends.items() if value is not None}
    if grading.disturbances:
        found["disturbances"] = "; ".join(grading.disturbances)
        found["reasons"] = "; ".join(grading.reasons)
    return found


def _case(
    cell: CellReport,
    *,
    kind: str,
    name: str,
    verdict: Verdict,
    message: str,
    seconds: float = 0.0,
    details: list[str] | None = None,
) -> ET.Element:
    # Jenkins takes what stands before the last dot for a package, so that a cell's name may hold none.
    case = ET.Element(
        "testcase", classname=_clean(f"bakehouse.{cell.name.replace('.', '_')}.{kind}"), name=_clean(name)
    )
    case.set("time", f"{max(0.0, seconds):.3f}")
    if verdict is not Verdict.PASSED:
        element = ET.SubElement(case, _ELEMENTS[verdict], message=_clean(message or f"{verdict}, without a reason"))
        element.set("type", str(verdict))
        if details:
            element.text = _clean("\n".join(details))
    return case


def _is_said(cell: CellReport, cases: list[ET.Element]) -> bool:
    if cell.verdict is Verdict.PASSED:
        return bool(cases)
    return any(case.find(_ELEMENTS[cell.verdict]) is not None for case in cases)


def _say(case: ET.Element, element: str, lines: list[str] | tuple[str, ...]) -> None:
    if lines:
        ET.SubElement(case, element).text = _clean("\n".join(lines))


def _count(parent: ET.Element) -> None:
    parent.set("tests", str(len(parent.findall(".//testcase"))))
    for attribute, element in _COUNTS.items():
        parent.set(attribute, str(len(parent.findall(f".//testcase/{element}"))))


def _clean(text: str) -> str:
    return plain(text)
