"""What goes, and when; and that it was told before (club-3090#258: a pinned nightly that had vanished)."""

from __future__ import annotations

import contextlib
from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any

import pytest

from bakehouse.model.publish import Publish
from bakehouse.publish import retention
from bakehouse.publish.execute import Executor
from bakehouse.publish.reading import repository_state
from bakehouse.publish.steps import Announce, Delete, Step
from bakehouse.registry.connection import TransientRegistryError
from bakehouse.registry.store import Store
from bakehouse.system.patience import Patience
from tests.unit.publish.conftest import World, signer
from tests.unit.publish.test_rollback import nights
from tests.unit.publish.watching import Reader

RULES = {"channels": {"nightly": {}, "stable": {}}, "retention": {"days": 60, "keep": 2, "notice_days": 30}}


def steps(world: World, roots: Mapping[str, str] | None = None) -> tuple[Step, ...]:
    state = repository_state(*world.stores())
    return retention.plan(state, world.policy, roots=roots or {}, now=world.day)


def prune(world: World, roots: Mapping[str, str] | None = None, **stores: Store) -> tuple[Step, ...]:
    found = steps(world, roots)
    target, staging = world.stores()
    given: dict[str, Any] = {"target": target, "staging": staging, **stores}
    Executor(images={}, signer=signer(), say=lambda _: None, **given).execute(found)
    return found


def digests(found: tuple[Step, ...], kind: type[Any]) -> set[str]:
    return {step.digest for step in found if isinstance(step, kind)}


_BUILT: dict[bool, tuple[dict[str, Any], datetime]] = {}


@pytest.fixture
def old(world: World) -> World:
    """Ten nightlies of ten days, of which stable took the first."""
    world.policy = Publish.model_validate(RULES)
    api = world.registry.referrers_api
    if api not in _BUILT:
        _ten_nights(world)
        _BUILT[api] = (world.registry.snapshot(), world.day)
    snapshot, world.day = _BUILT[api]
    world.registry.restore(snapshot)
    return world


def _ten_nights(world: World) -> None:
    first = world.run(world.cell(seed="0"))
    world.publish(first)
    world.publish(first, channel="stable")
    world.day += timedelta(days=1)
    for night in range(1, 10):
        world.publish(world.run(world.cell(seed=str(night), speed=100.0 + 10 * night)))
        world.day += timedelta(days=1)


def indexes(world: World) -> list[str]:
    tags = world.registry.tag_names["me/toy"]
    return [tags[tag] for tag in sorted(tags) if tag.startswith("b11312-cpu-")]


def test_nothing_goes_while_it_is_young(old: World) -> None:
    old.day += timedelta(days=5)
    assert steps(old) == ()


def test_it_is_announced_before_it_goes(old: World) -> None:
    all_of_them = indexes(old)
    old.day += timedelta(days=35)
    found = prune(old)
    assert not digests(found, Delete) & set(all_of_them)
    announced = digests(found, Announce)
    assert announced == set(all_of_them[1:8]), "not what stable names, not the newest two"
    assert not [step for step in steps(old) if isinstance(step, Announce)], "once"
    target, _ = old.stores()
    notice = next(one for one in target.referrers(all_of_them[1]) if "notice" in one.artifact_type)
    assert notice.annotations["io.bakehouse.expires"] == "2027-02-10", "30 days from when it was told"


def test_it_goes_when_its_time_has_come(old: World) -> None:
    all_of_them = indexes(old)
    old.day += timedelta(days=35)
    prune(old)
    reader = Reader("me/toy", "nightly-cpu", "stable-cpu")
    old.registry.watch = reader
    old.day += timedelta(days=40)
    prune(old)
    assert indexes(old) == [all_of_them[0], *all_of_them[8:]]
    assert reader.seen == []
    assert reader.looks
    left = old.registry.manifests["me/toy"]
    assert not set(all_of_them[1:8]) & set(left)
    assert steps(old) == ()


def test_nothing_goes_unannounced_however_old(old: World) -> None:
    old.day += timedelta(days=400)
    found = prune(old)
    assert not digests(found, Delete) & set(indexes(old))
    assert {step.expires for step in found if isinstance(step, Announce)} == {
        f"{old.day + timedelta(days=30):%Y-%m-%d}"
    }


def test_roots_stay(old: World) -> None:
    """What the lockfile or the history's baseline names, by the index or by one of its platforms."""
    all_of_them = indexes(old)
    target, _ = old.stores()
    manifest = target.manifest(all_of_them[3])
    assert manifest
    (child,) = manifest.children()
    roots = {all_of_them[2]: "bakehouse.lock names it", child.digest: "the baseline of run x"}
    for days in (35, 40):
        old.day += timedelta(days=days)
        prune(old, roots)
    assert {all_of_them[2], all_of_them[3]} <= set(indexes(old))
    assert all_of_them[4] not in indexes(old)


def test_what_others_put_there_is_left_alone(old: World) -> None:
    target, _ = old.stores()
    manifest = target.manifest("nightly-cpu")
    assert manifest
    foreign = target.manifest(next(manifest.children()).digest)
    assert foreign
    target.put_manifest(foreign, tag="by-hand")
    for days in (35, 40):
        old.day += timedelta(days=days)
        prune(old)
    assert old.tag("by-hand") == foreign.digest


def test_the_list_says_what_goes_and_why_the_rest_stays(old: World) -> None:
    old.day += timedelta(days=35)
    prune(old)
    state = repository_state(*old.stores())
    found = retention.published(state, old.policy, roots={}, now=old.day)
    assert [one.kept for one in found][:2] == ["nightly-cpu names it", "one of the newest 2"]
    assert found[-1].kept == "stable-cpu names it"
    assert all(one.announced and one.expires for one in found[2:-1])


def test_what_waited_in_staging_for_nothing_goes(old: World) -> None:
    old.day += timedelta(days=35)
    prune(old)
    assert not old.registry.tag_names["me/toy-staging"]


def campaign(world: World, how: str, *, each: int) -> int:
    """At how many requests pruning was broken off: the next run removes what the first had begun to."""
    world.policy = Publish.model_validate(RULES)
    nights(world, 3)
    world.day += timedelta(days=61)
    prune(world)
    world.day += timedelta(days=31)
    before = world.registry.snapshot()
    world.registry.log.clear()
    prune(world)
    requests, clean = len(world.registry.log), visible(world)
    for place in range(0, requests, each):
        world.registry.restore(before)
        reader = Reader("me/toy", "nightly-cpu")
        world.registry.watch = reader
        fault = world.registry.fail(".*", after=place, **{how: True})
        target, staging = world.stores(patience=Patience(attempts=1, unreached=1, connect=5, stall=5))
        with contextlib.suppress(TransientRegistryError):
            found = retention.plan(repository_state(target, staging), world.policy, roots={}, now=world.day)
            Executor(target=target, staging=staging, images={}, signer=None, say=lambda _: None).execute(found)
        assert not fault.times, "it was broken"
        prune(world)
        assert reader.seen == []
        assert visible(world) == clean, f"broken at request {place}"
        assert steps(world) == ()
    return len(range(0, requests, each))


def visible(world: World) -> tuple[dict[str, Any], set[str]]:
    """Tags, and what is held. Earlier journals, which no tag names any more, are the registry's own to collect."""
    state = world.registry.state()
    manifests = world.registry.manifests["me/toy"] | world.registry.manifests["me/toy-staging"]
    return state["tags"], {digest for digest, (_, content) in manifests.items() if b"prune.v1" not in content}


@pytest.mark.parametrize("how", ["drop", "late"])
def test_pruning_is_broken_off(world: World, how: str) -> None:
    """tests/registry does it at every request."""
    assert campaign(world, how, each=37) >= 2
