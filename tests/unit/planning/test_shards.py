from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bakehouse.planning.shards import Shard, divide, imbalance
from bakehouse.planning.stage_graph import CellWork, Stage
from tests.unit.accelerated import accelerated

CELL = accelerated()[1].cells[0]


def work(name: str, *stages: str) -> CellWork:
    at = replace(CELL.at, recipe=name)
    return CellWork(
        cell=replace(CELL, at=at),
        stages=tuple(Stage(name=stage, identity=stage, runs=1, compiles=0) for stage in stages),
    )


def recipes(shard: Shard) -> set[str]:
    return {name.partition("-")[0] for name in shard.cells}


def test_cells_that_share_what_is_expensive_are_built_by_one_machine() -> None:
    works = [work(f"{toolkit}{arch}", f"toolkit {toolkit}", f"{toolkit} {arch}") for arch in "xyz" for toolkit in "abc"]
    seconds = {stage.identity: 100.0 if "toolkit" in stage.identity else 10.0 for one in works for stage in one.stages}
    shards = divide(works, seconds, at_most=3, least=0)
    assert [recipes(shard) for shard in shards] == [{f"{toolkit}{arch}" for arch in "xyz"} for toolkit in "abc"]
    assert [shard.seconds for shard in shards] == [130.0] * 3
    assert imbalance(shards) == 1


def test_a_machine_is_not_started_for_a_minute_of_work() -> None:
    works = [work(name, name) for name in "abcd"]
    assert len(divide(works, dict.fromkeys("abcd", 60.0), at_most=4)) == 1
    assert len(divide(works, dict.fromkeys("abcd", 300.0), at_most=4)) == 2
    assert divide([], {}, at_most=4) == ()


@st.composite
def builds(draw: st.DrawFn) -> tuple[list[CellWork], dict[str, float]]:
    names = [f"s{number}" for number in range(draw(st.integers(1, 12)))]
    chosen = draw(st.lists(st.lists(st.sampled_from(names), min_size=1, unique=True), min_size=1, max_size=25))
    seconds = {name: float(draw(st.integers(0, 1000))) for name in names}
    return [work(f"c{number}", *stages) for number, stages in enumerate(chosen)], seconds


@given(builds(), st.integers(1, 8))
def test_every_cell_is_built_once_and_no_shard_is_longer_than_all(
    build: tuple[list[CellWork], dict[str, float]], at_most: int
) -> None:
    works, seconds = build
    shards = divide(works, seconds, at_most=at_most, least=0)
    assert sorted(name for shard in shards for name in shard.cells) == sorted(one.cell.name for one in works)
    assert len(shards) <= at_most
    alone = [sum(seconds[stage.identity] for stage in one.stages) for one in works]
    longest = max(shard.seconds for shard in shards)
    assert (
        max(alone)
        <= longest
        <= sum({stage.identity: seconds[stage.identity] for one in works for stage in one.stages}.values())
    )
    assert longest <= sum(alone) / at_most + max(alone) + 1e-6, "no further from even than one cell"
    assert shards == divide(works, seconds, at_most=at_most, least=0)


@pytest.mark.parametrize("machines", [8, 50])
def test_a_thousand_cells_of_all_sizes_are_divided_evenly(machines: int) -> None:
    works = [
        work(f"t{toolkit}a{arch}f{flags}", "host", f"toolkit {toolkit}", f"backend {toolkit} {arch} {flags}")
        for toolkit in range(10)
        for arch in range(25)
        for flags in range(4)
    ]
    seconds = {"host": 300.0} | {f"toolkit {number}": 60.0 for number in range(10)}
    seconds |= {one.stages[-1].identity: 60.0 + 37 * (number % 29) for number, one in enumerate(works)}
    shards = divide(works, seconds, at_most=machines)
    assert len(shards) == machines
    assert imbalance(shards) < 1.2
