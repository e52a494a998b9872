"""What a run does with the time that its image suite left. The suite itself is played."""

from __future__ import annotations

from pathlib import Path
from threading import Lock
from types import SimpleNamespace
from typing import Any, cast

import pytest

from bakehouse.model.enums import Verdict
from bakehouse.model.report import TestResult
from bakehouse.model.suite import Suite
from bakehouse.pipeline import suite_stage
from bakehouse.pipeline.spare_time import SELECTED, TESTS
from bakehouse.suite import results
from bakehouse.suite.budget import FILE, Spent, read
from bakehouse.suite.results import CellResult
from bakehouse.suite.run import SuiteResult
from tests.unit.pipeline.test_spare_time import LIMIT, rate, suite_of

RATES = TestResult(name=f"test_throughput.py::{TESTS['rates']}", probe="throughput", verdict=Verdict.PASSED, seconds=60)


@pytest.fixture
def asked(monkeypatch: pytest.MonkeyPatch) -> list[tuple[Suite, dict[str, Any]]]:
    """What the second round is told; it takes one more start of each cell."""
    calls: list[tuple[Suite, dict[str, Any]]] = []

    def play(suite: Suite, **told: Any) -> SuiteResult:
        calls.append((suite, told))
        found = {one.cell: CellResult(tests=[RATES], measurements=[rate(0, 1)]) for one in suite.subjects}
        return SuiteResult(cells=found, complete=True, log=Path("log"))

    monkeypatch.setattr(suite_stage, "run_suite", play)
    return calls


def go_on(
    folder: Path, suite: Suite, said: list[str], *, at: float, monkeypatch: pytest.MonkeyPatch
) -> dict[str, CellResult]:
    tests = folder / results.FOLDER
    tests.mkdir()
    (tests / FILE).write_text(Spent(attempts={"0.000": 100.0}, turns={"a rates": 40.0}).model_dump_json())
    monkeypatch.setattr("bakehouse.pipeline.suite_stage.time.time", lambda: at)
    context = SimpleNamespace(root=folder, say=said.append)
    job = SimpleNamespace(context=context)
    cells = {one.cell: CellResult(tests=[RATES], measurements=[rate(0)]) for one in suite.subjects}
    outcome = SuiteResult(cells=cells, complete=True, log=Path("log"))
    stage = SimpleNamespace(job=job, watcher=SimpleNamespace(measuring=lambda _: None))
    site = SimpleNamespace(ground=None, folder=folder, say=said.append)
    return suite_stage._go_on(cast("Any", stage), [], suite, outcome, cast("Any", site))


def test_what_is_left_is_spent_on_cells_with_too_few_starts(
    tmp_path: Path, asked: list[tuple[Suite, dict[str, Any]]], monkeypatch: pytest.MonkeyPatch
) -> None:
    said: list[str] = []
    found = go_on(tmp_path, suite_of("a", "b"), said, at=LIMIT - 60, monkeypatch=monkeypatch)
    assert said == ["1 min left of the time for measuring: more starts of 1 cell"]
    ((suite, told),) = asked
    assert ([one.cell for one in suite.subjects], suite.began) == (["a"], LIMIT - 60)
    assert told["extra"] == ("-k", SELECTED)
    assert told["log_name"] != "pytest.log", "what the suite said stays"
    assert [len(one.samples) for one in found["a"].measurements] == [2]
    assert "b" not in found, "nobody knows how long its starts take"
    spent = read(tmp_path / results.FOLDER / FILE)
    assert spent.attempts["0.000"] == LIMIT - 60, "the first round counts to its end"


def test_too_little_time_is_left_alone(
    tmp_path: Path, asked: list[tuple[Suite, dict[str, Any]]], monkeypatch: pytest.MonkeyPatch
) -> None:
    said: list[str] = []
    assert go_on(tmp_path, suite_of("a"), said, at=LIMIT - 20, monkeypatch=monkeypatch) == {}
    assert (said, asked) == ([], [])


def test_what_a_dead_pytest_did_not_say_is_no_pass(tmp_path: Path) -> None:
    """Nobody wrote those results down; a cell that all of them are known of is finished with them."""
    writer = results.Writer(tmp_path, "main")
    writer.collected([results.PlannedTest(cell="a", name=name, probe="smoke") for name in ("first", "second")], [])
    first, second = (
        TestResult(name=name, probe="smoke", verdict=verdict, seconds=0, message="why")
        for name, verdict in (("first", Verdict.PASSED), ("second", Verdict.ERRORED))
    )
    writer.test("a", first)
    kept: dict[str, Any] = {}
    state = SimpleNamespace(
        update=lambda cell, **changes: kept.update({cell: changes}), finish=lambda cell: kept.update(finished=cell)
    )
    job = SimpleNamespace(state=State(state), baselines={}, writer=None)
    stage = SimpleNamespace(job=job, watcher=SimpleNamespace(add=lambda *_: None), alone=Lock())
    site = SimpleNamespace(folder=tmp_path, log=str, name="green", host=None)
    limits = SimpleNamespace(added_to=lambda _, found: found)
    follow = suite_stage._Follower(cast("Any", stage), cast("Any", site), cast("Any", limits), suite_of("a"))
    follow("a", first)
    assert kept == {}
    follow("a", second)
    assert [test.name for test in kept["a"]["tests"]] == ["first", "second"]
    assert kept["finished"] == "a"


class State:
    """Of cells that have not finished."""

    def __init__(self, calls: SimpleNamespace) -> None:
        self.update, self.finish = calls.update, calls.finish

    def __getitem__(self, cell: str) -> SimpleNamespace:
        return SimpleNamespace(finished=None)
