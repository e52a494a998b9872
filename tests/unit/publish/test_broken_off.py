"""Broken off at a request, before or after it was carried out, and run again: the same end, and no reader saw less.

tests/registry does it at every request; here at some of them.
"""

from __future__ import annotations

import contextlib
from datetime import timedelta

import pytest

from bakehouse.model.publish import Publish
from bakehouse.model.report import RunReport
from bakehouse.registry.connection import TransientRegistryError
from bakehouse.system.patience import Patience
from tests.unit.publish.conftest import World
from tests.unit.publish.watching import Reader

EACH = 23


def campaign(world: World, how: str, *, each: int) -> int:
    """At how many requests it was broken."""
    world.policy = Publish.model_validate({"channels": {"nightly": {"plain": "cpu"}}})
    world.publish(world.run(world.cell(seed="1")))
    world.day += timedelta(days=1)
    newer = world.run(world.cell(seed="2"))
    before = world.registry.snapshot()
    world.registry.log.clear()
    world.publish(newer)
    requests = len(world.registry.log)
    clean = world.registry.state()
    for place in range(0, requests, each):
        world.registry.restore(before)
        _broken_at(world, newer, place, how)
        assert world.registry.state() == clean, f"broken at request {place}"
        world.registry.log.clear()
        world.publish(newer)
        assert world.registry.writes == []
    return len(range(0, requests, each))


def _broken_at(world: World, newer: RunReport, place: int, how: str) -> None:
    """The first time it is broken off, the second time it goes on."""
    reader = Reader("me/toy", "nightly", "nightly-cpu", "b11312-cpu-20261128")
    world.registry.watch = reader
    fault = world.registry.fail(".*", after=place, **{how: True})
    target, staging = world.stores(patience=Patience(attempts=1, unreached=1, connect=5, stall=5))
    with contextlib.suppress(TransientRegistryError):
        world.publish(newer, target=target, staging=staging)
    assert not fault.times, "it was broken"
    world.publish(newer)
    assert reader.seen == [], f"broken at request {place}"
    assert reader.looks


@pytest.mark.parametrize("how", ["drop", "late"])
def test_publishing_is_broken_off(world: World, how: str) -> None:
    assert campaign(world, how, each=EACH) >= 2
