"""What the workers of the image suite write and others read: JSON Lines, appended and flushed test by test.

A worker that is killed loses the line it was writing and nothing else.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

from pydantic import Field, ValidationError

from bakehouse.model.report import Measurement, Record, TestResult
from bakehouse.model.suite import Side

FOLDER = "tests"
COLLECTED = "collected.json"


class TestLine(Record):
    __test__ = False

    cell: str
    test: TestResult


class MeasurementLine(Record):
    cell: str
    side: Side = "candidate"
    measurement: Measurement


class PlannedTest(Record):
    """One test that pytest collected."""

    cell: str
    node: str = ""
    """pytest's own id of it."""
    name: str
    probe: str


class Collected(Record):
    tests: list[PlannedTest]
    errors: list[str] = Field(default_factory=list)
    """Of files that could not be read as tests."""


@dataclass(kw_only=True, slots=True)
class CellResult:
    """What the suite found of one cell."""

    tests: list[TestResult] = field(default_factory=list)
    """In the order of their names."""
    measurements: list[Measurement] = field(default_factory=list)
    baseline: list[Measurement] = field(default_factory=list)
    """Of the image that this one was measured in turn with."""


class Writer:
    """Appends what one worker found."""

    def __init__(self, run_folder: Path, worker: str) -> None:
        self._folder = run_folder / FOLDER
        self._folder.mkdir(parents=True, exist_ok=True)
        self._tests = self._folder / f"{worker}.jsonl"
        self._measurements = self._folder / f"{worker}.measurements.jsonl"
        self._worker = worker

    def collected(self, tests: list[PlannedTest], errors: list[str]) -> None:
        """Say which tests there are, so that one without a result is noticed. All workers collect the same.

        `errors`: what kept pytest from reading a file. With pytest-xdist the tests of the other files run all the same.
        """
        temporary = self._folder / f"{self._worker}.{COLLECTED}.tmp"
        temporary.write_text(Collected(tests=tests, errors=errors).model_dump_json(), encoding="utf-8")
        temporary.replace(self._folder / COLLECTED)

    def test(self, cell: str, result: TestResult) -> None:
        _append(self._tests, TestLine(cell=cell, test=result))

    def measurement(self, cell: str, measurement: Measurement, *, side: Side = "candidate") -> None:
        _append(self._measurements, MeasurementLine(cell=cell, side=side, measurement=measurement))


class Follower:
    """Reads results while they are written; each `new` gives what came since the last."""

    def __init__(self, run_folder: Path) -> None:
        self._folder = run_folder / FOLDER
        self._read: dict[Path, int] = {}

    def new(self) -> Iterator[TestLine]:
        for path in _result_files(self._folder):
            content = path.read_bytes()
            begin = self._read.get(path, 0)
            end = content.rfind(b"\n") + 1
            if end > begin:
                self._read[path] = end
                yield from _lines(content[begin:end])


def collect(run_folder: Path) -> dict[str, CellResult]:
    """Read all results of a run by cell. Torn lines are left out."""
    found: dict[str, CellResult] = {}
    folder = run_folder / FOLDER
    for path in _result_files(folder):
        for line in _lines(path.read_bytes()):
            tests = found.setdefault(line.cell, CellResult()).tests
            # A pytest that outlived a killed run can report once more what a second one has done: the last word counts.
            tests[:] = [*(test for test in tests if test.name != line.test.name), line.test]
    for path in sorted(folder.glob("*.measurements.jsonl")):
        for raw in path.read_bytes().splitlines():
            try:
                entry = MeasurementLine.model_validate_json(raw)
            except ValidationError:
                continue
            cell = found.setdefault(entry.cell, CellResult())
            (cell.baseline if entry.side == "baseline" else cell.measurements).append(entry.measurement)
    for cell in found.values():
        cell.tests.sort(key=lambda test: test.name)
    return found


def collected(run_folder: Path) -> Collected:
    """Read which tests pytest meant to run; none when it did not get that far."""
    try:
        text = (run_folder / FOLDER / COLLECTED).read_text(encoding="utf-8")
    except OSError:
        return Collected(tests=[])
    return Collected.model_validate(json.loads(text))


def _append(path: Path, record: Record) -> None:
    with path.open("ab") as file:
        file.write(record.model_dump_json().encode() + b"\n")


def _result_files(folder: Path) -> list[Path]:
    return sorted(path for path in folder.glob("*.jsonl") if not path.name.endswith(".measurements.jsonl"))


def _lines(content: bytes) -> Iterator[TestLine]:
    for raw in content.splitlines():
        try:
            yield TestLine.model_validate_json(raw)
        except ValidationError:
            continue


def planned(run_folder: Path) -> list[PlannedTest]:
    """Read which tests pytest meant to run; none when it did not get that far."""
    return collected(run_folder).tests
