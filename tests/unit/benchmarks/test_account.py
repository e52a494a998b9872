from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any

import pytest
from account import Account, Cost, RunState, beating, cpu_of, wall_of
from harness import Comparison, Record
from rich.console import Console

from bakehouse.errors import InfrastructureError
from bakehouse.pipeline.context import Context


class Meter(Account):
    """A control group whose containers have taken what the test says."""

    def __init__(self, seconds: float = 0.0) -> None:
        super().__init__("x")
        self.seconds = seconds

    def read(self) -> float:
        return self.seconds


def context(cache: Path) -> Context:
    return Context(root=cache, cache=cache, environ=os.environ, console=Console(stderr=True))


def state(path: Path | None) -> RunState:
    def compare(costs: Any) -> list[Comparison]:
        known = cpu_of(costs, ["a", "b"])
        return [Comparison(what="a and b", ours=known, theirs=[10.0], unit="CPU s", limit=0.5)] if known else []

    return RunState(Record(name="x"), path, compare=compare)


@pytest.mark.parametrize("folder", ["cpuacct", "cpu,cpuacct"])
def test_version_1_counts_nanoseconds(tmp_path: Path, folder: str) -> None:
    group = tmp_path / folder / "parent"
    group.mkdir(parents=True)
    (group / "cpuacct.usage").write_text("1500000000\n")
    assert Account("parent", cgroups=tmp_path).read() == 1.5


def test_version_2_counts_microseconds(tmp_path: Path) -> None:
    group = tmp_path / "parent"
    group.mkdir()
    (group / "cpu.stat").write_text("usage_usec 2500000\nuser_usec 2000000\nsystem_usec 500000\n")
    assert Account("parent", cgroups=tmp_path).read() == 2.5


def test_nothing_was_used_before_the_first_container(tmp_path: Path) -> None:
    assert Account("parent", cgroups=tmp_path).read() == 0.0


def test_empty_groups_are_taken_away_and_others_stay(tmp_path: Path) -> None:
    for name in ("cpu/parent/one", "memory/parent", "memory/other"):
        (tmp_path / name).mkdir(parents=True)
    Account("parent", cgroups=tmp_path).remove()
    assert sorted(str(path.relative_to(tmp_path)) for path in tmp_path.rglob("*")) == ["cpu", "memory", "memory/other"]


def test_several_builds_are_added_run_by_run() -> None:
    costs = {"a": [Cost(cpu=1, wall=10), Cost(cpu=2, wall=20)], "b": [Cost(cpu=5, wall=50), Cost(cpu=7, wall=70)]}
    assert cpu_of(costs, ["a", "b"]) == [6, 9]
    assert wall_of(costs, ["a", "b"]) == [60, 90]


def test_a_sum_needs_all_of_its_builds() -> None:
    costs = {"a": [Cost(cpu=1, wall=1), Cost(cpu=2, wall=2)], "b": [Cost(cpu=5, wall=5)]}
    assert cpu_of(costs, ["a", "b"]) == [6]
    assert cpu_of(costs, ["a", "c"]) == []


def test_a_build_is_charged_and_written_at_once(tmp_path: Path) -> None:
    file, meter = tmp_path / "out.json", Meter(100.0)
    kept = state(file)

    def build() -> str:
        meter.seconds += 4.0
        return "image"

    assert kept.charge("a", meter, build, context=context(tmp_path)) == "image"
    assert kept.charge("b", meter, build, context=context(tmp_path)) == "image"
    written = json.loads(file.read_text())
    assert [cost["cpu"] for cost in written["details"]["costs"]["a"]] == [4.0]
    assert [one["ratio"] for one in written["comparisons"]] == [0.8]
    assert written["details"]["unfinished"] == {}


def test_a_build_that_is_cut_off_leaves_what_was_known(tmp_path: Path) -> None:
    file, meter = tmp_path / "out.json", Meter(0.0)
    kept = state(file)

    def build() -> None:
        meter.seconds = 3.0
        kept._tell("a", Cost(cpu=3.0, wall=60.0), "so far")
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        kept.charge("a", meter, build, context=context(tmp_path))
    written = json.loads(file.read_text())["details"]
    assert written["unfinished"] == {"a": {"cpu": 3.0, "wall": 60.0}}
    assert written["costs"] == {}


def test_a_build_that_nobody_counted_is_no_result(tmp_path: Path) -> None:
    with pytest.raises(InfrastructureError, match="nothing was counted"):
        state(None).charge("a", Meter(0.0), lambda: None, context=context(tmp_path))


def test_a_word_is_said_while_something_runs_and_not_after() -> None:
    said: list[int] = []
    with beating(lambda: said.append(1), every=0.001):
        while not said:
            pass
    heard = len(said)
    assert heard >= 1
    assert len(said) == heard
