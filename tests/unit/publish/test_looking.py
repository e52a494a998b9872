"""What the world says of an image's bases today."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from bakehouse.model.publish import Publish
from bakehouse.model.report import Attempt, Supplied
from bakehouse.publish.candidates import Candidate, variants
from bakehouse.publish.facts import BaseFact, Facts
from bakehouse.publish.gates import GateState, GateSubject, freshness
from bakehouse.publish.looking import Looker
from bakehouse.registry.opening import Registries
from bakehouse.system.patience import Patience
from tests.doubles.images import put_image
from tests.doubles.registry import FakeRegistry, serving
from tests.unit.publish.conftest import DAY, World


@pytest.fixture
def bases() -> Any:
    with serving(FakeRegistry()) as registry:
        yield registry


def candidate(world: World, base: Supplied) -> Candidate:
    run = world.run(world.cell()).model_copy(update={"supplies": [base]})
    (variant,) = variants([run], wanted={})
    return variant.candidates[0]


def base(place: str, identity: str) -> Supplied:
    return Supplied(
        kind="base", name="debian", attempts=[Attempt(place=place, ok=True)], identity=identity, locked=True
    )


def judged(world: World, supplied: Supplied, *, registries: Registries | None, days: int = 30) -> Any:
    found = candidate(world, supplied)
    looker = Looker(registries=registries, database=None, now=DAY)
    facts = looker.facts(found, world.layout)
    policy = Publish.model_validate({"base_days": days})
    state, reason, _ = freshness(GateSubject(candidate=found, facts=facts, policy=policy, present=None))
    return state, reason


def test_an_outdated_base(world: World, bases: FakeRegistry, tmp_path: Path) -> None:
    registries = Registries({"DOCKER_CONFIG": str(tmp_path)}, patience=Patience(sleep=lambda _: None))
    world.registry, own = bases, world.registry
    world.repository = "library/debian"
    store, _ = world.stores()
    old, new = put_image(store, seed="old"), put_image(store, seed="new")
    store.put_manifest(new, tag="trixie")
    world.registry = own
    place = f"registry {bases.host}/library/debian:trixie"
    state, reason = judged(world, base(place, old.digest), registries=registries)
    assert state is GateState.FAILED, "the double's images are of 1970"
    assert "days old, and has been" in reason
    assert judged(world, base(place, new.digest), registries=registries)[0] is GateState.PASSED
    assert judged(world, base(place, old.digest), registries=registries, days=3650)[0] is GateState.FAILED
    gone = "sha256:" + "0" * 64
    assert judged(world, base(place, gone), registries=registries)[0] is GateState.PASSED, "nobody knows its age"
    registries.close()


def test_what_cannot_be_asked_is_not_run(world: World) -> None:
    state, reason = judged(world, base("registry ghcr.io/x/y:1", "sha256:" + "0" * 64), registries=None)
    assert (state, "offline" in reason) == (GateState.NOT_RUN, True)
    state, reason = judged(world, base("debootstrap trixie", "sha256:" + "0" * 64), registries=None)
    assert (state, "made on the machine that built" in reason) == (GateState.NOT_RUN, True)


def test_a_young_base_may_be_outdated(world: World) -> None:
    found = candidate(world, base("x", "sha256:" + "1" * 64))
    fact = BaseFact(name="debian", digest="sha256:" + "1" * 64, newest="sha256:" + "2" * 64, age_days=10)
    subject = GateSubject(candidate=found, facts=Facts(bases=(fact,)), policy=Publish(), present=None)
    assert freshness(subject)[0] is GateState.PASSED
    older = replace(subject, facts=Facts(bases=(replace(fact, age_days=31),)))
    assert freshness(older)[0] is GateState.FAILED
