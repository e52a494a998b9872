"""What was really published to a registry, read back as a catalogue."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest

from bakehouse.config.catalogue_alone import catalogue_alone
from bakehouse.model.image_catalogue import ImageCatalogue
from bakehouse.publish.catalogue import Collector, cards
from bakehouse.publish.signing import load_signer, new_key
from bakehouse.registry.store import RegistryError, Source
from tests.unit.publish.conftest import DAY, World, signer

MATRIX = catalogue_alone()


def collect(world: World, **changes: object) -> ImageCatalogue:
    collector = Collector(policy=world.policy, matrix=MATRIX, key=signer().public, roots={}, now=world.day)
    return replace(collector, **changes).collect({"toy": world.stores()}, title="me")  # type: ignore[arg-type]


def test_everything_that_is_known_of_an_image(world: World) -> None:
    world.publish(world.run(world.cell()))
    (image,) = collect(world).images
    assert (image.channel, image.recipe, image.variant, image.version) == ("nightly", "toy", "cpu", "b11312")
    assert image.pull == f"{world.stores()[0].name}@{world.tag('nightly-cpu')}"
    assert image.tags == ["nightly-cpu", "b11312-cpu-20261127"]
    (platform,) = image.platforms
    assert (platform.platform, platform.cell, platform.commit) == ("linux/amd64", "toy-cpu-amd64", "a" * 40)
    assert platform.bytes_unpacked == 10 << 20
    assert platform.started == DAY
    assert image.cards == ["cpu"]
    assert [(one.workload, round(one.median), one.machine) for one in image.figures] == [
        ("tg128", 100, "AMD EPYC 9354, 2 cores")
    ]
    assert [(one.result, one.passed, one.failed) for one in image.tests] == [("PASSED", 3, [])]
    assert image.is_signed
    assert {"the signature", "test result", "provenance"} <= set(image.attestations)
    assert [event.kind for event in image.history] == ["moved"]
    assert not image.is_stale
    assert image.confirmed == DAY


def test_a_channel_that_nobody_confirms_is_stale(world: World) -> None:
    world.publish(world.run(world.cell()))
    world.day = DAY + timedelta(days=8)
    (image,) = collect(world).images
    assert image.is_stale


def test_what_another_key_signed_says_nothing(world: World) -> None:
    world.publish(world.run(world.cell()))
    other = load_signer({"BAKEHOUSE_SIGNING_KEY": new_key().decode()})
    assert other
    for key in (other.public, None):
        (image,) = collect(world, key=key).images
        assert (image.is_signed, image.figures, image.tests, image.attestations) == (False, [], [], [])
        assert image.platforms[0].commit == "", "whoever built it, nobody vouches for it"


def test_each_channel_names_its_own_and_old_ones_are_told_before_they_go(world: World) -> None:
    world.policy = world.policy.model_copy(
        update={"retention": world.policy.retention.model_copy(update={"days": 0, "keep": 0})}
    )
    world.publish(world.run(world.cell(seed="1")), channel="stable")
    world.day = DAY + timedelta(days=1)
    world.publish(world.run(world.cell(seed="2")))
    found = collect(world)
    assert [(image.channel, len(image.history)) for image in found.images] == [("nightly", 1), ("stable", 1)]
    assert found.images[0].digest != found.images[1].digest
    assert found.going == [], "nothing was announced"


def test_a_registry_that_does_not_answer_is_told(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    def silent(*_: object) -> None:
        raise RegistryError("status 503 Service Unavailable")

    monkeypatch.setattr("bakehouse.publish.catalogue.repository_state", silent)
    found = collect(world)
    assert found.images == []
    target: Source = world.stores()[0]
    assert found.unread == [f"{target.name} cannot be read: status 503 Service Unavailable"]


@pytest.mark.parametrize(
    ("accelerator", "archs", "platforms", "some", "none"),
    [
        ("cuda", ["sm_120"], ["linux/amd64"], {"rtx5090", "rtx5080"}, {"rtx4090", "gb10", "rx7900xtx"}),
        ("cuda", ["sm_86"], ["linux/amd64"], {"rtx3090", "rtx4090"}, {"rtx5090"}),
        ("cuda", ["sm_121"], ["linux/arm64"], {"gb10"}, {"rtx5090"}),
        ("vulkan", [], ["linux/amd64"], {"rtx5090", "rx7900xtx"}, {"gb10"}),
        ("cuda", ["sm_999"], ["linux/amd64"], set(), {"rtx5090"}),
        ("tpu", [], ["linux/amd64"], set(), {"rtx5090"}),
    ],
)
def test_cards_that_an_image_holds_code_for(
    accelerator: str, archs: list[str], platforms: list[str], some: set[str], none: set[str]
) -> None:
    found = set(cards(accelerator, archs, platforms, MATRIX))
    assert some <= found
    assert not none & found
