"""Rules on recorded facts: a DGX Spark after a boot and after a download, an RTX 5090, an old driver."""

from __future__ import annotations

from dataclasses import replace

import pytest

from bakehouse.machine.preflight import Demand, Memory, PreflightFacts, look
from bakehouse.model.enums import AcceleratorName
from bakehouse.model.machine import Card

GIB = 2**30
SPARK = PreflightFacts(
    platform="linux/arm64",
    card=Card(
        accelerator=AcceleratorName.CUDA, name="NVIDIA GB10", arch="sm_121", shared_memory=True, driver="580.95.05"
    ),
    memory=Memory(total=128_458_534_912, free=118 * GIB, available=118 * GIB),
    card_platform="linux/arm64",
    first_driver="580.65.06",
    toolkit_driver="580",
)
"""`nvidia-smi` says of its memory: Not Supported. /proc/meminfo: MemTotal 125447788 kB."""
AFTER_A_DOWNLOAD = replace(SPARK, memory=Memory(total=128_458_534_912, free=50 * GIB, available=117 * GIB))
"""60 GB of a model lie in the page cache."""
RTX = PreflightFacts(
    platform="linux/amd64",
    card=Card(
        accelerator=AcceleratorName.CUDA, name="NVIDIA GeForce RTX 5090", arch="sm_120", memory=32 * GIB,
        driver="575.57.08",
    ),
    memory=Memory(total=64 * GIB, free=2 * GIB, available=60 * GIB),
    card_platform="linux/amd64",
    first_driver="570.86.16",
)  # fmt: skip


def errors(facts: PreflightFacts, demand: Demand) -> list[str]:
    return [f"{one.what} -> {one.advice}" for one in look(facts, demand) if one.severity == "error"]


def test_a_fresh_machine_holds_what_it_can() -> None:
    assert errors(SPARK, Demand(utilization=0.85, weight_bytes=60 * GIB)) == []
    found = look(SPARK, Demand(utilization=0.85))
    assert any("of the 120 GiB that processor and card share" in one.what for one in found)


def test_page_cache_counts_as_used() -> None:
    (said,) = errors(AFTER_A_DOWNLOAD, Demand(utilization=0.85))

    assert "only 50.0 GiB are free now, because page cache counts as used" in said
    assert "drop_caches" in said
    assert "or say --gpu-memory-utilization 0.39" in said
    assert errors(AFTER_A_DOWNLOAD, Demand(utilization=0.39)) == []


def test_what_no_cache_could_free_is_too_much() -> None:
    (said,) = errors(SPARK, Demand(utilization=0.99))

    assert "118 GiB are available, and the system needs about 6.00 GiB of them" in said
    assert "Say --gpu-memory-utilization 0.93 or less" in said
    assert errors(SPARK, Demand(utilization=0.93)) == []


def test_without_an_option_vllms_own_share_is_judged() -> None:
    busy = replace(SPARK, memory=Memory(total=128_458_534_912, free=90 * GIB, available=100 * GIB))

    assert "0.9, vLLM's default, asks for 108 GiB" in errors(busy, Demand())[0]


def test_nothing_is_left_for_a_server() -> None:
    full = replace(SPARK, memory=Memory(total=128_458_534_912, free=1 * GIB, available=4 * GIB))

    assert "nothing is left for a server" in errors(full, Demand(utilization=0.5))[0]


@pytest.mark.parametrize(
    ("weights", "said"),
    [
        (29, "Say --gpu-memory-utilization 1.00 or more"),
        (40, "Take a smaller model"),
    ],
)
def test_weights_that_do_not_fit(weights: int, said: str) -> None:
    assert said in errors(RTX, Demand(utilization=0.9, weight_bytes=weights * GIB))[0]


def test_a_card_with_memory_of_its_own_is_not_held_against_the_machines() -> None:
    assert errors(RTX, Demand(utilization=0.9, weight_bytes=20 * GIB)) == []


def test_an_old_driver_is_named_with_why() -> None:
    assert SPARK.card is not None
    old = replace(SPARK, card=replace(SPARK.card, driver="570.133.20"))

    assert (
        "driver 570.133.20 is older than 580.65.06, the first that knows this card"
        in errors(old, Demand(utilization=0.5))[0]
    )
    newer = replace(RTX, toolkit_driver="580")
    assert "older than 580, the first that runs this code" in errors(newer, Demand())[0]


def test_another_platform_is_a_warning() -> None:
    found = look(replace(SPARK, platform="linux/amd64"), Demand(utilization=0.5))

    assert [one.what for one in found if one.severity == "warning"] == [
        "this machine is linux/amd64, and machines with such a card are linux/arm64"
    ]


def test_no_card_and_one_with_a_problem() -> None:
    assert errors(replace(SPARK, card=None), Demand())[0].startswith("this machine has no card")
    assert SPARK.card is not None
    broken = replace(SPARK, card=replace(SPARK.card, problem="no driver is loaded"))
    assert "cannot be used: no driver is loaded" in errors(broken, Demand(utilization=0.5))[0]


def test_memory_that_nobody_tells_is_not_judged() -> None:
    assert RTX.card is not None
    silent = replace(RTX, card=replace(RTX.card, memory=None))

    assert errors(silent, Demand(utilization=0.9, weight_bytes=GIB)) == []
    assert any("the card's memory is unknown" in one.what for one in look(silent, Demand()))
