from __future__ import annotations

from typing import Any

import pytest

from bakehouse.machine import Card
from bakehouse.model.enums import AcceleratorName
from bakehouse.model.matrix import Toolkit
from bakehouse.model.recipe import Health
from bakehouse.model.suite import Subject
from bakehouse.suite.gpu_compat import PATIENCE, patient, unfit

CUDA_13 = Toolkit(
    accelerator=AcceleratorName.CUDA,
    version="13.0.0",
    build_base="x",
    driver_floor="580.65.06",
    driver_floor_minor="580.65.06",
)
CARD = Card(accelerator=AcceleratorName.CUDA, name="NVIDIA GeForce RTX 3090", arch="sm_86", driver="580.95.05")


def subject(**changes: Any) -> Subject:
    values: dict[str, Any] = {
        "cell": "c",
        "server": "llama.cpp",
        "recipe": "r",
        "accelerator": "cuda",
        "reference": "x",
        "digest": "sha256:0",
        "platform": "linux/amd64",
        "port": 8080,
        "version": "1",
        "plugins": [],
        "health": Health(start_period=60.0),
        "memory_limit": "1 GiB",
        "toolkit": CUDA_13,
        "archs": ["sm_80"],
        "runs_on": ["sm_80", "sm_86"],
    }
    return Subject.model_validate(values | changes)


def card(**changes: Any) -> Card:
    return Card(
        **({"accelerator": CARD.accelerator, "name": CARD.name, "arch": "sm_86", "driver": "580.95.05"} | changes)
    )


def test_a_card_that_runs_the_code() -> None:
    assert unfit(subject(), CARD) is None


def test_another_arch() -> None:
    assert unfit(subject(), card(arch="sm_120")) == "it runs sm_120, and the image holds code for sm_80"
    assert unfit(subject(ptx=True), card(arch="sm_120")) is None, "its driver compiles the PTX"
    assert unfit(subject(runs_on=[]), card(arch="sm_120")) is None, "nobody promised an arch"


def test_an_older_driver() -> None:
    reason = unfit(subject(), card(driver="525.60.13"))
    assert reason is not None
    assert "driver 525.60.13 is too old for CUDA 13.0.0: it takes 580.65.06" in reason


@pytest.mark.parametrize("driver", [None, "6.12.12", "development"])
def test_a_driver_that_does_not_count_like_nvidias(driver: str | None) -> None:
    assert unfit(subject(), card(driver=driver)) is None


def test_vulkan_runs_on_any_card() -> None:
    assert unfit(subject(accelerator="vulkan"), card(arch="sm_50", driver="390.10")) is None


def test_software_gets_more_time() -> None:
    assert patient(subject()).health.start_period == 60.0 * PATIENCE
