"""The whole way of an image into a channel, and what keeps it out."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest

from bakehouse.model.enums import Grade, Verdict
from bakehouse.model.publish import Publish
from bakehouse.model.report import Grading, Supplied
from bakehouse.publish.gates import GateState
from bakehouse.publish.plan import Outcome
from bakehouse.publish.reading import read_history
from bakehouse.publish.signing import load_signer, new_key
from bakehouse.publish.steps import Attach, Move
from bakehouse.publish.verify import lines, verify
from bakehouse.registry.copying import copy
from tests.unit.publish.conftest import World, rates, signer

TAG = "b11312-cpu-20261127"


def gate(planned: Any, name: str) -> Any:
    return next(one for one in planned.plan.gates if one.gate == name)


def test_what_passed_goes_out(world: World) -> None:
    cell = world.cell()
    planned = world.publish(world.run(cell))
    index = planned.plan.index
    assert planned.plan.outcome is Outcome.MOVES
    assert world.tag(TAG) == world.tag("nightly-cpu") == index.digest
    assert cell.image
    assert [child.digest for child in index.children()] == [cell.image.digest], "the tested digest, never a rebuild"
    assert world.registry.tag_names["me/toy-staging"] == {f"stg-20261127-{cell.image.digest[7:19]}": cell.image.digest}


def test_blobs_are_sent_once_and_mounted(world: World) -> None:
    world.publish(world.run(world.cell()))
    sent = [line for line in world.registry.log if line.startswith("PUT /v2/me/toy/blobs")]
    assert len(sent) <= 6 + 1, "bundles, the empty configuration and the history: no layer"


def test_a_second_run_writes_nothing(world: World) -> None:
    run = world.run(world.cell())
    world.publish(run)
    world.registry.log.clear()
    again = world.publish(run)
    assert again.plan.steps == ()
    assert again.plan.outcome is Outcome.CONFIRMED
    assert world.registry.writes == []


def test_a_dry_run_never_writes(world: World) -> None:
    planned = world.plan(world.run(world.cell()))
    assert world.registry.writes == []
    words = [str(step).split()[0] for step in planned.plan.steps]
    assert words[:3] == ["push", "push", "join"]
    assert set(words[3:-3]) == {"attest"}
    assert words[-3:] == ["tag", "move", "note"], "tags last, the channel last of all"


def test_what_is_attached_can_be_verified(world: World) -> None:
    planned = world.publish(world.run(world.cell()))
    target, _ = world.stores()
    found = verify(target, "nightly-cpu", name="toy:nightly-cpu", key=signer().public)
    assert found.problems == ()
    assert found.digest == planned.plan.index.digest
    text = "\n".join(f"{word} {what}" for word, what in lines(found))
    for part in (
        "b11312",
        "https://example.org/builder",
        "toy bbbbbbbbbbbb",
        "3 proofs and tests",
        "99.9 t/s",
        "1 package",
    ):
        assert part in text


def test_provenance_holds_what_the_image_was_made_from_and_nothing_of_other_cells(world: World) -> None:
    run = world.run(world.cell(supplies=["source toy"]))
    others = Supplied(kind="model", name="of-another", attempts=[], identity="c" * 64, locked=True)
    world.publish(run.model_copy(update={"supplies": [*run.supplies, others]}))

    text = "\n".join(what for _, what in lines(verify(world.stores()[0], "nightly-cpu", name="x", key=signer().public)))
    assert "source toy bbbbbbbbbbbb" in text
    assert "of-another" not in text


def test_another_key_is_not_believed(world: World) -> None:
    world.publish(world.run(world.cell()))
    other = load_signer({"BAKEHOUSE_SIGNING_KEY": new_key().decode()})
    assert other
    found = verify(world.stores()[0], "nightly-cpu", name="x", key=other.public)
    assert "it is not signed" in found.problems
    assert any("another key signed it" in problem for problem in found.problems)


def test_one_changed_byte_is_seen(world: World) -> None:
    world.publish(world.run(world.cell()))
    for (name, digest), content in list(world.registry.blobs.items()):
        if b"dsseEnvelope" in content:
            world.registry.blobs[name, digest] = content.replace(b'"payload":"ey', b'"payload":"eX')
    target, _ = world.stores()
    with pytest.raises(Exception, match="has another digest"):
        verify(target, "nightly-cpu", name="x", key=signer().public)


@pytest.mark.parametrize(
    ("how", "name", "state"),
    [
        ({"tests": Verdict.FAILED}, "probes", GateState.FAILED),
        ({"tests": Verdict.SKIPPED}, "probes", GateState.NOT_RUN),
        ({"tests": Verdict.ERRORED}, "probes", GateState.NOT_RUN),
        ({"proof": Verdict.FAILED}, "proof", GateState.FAILED),
        ({"checks": []}, "proof", GateState.NOT_RUN),
        ({"size_budget": 1 << 20}, "size", GateState.FAILED),
    ],
)
def test_what_did_not_pass_reaches_no_tag(world: World, how: dict[str, Any], name: str, state: GateState) -> None:
    planned = world.publish(world.run(world.cell(**how)))
    assert planned.plan.outcome is Outcome.STAYS
    assert gate(planned, name).state is state
    assert gate(planned, name).blocks
    assert gate(planned, name).reason
    assert not world.registry.tag_names.get("me/toy")
    assert world.registry.tag_names["me/toy-staging"], "it waits in staging"


def test_a_gate_that_could_not_run_blocks_where_the_policy_says_so(world: World) -> None:
    """tensorflow/build#167: the builder has no card."""
    cell = world.cell(tests=Verdict.SKIPPED)
    world.policy = Publish.model_validate({"channels": {"edge": {"gates": {"probes": "when-run"}}, "stable": {}}})
    assert world.plan(world.run(cell), channel="stable").plan.outcome is Outcome.STAYS
    planned = world.publish(world.run(cell), channel="edge")
    assert planned.plan.outcome is Outcome.MOVES
    assert gate(planned, "probes").state is GateState.NOT_RUN


def test_the_machine_with_the_card_completes_what_the_builder_could_not(world: World) -> None:
    built = world.cell(tests=Verdict.SKIPPED, speed=None)
    tested = built.model_copy(update={"build": None, "checks": [], "tests": world.cell().tests})
    runs = [world.run(built), world.run(tested, machine="with-card", after=30)]
    planned = world.publish(*runs)
    assert planned.plan.outcome is Outcome.MOVES
    results = [step for step in planned.plan.steps if isinstance(step, Attach) and "tests of" in str(step)]
    assert len(results) == 2


def test_a_slower_image_is_refused(world: World) -> None:
    world.publish(world.run(world.cell(seed="1")))
    before = world.tag("nightly-cpu")
    world.day += timedelta(days=1)
    planned = world.publish(world.run(world.cell(seed="2", speed=80.0)))
    assert gate(planned, "speed").state is GateState.FAILED
    assert "20.0% worse" in gate(planned, "speed").reason
    assert world.tag("nightly-cpu") == before


@pytest.mark.parametrize(("speed", "state"), [(60.0, GateState.NOT_RUN), (90.0, GateState.PASSED)])
def test_a_noisy_figure_that_is_far_worse_is_not_waved_through(world: World, speed: float, state: GateState) -> None:
    size = rates(100.0, workload="pp512")
    world.publish(world.run(world.cell(seed="1", measurements=[rates(100.0), size])))
    world.day += timedelta(days=1)
    noisy = Grading(grade=Grade.NOISY, low=speed * 0.9, high=speed * 1.1, reasons=["other work"])
    slow = rates(speed).model_copy(update={"grading": noisy})
    planned = world.publish(world.run(world.cell(seed="2", measurements=[slow, size])))
    found = gate(planned, "speed")
    assert found.state is state, found
    assert planned.plan.outcome is Outcome.MOVES, "the default policy only tells it"
    assert ("looks much worse and cannot be told, tg128 decode_rate" in found.reason) == (state is GateState.NOT_RUN)


def test_a_faster_image_moves_the_channel(world: World) -> None:
    first = world.publish(world.run(world.cell(seed="1")))
    world.day += timedelta(days=1)
    second = world.publish(world.run(world.cell(seed="2", speed=120.0)))
    assert gate(second, "speed").state is GateState.PASSED
    assert world.tag("nightly-cpu") == second.plan.index.digest != first.plan.index.digest
    assert world.tag(TAG) == first.plan.index.digest, "the older one is still there"


def test_rates_of_another_machine_tell_nothing(world: World) -> None:
    world.publish(world.run(world.cell(seed="1")))
    world.day += timedelta(days=1)
    planned = world.plan(world.run(world.cell(seed="2", speed=50.0), machine="other"))
    assert gate(planned, "speed").state is GateState.NOT_RUN
    assert "another machine" in gate(planned, "speed").reason
    assert planned.plan.outcome is Outcome.MOVES


def test_an_immutable_tag_never_moves(world: World) -> None:
    world.publish(world.run(world.cell(seed="1")))
    world.day += timedelta(hours=1)
    planned = world.publish(world.run(world.cell(seed="2")))
    assert planned.plan.outcome is Outcome.STAYS
    assert any(f"{TAG} names sha256:" in refusal for refusal in planned.plan.refusals)


def test_an_old_image_gets_no_new_tag(world: World) -> None:
    """xinference#1216: a tag of today on the image of last week."""
    world.publish(world.run(world.cell(seed="1")))
    before = dict(world.registry.tag_names["me/toy"])
    world.day += timedelta(days=7)
    planned = world.publish(world.run(world.cell(seed="1")))
    assert planned.plan.tag == TAG
    assert planned.plan.outcome is Outcome.CONFIRMED
    after = dict(world.registry.tag_names["me/toy"])
    assert set(before) == set(after)
    history = read_history(world.stores()[0], "nightly", "cpu")
    assert [entry.kind for entry in history.entries] == ["moved", "confirmed"]


def test_an_older_build_does_not_replace_a_newer_one(world: World) -> None:
    old = world.run(world.cell(seed="old"))
    world.day += timedelta(days=1)
    world.publish(world.run(world.cell(seed="new")))
    planned = world.publish(old)
    assert planned.plan.outcome is Outcome.STAYS
    assert any("only --rollback goes back" in refusal for refusal in planned.plan.refusals)


def test_a_set_that_is_half_there_moves_nothing(world: World) -> None:
    both = ("linux/amd64", "linux/arm64")
    amd64 = world.run(world.cell())
    planned = world.publish(amd64, wanted=both)
    assert planned.plan.outcome is Outcome.STAYS
    assert any("linux/arm64 is missing" in refusal for refusal in planned.plan.refusals)
    arm64 = world.run(world.cell(architecture="arm64"), machine="spark", name="20261127-040000-spark")
    joined = world.publish(amd64, arm64, wanted=both)
    assert joined.plan.outcome is Outcome.MOVES
    assert [child.platform for child in joined.plan.index.children()] == [
        {"architecture": "amd64", "os": "linux"},
        {"architecture": "arm64", "os": "linux"},
    ]


def test_the_index_is_the_same_whoever_joins_it(world: World) -> None:
    runs = [world.run(world.cell(architecture=name), name=f"r-{name}") for name in ("amd64", "arm64")]
    assert world.plan(*runs).plan.index == world.plan(*reversed(runs)).plan.index


def test_the_plain_tag_moves_with_its_variant(world: World) -> None:
    world.policy = Publish.model_validate({"channels": {"nightly": {"plain": "cpu"}}})
    planned = world.publish(world.run(world.cell()))
    assert world.tag("nightly") == world.tag("nightly-cpu") == planned.plan.index.digest


def test_staging_alone(world: World) -> None:
    planned = world.publish(world.run(world.cell()), channel=None)
    assert planned.plan.outcome is Outcome.STAGED
    assert list(world.registry.tag_names["me/toy-staging"])
    assert not world.registry.tag_names.get("me/toy")


def test_images_of_different_versions_are_not_joined(world: World) -> None:
    runs = [
        world.run(world.cell(architecture=name, version=version), name=f"r-{name}")
        for name, version in (("amd64", "b1"), ("arm64", "b2"))
    ]
    planned = world.plan(*runs)
    assert any("different versions: b1, b2" in refusal for refusal in planned.plan.refusals)


def test_a_channel_that_another_moved_meanwhile_is_left_alone(world: World) -> None:
    world.publish(world.run(world.cell(seed="1")))
    world.day += timedelta(days=1)
    planned = world.plan(world.run(world.cell(seed="2")))
    other = world.layout.manifest(world.cell(seed="3").image.digest)  # type: ignore[union-attr]
    target, _ = world.stores()
    assert other
    copy(other.digest, source=world.layout, target=target, tag="nightly-cpu")
    with pytest.raises(Exception, match=r"was moved to .* meanwhile"):
        planned.execute()
    assert world.tag("nightly-cpu") == other.digest


def test_the_gates_of_stable_are_its_own(world: World) -> None:
    world.policy = Publish.model_validate(
        {"channels": {"nightly": {}, "stable": {"gates": {"speed": "required", "licences": "required"}}},
         "denied_licences": ("LGPL-2*",)}
    )  # fmt: skip
    run = world.run(world.cell())
    assert world.publish(run).plan.outcome is Outcome.MOVES
    planned = world.publish(run, channel="stable")
    assert gate(planned, "licences").state is GateState.FAILED
    assert "LGPL-2.1+" in " ".join(gate(planned, "licences").details)
    assert world.tag("stable-cpu") is None


def test_a_promotion_to_stable_sends_no_image(world: World) -> None:
    run = world.run(world.cell())
    world.publish(run)
    world.registry.log.clear()
    planned = world.publish(run, channel="stable")
    assert [type(step) for step in planned.plan.steps][:1] == [Move]
    assert world.tag("stable-cpu") == world.tag("nightly-cpu")
