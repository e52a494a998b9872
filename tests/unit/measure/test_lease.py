"""With real processes: a lock that one process takes from itself proves nothing."""

from __future__ import annotations

import os
import signal
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from bakehouse.measure.lease import LeaseTimeoutError, hold, holders
from bakehouse.system import daemon

SCRIPT = """
import sys, time
from pathlib import Path
from bakehouse.measure.lease import hold
folder, name, exclusive = Path(sys.argv[1]), sys.argv[2], sys.argv[3] == "exclusive"
(folder / (name + ".asks")).touch()
with hold("cpu", folder=folder, run=name, exclusive=exclusive, timeout=20):
    (folder / (name + ".holds")).touch()
    while not (folder / (name + ".release")).exists():
        time.sleep(0.005)
(folder / (name + ".done")).touch()
"""


class Other:
    """Another process that asks for the CPU."""

    def __init__(self, folder: Path, name: str, mode: str) -> None:
        self._mark = folder / name
        command = [sys.executable, "-c", SCRIPT, str(folder), name, mode]
        self.pid = daemon.start(command, log=folder / f"{name}.log")

    def said(self, word: str, *, within: float = 10.0) -> bool:
        deadline = time.monotonic() + within
        while not self._mark.with_suffix(f".{word}").exists():
            if time.monotonic() > deadline:
                return False
            time.sleep(0.005)
        return True

    def release(self) -> None:
        self._mark.with_suffix(".release").touch()

    def kill(self) -> None:
        os.kill(self.pid, signal.SIGKILL)
        os.waitpid(self.pid, 0)


@pytest.fixture
def other(tmp_path: Path) -> Iterator[Callable[[str, str], Other]]:
    started: list[Other] = []

    def start(name: str, mode: str) -> Other:
        started.append(Other(tmp_path, name, mode))
        return started[-1]

    yield start
    for one in started:
        if daemon.alive(one.pid):
            one.kill()


def test_sharers_share_and_a_measurement_waits_for_all_of_them(
    tmp_path: Path, other: Callable[[str, str], Other]
) -> None:
    first = other("first", "shared")
    assert first.said("holds")
    with hold("cpu", folder=tmp_path, run="me", exclusive=False, timeout=5):
        alone = other("alone", "exclusive")
        assert alone.said("asks")
        assert not alone.said("holds", within=0.1)
    assert not alone.said("holds", within=0.1)
    first.release()
    assert alone.said("holds")


def test_a_waiting_measurement_is_not_starved(tmp_path: Path, other: Callable[[str, str], Other]) -> None:
    first = other("first", "shared")
    assert first.said("holds")
    alone = other("alone", "exclusive")
    assert alone.said("asks")
    time.sleep(0.1)
    with pytest.raises(LeaseTimeoutError), hold("cpu", folder=tmp_path, run="late", exclusive=False, timeout=0.1):
        pytest.fail("it overtook the measurement that waits")
    first.release()
    assert alone.said("holds")


def test_a_hold_ends_with_its_process_however_it_ends(tmp_path: Path, other: Callable[[str, str], Other]) -> None:
    crashed = other("crashed", "exclusive")
    assert crashed.said("holds")
    crashed.kill()
    with hold("cpu", folder=tmp_path, run="me", exclusive=True, timeout=5) as waited:
        assert waited < 1
        assert [holder.run for holder in holders("cpu", folder=tmp_path)] == ["me"]


def test_who_waits_long_learns_for_whom_and_gives_up_in_the_end(
    tmp_path: Path, other: Callable[[str, str], Other]
) -> None:
    busy = other("busy", "exclusive")
    assert busy.said("holds")
    said: list[str] = []
    with pytest.raises(LeaseTimeoutError) as caught:  # noqa: SIM117 - what raises is the entering
        with hold("cpu", folder=tmp_path, run="me", exclusive=True, timeout=0.2, say=said.append, patience=0.05):
            pytest.fail("two measure at once")
    assert f"held by a measurement of run busy (process {busy.pid}, since " in caught.value.message
    assert len(said) == 1
    assert said[0].startswith("waiting for the cpu, which is held by a measurement of run busy")


def test_devices_are_independent(tmp_path: Path) -> None:
    with (
        hold("cpu", folder=tmp_path, run="me", exclusive=True, timeout=1),
        hold("gpu-0", folder=tmp_path, run="me", exclusive=True, timeout=1),
    ):
        assert len(holders("gpu-0", folder=tmp_path)) == 1
    assert holders("gpu-0", folder=tmp_path) == []


def test_programs_that_we_start_do_not_keep_our_hold(tmp_path: Path) -> None:
    with hold("cpu", folder=tmp_path, run="me", exclusive=True, timeout=1):
        child = daemon.start(["sleep", "20"], log=tmp_path / "log")
    try:
        with hold("cpu", folder=tmp_path, run="me", exclusive=True, timeout=0.2):
            pass
    finally:
        daemon.stop(child, grace=1)
