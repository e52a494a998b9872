"""Broken off at every request, and killed with SIGKILL at twenty places: run again, and the end is the same."""

from __future__ import annotations

import os
import signal
import sys
import time
from datetime import timedelta
from pathlib import Path

import pytest

from bakehouse.publish.signing import KEY as KEY_NAME
from bakehouse.system import daemon
from tests.unit.publish import test_broken_off, test_retention
from tests.unit.publish.conftest import KEY, World
from tests.unit.publish.watching import Reader

KILLS = 20
PROJECT = Path(__file__).parents[2]


@pytest.mark.parametrize("how", ["drop", "late"])
def test_publishing_is_broken_off_at_every_request(world: World, how: str) -> None:
    assert test_broken_off.campaign(world, how, each=1) >= 40


@pytest.mark.parametrize("how", ["drop", "late"])
def test_pruning_is_broken_off_at_every_request(world: World, how: str) -> None:
    assert test_retention.campaign(world, how, each=1) >= 40


def test_it_is_killed(world: World, tmp_path: Path) -> None:
    """Another process publishes; it dies while the registry answers its n-th request."""
    world.publish(world.run(world.cell(seed="1")))
    world.day += timedelta(days=1)
    newer = world.run(world.cell(seed="2"))
    before = world.registry.snapshot()
    world.registry.log.clear()
    world.publish(newer)
    requests, clean = len(world.registry.log), world.registry.state()
    (tmp_path / "run.json").write_text(newer.model_dump_json())
    for kill in range(KILLS):
        world.registry.restore(before)
        reader = Reader("me/toy", "nightly-cpu", "b11312-cpu-20261128")
        world.registry.watch = reader
        place = kill * requests // KILLS
        fault = world.registry.fail(".*", after=place, hold=True)
        _publish_and_kill(world, tmp_path, fault)
        world.publish(newer)
        assert reader.seen == [], f"killed at request {place}"
        assert world.registry.state() == clean, f"killed at request {place}"


def _publish_and_kill(world: World, folder: Path, fault: object) -> None:
    args = [sys.executable, "-m", "tests.registry.publish_once", str(folder), world.registry.host]
    pid = daemon.start(args, log=folder / "child.log", env={**os.environ, KEY_NAME: KEY, "PYTHONPATH": str(PROJECT)})
    deadline = time.monotonic() + 120
    while getattr(fault, "times") and time.monotonic() < deadline:  # noqa: B009 - of the double
        assert daemon.alive(pid), (folder / "child.log").read_text()
        time.sleep(0.005)
    os.kill(pid, signal.SIGKILL)
    while daemon.alive(pid):
        time.sleep(0.005)
    world.registry.let_go()
