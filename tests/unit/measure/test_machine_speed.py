from __future__ import annotations

import json
from itertools import count
from pathlib import Path

import pytest

from bakehouse.measure import machine_speed
from bakehouse.measure.machine_speed import LARGEST, SMALLEST, MachineSpeed, measure_speed, speed_of_machine


def speed(read: float, *, quiet: bool) -> MachineSpeed:
    return MachineSpeed(read=read, copy=read / 2, products=read * 3, working_set=SMALLEST, quiet=quiet)


def test_this_machine_reads_copies_and_multiplies() -> None:
    found = measure_speed(SMALLEST, threads=(1,))
    assert found.working_set == SMALLEST
    assert 1e7 < found.read < 1e14
    assert 1e6 < found.copy < 1e14
    assert 1e6 < found.products < 1e16


def test_the_best_try_counts() -> None:
    """Each look at the clock is later by a step; the third try of each kind is the quickest."""
    ticks = count()

    def clock() -> float:
        return next(ticks) * 0.001

    found = measure_speed(SMALLEST, clock=clock, threads=(1,))
    assert found.read == pytest.approx(SMALLEST / 0.001)
    assert found.copy == pytest.approx(2 * SMALLEST / 0.001)
    assert found.products == pytest.approx(2 * 2048**3 / 0.001)


def measured(monkeypatch: pytest.MonkeyPatch, *results: MachineSpeed) -> list[int]:
    sizes: list[int] = []
    waiting = list(results)

    def measure(size: int) -> MachineSpeed:
        sizes.append(size)
        return waiting.pop(0)

    monkeypatch.setattr(machine_speed, "measure_speed", measure)
    return sizes


def test_it_is_measured_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    sizes = measured(monkeypatch, speed(10, quiet=True))
    assert speed_of_machine(tmp_path, working_set=97_000_000) == speed(10, quiet=True)
    assert speed_of_machine(tmp_path, working_set=100_000_000) == speed(10, quiet=True), "of like size"
    assert sizes == [128 * 2**20]


def test_what_others_had_a_part_in_is_measured_again_and_the_best_counts(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    measured(monkeypatch, speed(8, quiet=False), speed(5, quiet=False), speed(7, quiet=True))
    found = [speed_of_machine(tmp_path, working_set=1) for _ in range(4)]
    assert [one.read for one in found] == [8, 8, 8, 8]
    assert [one.quiet for one in found] == [False, False, True, True]


def test_sizes_have_bounds(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    sizes = measured(monkeypatch, speed(1, quiet=True), speed(1, quiet=True))
    speed_of_machine(tmp_path, working_set=1)
    speed_of_machine(tmp_path, working_set=400 * 10**9)
    assert sizes == [SMALLEST, LARGEST]


def test_a_file_that_is_damaged_is_written_anew(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    measured(monkeypatch, speed(1, quiet=True), speed(2, quiet=True))
    speed_of_machine(tmp_path, working_set=1)
    (file,) = (tmp_path / "speed").iterdir()
    file.write_text("{")
    assert speed_of_machine(tmp_path, working_set=1).read == 2
    assert json.loads(file.read_text())["read"] == 2
