"""Back to an image that a channel named before."""

from __future__ import annotations

from datetime import timedelta

import pytest

from bakehouse.publish import rollback
from bakehouse.publish.channel import channel_tag
from bakehouse.publish.plan import Outcome
from bakehouse.publish.reading import read_history
from bakehouse.publish.rollback import RollbackPlan
from bakehouse.publish.steps import WriteHistory
from tests.unit.publish.conftest import World


def back(world: World, to: str | None = None) -> RollbackPlan:
    target, _ = world.stores()
    tags = {name: target.resolve(name) for name in ("nightly", channel_tag("nightly", "cpu"))}
    return rollback.plan(
        channel="nightly",
        variant="cpu",
        rules=world.policy.channels["nightly"],
        history=read_history(target, "nightly", "cpu"),
        tags={name: digest for name, digest in tags.items() if digest},
        to=to,
        now=world.day,
    )


def nights(world: World, number: int) -> list[str]:
    """Digests of so many nightlies, each better than the one before."""
    found = []
    for night in range(number):
        planned = world.publish(world.run(world.cell(seed=str(night), speed=100.0 + 10 * night)))
        assert planned.plan.outcome is Outcome.MOVES
        found.append(planned.plan.index.digest)
        world.day += timedelta(days=1)
    return found


def execute(world: World, plan: RollbackPlan) -> None:
    world.plan(world.run(world.cell(seed="0"))).executor.execute(plan.steps)


def test_to_the_one_before(world: World) -> None:
    first, second = nights(world, 2)
    plan = back(world)
    assert plan.digest == first
    execute(world, plan)
    assert world.tag("nightly-cpu") == first
    assert second in world.registry.manifests["me/toy"], "nothing is lost"


def test_a_second_time_it_changes_nothing(world: World) -> None:
    nights(world, 3)
    execute(world, back(world))
    assert back(world).steps == ()


def test_to_a_digest(world: World) -> None:
    first, _, third = nights(world, 3)
    execute(world, back(world, first))
    assert world.tag("nightly-cpu") == first
    execute(world, back(world, third))
    assert world.tag("nightly-cpu") == third


def test_to_a_digest_as_tables_show_it(world: World) -> None:
    first, *_ = nights(world, 3)
    assert back(world, first[:19]).digest == first


def test_to_what_the_channel_never_named(world: World) -> None:
    nights(world, 1)
    plan = back(world, "sha256:" + "0" * 64)
    assert plan.digest is None
    assert "never named" in plan.reason
    assert plan.steps == ()


def test_there_is_nothing_to_go_back_to(world: World) -> None:
    nights(world, 1)
    assert "no other image before" in back(world).reason


def test_one_that_was_cut_off_goes_to_the_same_image(world: World) -> None:
    first, *_ = nights(world, 2)
    plan = back(world)
    assert isinstance(plan.steps[0], WriteHistory)
    world.plan(world.run(world.cell(seed="0"))).executor.execute(plan.steps[:1])
    again = back(world)
    assert again.digest == first
    execute(world, again)
    assert world.tag("nightly-cpu") == first


def test_what_was_left_does_not_come_back_by_itself(world: World) -> None:
    """A retry of last night's job."""
    nights(world, 1)
    bad = world.run(world.cell(seed="bad"))
    world.publish(bad)
    execute(world, back(world))
    before = world.tag("nightly-cpu")
    planned = world.publish(bad)
    assert planned.plan.outcome is Outcome.STAYS
    assert "was rolled back from this image" in planned.plan.refusals[0]
    assert world.tag("nightly-cpu") == before


def test_the_next_one_moves_it_on(world: World) -> None:
    nights(world, 2)
    execute(world, back(world))
    planned = world.publish(world.run(world.cell(seed="next", speed=150.0)))
    assert planned.plan.outcome is Outcome.MOVES
    assert world.tag("nightly-cpu") == planned.plan.index.digest


@pytest.mark.parametrize("times", [1, 2])
def test_rollback_after_rollback_needs_to_say_where(world: World, times: int) -> None:
    _, second, _ = nights(world, 3)
    for _ in range(times):
        execute(world, back(world))
    assert world.tag("nightly-cpu") == second
