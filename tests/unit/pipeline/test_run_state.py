from __future__ import annotations

import json
from datetime import UTC, datetime
from pathlib import Path

import pytest

from bakehouse.model.cell import Cell
from bakehouse.model.enums import Verdict
from bakehouse.model.report import BuildResult, CellReport, Check, RunReport, Supplied, TestResult
from bakehouse.pipeline.run_folder import RunFolder
from bakehouse.pipeline.run_state import RunState, conclude
from bakehouse.planning.resolve import resolve
from tests.unit.pipeline.test_run_folder import HOST
from tests.unit.projects import matrix, world

NOW = datetime(2026, 11, 21, 3, 0, tzinfo=UTC)
BUILT = BuildResult(verdict=Verdict.PASSED, seconds=1.0)
FLAG_SETS = {name: {"summary": "plain", "accelerators": ["cpu"]} for name in ("default", "other")}


@pytest.fixture
def cells(tmp_path: Path) -> tuple[Cell, ...]:
    axes = {"accelerator": ["cpu"], "flag_set": ["default", "other"], "platform": ["linux/amd64"]}
    (tmp_path / "project").mkdir()
    return resolve(world(tmp_path / "project", matrix=matrix(flag_sets=FLAG_SETS, axes=axes))).cells


def state(tmp_path: Path, cells: tuple[Cell, ...]) -> RunState:
    folder = RunFolder(path=tmp_path / "run")
    folder.path.mkdir(exist_ok=True)
    run = RunReport(
        run="run",
        bakehouse="1",
        command=["bakehouse"],
        fingerprint="abc",
        started=NOW,
        verdict=Verdict.SKIPPED,
        host=HOST,
    )
    return RunState(folder=folder, run=run, cells=cells, excluded=())


def outcome(verdict: Verdict, name: str = "t", message: str = "") -> TestResult:
    return TestResult(name=name, probe="smoke", verdict=verdict, seconds=0.1, message=message)


def check(verdict: Verdict) -> Check:
    return Check(name="linkage", verdict=verdict, message="libx.so is missing")


@pytest.mark.parametrize(
    ("parts", "verdict", "reason"),
    [
        ({}, Verdict.SKIPPED, "before"),
        ({"build": BUILT}, Verdict.PASSED, ""),
        (
            {"build": BuildResult(verdict=Verdict.FAILED, reason="exit code: 7", seconds=1.0)},
            Verdict.FAILED,
            "build: exit code: 7",
        ),
        (
            {"build": BUILT, "checks": [check(Verdict.FAILED)], "tests": [outcome(Verdict.ERRORED)]},
            Verdict.FAILED,
            "proof linkage: libx.so is missing",
        ),
        (
            {"build": BUILT, "checks": [check(Verdict.ERRORED)]},
            Verdict.ERRORED,
            "proof linkage: libx.so is missing",
        ),
        (
            {"build": BUILT, "tests": [outcome(Verdict.ERRORED, "a"), outcome(Verdict.FAILED, "b", "first\nsecond")]},
            Verdict.FAILED,
            "b: first",
        ),
        ({"build": BUILT, "tests": [outcome(Verdict.ERRORED)]}, Verdict.ERRORED, "t: errored"),
        ({"build": BUILT, "tests": [outcome(Verdict.VOID), outcome(Verdict.SKIPPED)]}, Verdict.PASSED, ""),
        (
            {"build": BUILT, "tests": [outcome(Verdict.SKIPPED, "t", "no emulator for linux/arm64")]},
            Verdict.PASSED,
            "built and proven, but never run: no emulator for linux/arm64",
        ),
        (
            {
                "build": BUILT,
                "tests": [
                    outcome(Verdict.PASSED),
                    outcome(Verdict.SKIPPED, "o", "no card").model_copy(update={"probe": "offload"}),
                ],
            },
            Verdict.PASSED,
            "never run on its accelerator: no card",
        ),
    ],
)
def test_a_verdict_follows_from_the_parts(parts: dict[str, object], verdict: Verdict, reason: str) -> None:
    cell = CellReport.model_validate(
        {
            "name": "n",
            "recipe": "r",
            "accelerator": "cpu",
            "flag_set": "default",
            "platform": "linux/amd64",
            "verdict": Verdict.SKIPPED,
            "reason": "before",
        }
        | parts
    )
    assert conclude(cell) == (verdict, reason)


def test_a_cell_has_not_passed_before_anything_was_tried(tmp_path: Path, cells: tuple[Cell, ...]) -> None:
    book = state(tmp_path, cells)
    book.begin()
    record = json.loads((tmp_path / "run" / "run.json").read_text())
    assert record["verdict"] == "errored"
    assert record["finished"] is None
    assert {cell["verdict"] for cell in record["cells"]} == {"errored"}


def test_finished_cells_are_kept_and_everything_else_is_done_again(tmp_path: Path, cells: tuple[Cell, ...]) -> None:
    first, second = cells
    book = state(tmp_path, cells)
    book.update(first.name, build=BUILT)
    book.finish(first.name)
    book.update(second.name, build=BUILT)

    again = state(tmp_path, cells)
    assert again.todo(cells) == [second]
    assert again[first.name].verdict is Verdict.PASSED
    assert again[second.name].build is None


@pytest.mark.parametrize(("verdict", "kept"), [(Verdict.FAILED, True), (Verdict.ERRORED, False)])
def test_what_failed_is_kept_and_what_errored_is_tried_again(
    tmp_path: Path, cells: tuple[Cell, ...], verdict: Verdict, *, kept: bool
) -> None:
    book = state(tmp_path, cells)
    book.update(cells[0].name, build=BuildResult(verdict=verdict, reason="x", seconds=0.0))
    book.finish_bad(cells)
    assert (cells[0] not in state(tmp_path, cells).todo(cells)) is kept


def test_bad_cells_are_finished_and_good_ones_go_on(tmp_path: Path, cells: tuple[Cell, ...]) -> None:
    good, bad = cells
    book = state(tmp_path, cells)
    book.update(good.name, build=BUILT)
    book.update(bad.name, build=BUILT, checks=[check(Verdict.FAILED)])
    book.finish_bad(cells)
    assert book.passed_so_far(cells) == [good]
    assert book.todo(cells) == [good]


def test_a_run_that_is_cut_off_has_passed_nothing_that_was_not_finished(
    tmp_path: Path, cells: tuple[Cell, ...]
) -> None:
    done, half = cells
    book = state(tmp_path, cells)
    book.update(done.name, build=BUILT)
    book.finish(done.name)
    book.update(half.name, build=BUILT)
    run = book.cut_off()
    assert run.finished is None
    assert run.verdict is Verdict.ERRORED
    assert book[done.name].verdict is Verdict.PASSED
    assert book[half.name].verdict is Verdict.ERRORED
    assert "cut off" in book[half.name].reason
    assert "cut off" in (tmp_path / "run" / "summary.txt").read_text()


def test_every_change_is_on_disk_at_once(tmp_path: Path, cells: tuple[Cell, ...]) -> None:
    book = state(tmp_path, cells)
    book.update(cells[0].name, build=BUILT)
    found = CellReport.model_validate_json((tmp_path / "run" / "cells" / f"{cells[0].name}.json").read_bytes())
    assert found.build == BUILT


def test_each_cell_keeps_what_it_was_made_from(tmp_path: Path, cells: tuple[Cell, ...]) -> None:
    one, other = cells
    of = {one.name: [("base", "debian"), ("source", "tree")], other.name: [("base", "debian"), ("model", "tiny")]}
    folder = RunFolder(path=tmp_path / "run")
    folder.path.mkdir()
    supplies = [
        Supplied(kind=kind, name=name, attempts=[], identity="", locked=True)
        for kind, name in (("base", "debian"), ("model", "tiny"), ("source", "tree"))
    ]
    run = RunReport(
        run="run", bakehouse="1", command=["x"], fingerprint="abc", started=NOW, verdict=Verdict.SKIPPED, host=HOST,
        supplies=supplies,
    )  # fmt: skip
    book = RunState(folder=folder, run=run, cells=cells, excluded=(), supplies=lambda cell: of[cell.name])
    report = book.report()

    assert [each.name for each in report.supplies_of(book[one.name])] == ["debian", "tree"]
    assert [each.name for each in report.supplies_of(book[other.name])] == ["debian", "tiny"]
    unknown = book[one.name].model_copy(update={"supplies": []})
    assert report.supplies_of(unknown) == supplies, "as reports of before had it"
