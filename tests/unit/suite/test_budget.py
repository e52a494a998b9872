from __future__ import annotations

import math
from pathlib import Path

from bakehouse.suite.budget import FILE, Budget, begin_attempt, end_attempt, read

SHARES = {"a rates": 2.0, "a loads": 1.0, "b rates": 2.0, "b loads": 1.0}


class Clock:
    now = 1000.0

    def __call__(self) -> float:
        return self.now


def budget(folder: Path, clock: Clock, seconds: float | None = 300.0) -> Budget:
    return Budget(folder / FILE, shares=SHARES, seconds=seconds, began=clock.now, clock=clock)


def test_without_a_limit_there_is_time_for_ever(tmp_path: Path) -> None:
    found = budget(tmp_path, Clock(), None)
    assert found.begin("a rates")() == math.inf
    found.end("a rates")
    assert not (tmp_path / FILE).exists()


def test_time_is_shared_by_weight_and_other_tests_are_left_their_room(tmp_path: Path) -> None:
    clock = Clock()
    found = budget(tmp_path, clock)
    clock.now += 30  # the first cell's other tests
    left = found.begin("a rates")
    assert left() == (300 - 30 - 30) / 3
    clock.now += 50
    assert left() == 30


def test_what_one_does_not_need_is_left_for_those_after_it(tmp_path: Path) -> None:
    clock = Clock()
    found = budget(tmp_path, clock)
    found.begin("a rates")
    clock.now += 10
    found.end("a rates")
    assert found.begin("a loads")() == (300 - 10) / 4
    found.end("a loads")
    clock.now += 20
    assert found.begin("b rates")() == (300 - 30) * 2 / 3
    found.end("b rates")
    assert found.begin("b loads")() == 270


def test_the_last_gets_all_and_never_less_than_nothing(tmp_path: Path) -> None:
    clock = Clock()
    found = budget(tmp_path, clock)
    clock.now += 400
    assert found.begin("b loads")() == 0
    clock.now += 5
    assert found.begin("b loads")() == 0


def test_a_run_that_was_cut_off_goes_on_with_what_it_had_left(tmp_path: Path) -> None:
    clock = Clock()
    first = budget(tmp_path, clock)
    first.begin("a rates")
    clock.now += 100
    first.end("a rates")
    clock.now += 5000
    assert begin_attempt(tmp_path) == 100
    assert read(tmp_path / FILE).done == []
    second = budget(tmp_path, clock)
    assert second.begin("b loads")() == 200


def test_a_run_that_was_killed_goes_on_with_what_it_had_left_after_its_last_start(tmp_path: Path) -> None:
    clock = Clock()
    first = budget(tmp_path, clock)
    first.begin("a rates")
    clock.now += 40
    first.note("a rates", 30)
    first.note("a rates", 20)
    clock.now += 5
    assert begin_attempt(tmp_path) == 40
    second = budget(tmp_path, clock)
    assert second.longest("a rates") == 30, "none begins later that would not end in time"
    assert second.longest("b rates") == 0


def test_an_attempt_that_ended_counts_to_its_end(tmp_path: Path) -> None:
    clock = Clock()
    found = budget(tmp_path, clock)
    found.begin("a rates")
    clock.now += 40
    found.end("a rates")
    assert end_attempt(tmp_path, began=1000.0, now=1060.0).attempts == {"1000.000": 60.0}
    assert begin_attempt(tmp_path) == 60


def test_a_torn_note_is_none(tmp_path: Path) -> None:
    (tmp_path / FILE).write_text('{"attempts": {"1')
    assert begin_attempt(tmp_path) == 0
