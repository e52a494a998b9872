from __future__ import annotations

from pathlib import Path

from bakehouse.model.enums import Verdict
from bakehouse.model.report import Measurement, Sample, TestResult
from bakehouse.suite.results import CellResult, Follower, PlannedTest, Writer, collect, planned


def result(name: str) -> TestResult:
    return TestResult(name=name, probe="smoke", verdict=Verdict.PASSED, seconds=0.1, message="a\nb — ü")


def measurement(value: float) -> Measurement:
    sample = Sample(start=0, repetition=0, value=value)
    return Measurement(workload="pp512", metric="prompt_rate", unit="tokens/s", samples=[sample])


def test_what_workers_write_is_read_back_by_cell(tmp_path: Path) -> None:
    first, second = Writer(tmp_path, "gw0"), Writer(tmp_path, "gw1")
    first.test("a", result("z"))
    second.test("a", result("b"))
    second.test("b", result("c"))
    second.measurement("b", measurement(1.5))
    second.measurement("b", measurement(1.4), side="baseline")
    found = collect(tmp_path)
    assert found == {
        "a": CellResult(tests=[result("b"), result("z")]),
        "b": CellResult(tests=[result("c")], measurements=[measurement(1.5)], baseline=[measurement(1.4)]),
    }


def test_each_line_is_on_disk_at_once_and_a_torn_one_costs_itself_only(tmp_path: Path) -> None:
    writer = Writer(tmp_path, "gw0")
    writer.test("a", result("b"))
    path = tmp_path / "tests/gw0.jsonl"
    whole = path.read_bytes()
    path.write_bytes(whole + whole[: len(whole) // 2])
    assert collect(tmp_path) == {"a": CellResult(tests=[result("b")])}
    (tmp_path / "tests/gw0.measurements.jsonl").write_text('{"cell": "a", "measu', encoding="utf-8")
    assert collect(tmp_path) == {"a": CellResult(tests=[result("b")])}


def test_nothing_is_nothing(tmp_path: Path) -> None:
    assert collect(tmp_path) == {}
    assert planned(tmp_path) == []


def test_a_follower_gives_each_result_once_and_no_half_ones(tmp_path: Path) -> None:
    follower = Follower(tmp_path)
    writer = Writer(tmp_path, "gw0")
    assert list(follower.new()) == []
    writer.test("a", result("b"))
    path = tmp_path / "tests/gw0.jsonl"
    whole = path.read_bytes()
    path.write_bytes(whole + whole[:20])
    assert [line.test.name for line in follower.new()] == ["b"]
    assert list(follower.new()) == []
    path.write_bytes(whole + whole)
    Writer(tmp_path, "gw1").test("c", result("d"))
    assert [line.cell for line in follower.new()] == ["a", "c"]


def test_the_plan_of_tests(tmp_path: Path) -> None:
    tests = [PlannedTest(cell="a", node="x.py::t[a]", name="x.py::t", probe="smoke")]
    Writer(tmp_path, "gw0").collected(tests, [])
    assert planned(tmp_path) == tests
    assert list((tmp_path / "tests").glob("*.tmp")) == []
