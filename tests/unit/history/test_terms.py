from __future__ import annotations

from typing import Any

import pytest

from bakehouse.history.terms import differences, hardware, remarks
from bakehouse.machine import Card
from bakehouse.model.enums import AcceleratorName
from bakehouse.model.history import GpuFacts
from bakehouse.model.report import Host

from .samples import HARDWARE, TERMS

HOST = Host(
    name="box",
    os="Debian",
    kernel="6.18",
    platform="linux/amd64",
    cpu="AMD EPYC",
    cores=16,
    memory_bytes=2**36,
    engine="Docker 26.1.5 (embedded)",
    buildx="0.13",
    gpus=["NVIDIA GeForce RTX 5090 (32607 MiB, driver 580.95)"],
)


def other(**changes: Any) -> list[str]:
    return differences(TERMS, TERMS.model_copy(update={"hardware": HARDWARE.model_copy(update=changes)}))


def settings(**changes: Any) -> list[str]:
    return differences(TERMS, TERMS.model_copy(update={"settings": TERMS.settings | changes}))


def test_alike() -> None:
    assert differences(TERMS, TERMS.model_copy(deep=True)) == []
    assert other(kernel="6.19", engine="Docker 27") == []


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"cpu": "Intel Xeon"}, "other CPU model: AMD EPYC and Intel Xeon"),
        ({"host": "other"}, "other host: box and other"),
        ({"cores": 8}, "other number of cores: 16 and 8"),
        ({"memory_bytes": 2**35}, "other memory: 64.0 GiB and 32.0 GiB"),
        ({"gpus": ()}, "1 GPUs and 0"),
        (
            {"is_software": True, "device": "lavapipe (software)"},
            "a real card (NVIDIA GeForce RTX 5090) against lavapipe (software)",
        ),
    ],
)
def test_other_hardware(changes: dict[str, Any], reason: str) -> None:
    assert other(**changes) == [reason]


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"driver": "570.1"}, "other driver: 580.95 and 570.1"),
        ({"power_limit_watts": 450.0}, "other power limit (W): 575.0 and 450.0"),
        ({"mig": True}, "other MIG mode: False and True"),
        ({"memory_bytes": 2**34}, "other GPU memory: 32.0 GiB and 16.0 GiB"),
        ({"name": "NVIDIA RTX A6000"}, "other GPU: NVIDIA GeForce RTX 5090 and NVIDIA RTX A6000"),
    ],
)
def test_other_card(changes: dict[str, Any], reason: str) -> None:
    assert other(gpus=(HARDWARE.gpus[0].model_copy(update=changes),)) == [reason]


def test_other_settings() -> None:
    assert settings(model_sha256="b" * 64) == ["other model file: aaaaaaaaaaaa… and bbbbbbbbbbbb…"]
    assert settings(arguments={"--threads": "4"}) == ["other server arguments: --threads 8 and 4"]
    assert settings(arguments={}) == ["other server arguments: --threads 8 and nothing"]
    assert settings(users=4) == ["other users: nothing and 4"]
    assert differences(TERMS, TERMS.model_copy(update={"definitions": 2})) == ["metric definitions 1 and 2"]
    assert differences(TERMS, TERMS.model_copy(update={"client": "aiperf 0.13"})) == [
        "other client: bakehouse 0.1.0 and aiperf 0.13"
    ]


def test_what_may_explain_a_change() -> None:
    theirs = TERMS.model_copy(update={"hardware": HARDWARE.model_copy(update={"kernel": "6.19"})})
    assert remarks(TERMS, theirs) == ["other kernel: 6.18 and 6.19"]


def test_fingerprint_of_a_machine() -> None:
    card = Card(
        accelerator=AcceleratorName.CUDA,
        name="NVIDIA GeForce RTX 5090",
        memory=2**35,
        driver="580.95",
        uuid="GPU-1",
        power_limit=575.0,
    )
    found = hardware(HOST, (card,), device=card.name)
    assert found.gpus == HARDWARE.gpus
    assert "GPU-1" not in found.model_dump_json()
    assert differences(TERMS, TERMS.model_copy(update={"hardware": found})) == []
    assert hardware(HOST).gpus == (GpuFacts(name=HOST.gpus[0]),)
