from __future__ import annotations

from datetime import UTC, datetime

import pytest

from bakehouse.config.catalogue_alone import catalogue_alone
from bakehouse.errors import InputError
from bakehouse.model.image_catalogue import PublishedImage
from bakehouse.model.machine import Machine
from bakehouse.planning.choose_image import Choice, best_of_each, choices
from bakehouse.planning.gpus import find_target
from tests.unit.reporters.images import cuda, figure, image, sample_catalogue

MATRIX = catalogue_alone()
HERE = Machine(platform="linux/amd64", cores=2, cards=())


def ask(images: list[PublishedImage], card: str, driver: str | None = None) -> tuple[Choice, ...]:
    return choices(images, find_target(card, MATRIX, HERE), MATRIX, driver=driver)


def names(found: tuple[Choice, ...]) -> list[str]:
    return [choice.image.variant for choice in found]


def test_own_code_on_the_newest_toolkit_that_the_driver_runs() -> None:
    images = sample_catalogue().images
    fresh = [one.model_copy(update={"is_stale": False}) for one in images]
    assert names(ask(fresh, "rtx5090"))[0] == "cuda13.0-sm120"
    found = ask(fresh, "rtx5090", "575.60")
    assert names(found)[0] == "cuda12.9-sm120"
    assert found[0].why[:2] == (
        "native code for sm_120",
        "CUDA 12.9.2 has all features from driver 575.57.08 on",
    )
    assert "312.4 tokens/s on NVIDIA GeForce RTX 5090" in found[0].why[2]
    refused = {choice.image.variant: choice.refused for choice in found if choice.refused}
    assert "driver 575.60 is too old for CUDA 13.0.2" in refused["cuda13.0-sm120"]


def test_what_nobody_confirms_or_signs_comes_after_the_rest() -> None:
    found = ask(sample_catalogue().images, "rtx5090", "580.95.05")
    assert names(found)[0] == "cuda12.9-sm120", "the newer toolkit's is stale"
    stale = next(choice for choice in found if choice.image.variant == "cuda13.0-sm120")
    assert stale.why[-1] == "no run has confirmed it since 2026-11-27"
    (unsigned,) = [choice for choice in ask(sample_catalogue().images, "rtx3090") if choice.image.archs]
    assert "signed" in unsigned.why[-1]


def test_an_image_whose_tests_failed_is_not_advised() -> None:
    found = ask(sample_catalogue().images, "rx7900xtx")
    assert names(found) == ["vulkan"]
    assert found[0].refused == "its tests failed: test_smoke.py::test_answers"


@pytest.mark.parametrize(
    ("card", "archs", "words"),
    [
        ("rtx4090", ("sm_86",), "code for sm_86, which sm_89 runs"),
        ("gb10", ("sm_120",), None),
        ("cpu", (), "code for this processor, chosen when it starts"),
    ],
)
def test_how_the_code_fits_is_said(card: str, archs: tuple[str, ...], words: str | None) -> None:
    one = cuda("x", "a", *archs, toolkit="12.9.2") if archs else image("cpu", "a")
    found = ask([one], card)
    assert (found[0].why[0] if found else None) == words


def test_of_equal_images_the_faster_one_and_one_of_each_recipe() -> None:
    cell = "llama-server-cuda12.9-sm120-amd64"
    fast = figure(cell, "NVIDIA GeForce RTX 5090", 300)
    slow = figure("llama-server-other-amd64", "NVIDIA GeForce RTX 5090", 200)
    images = [
        cuda("other", "b", "sm_120", toolkit="12.9.2", figures=[slow]),
        cuda("cuda12.9-sm120", "a", "sm_120", toolkit="12.9.2", figures=[fast]),
        cuda("third", "c", "sm_120", toolkit="12.8.1", recipe="vllm"),
    ]
    found = ask(images, "rtx5090")
    assert names(found)[:2] == ["cuda12.9-sm120", "other"]
    assert names(best_of_each(found)) == ["cuda12.9-sm120", "third"]


def test_a_catalogue_of_another_version_is_no_bug() -> None:
    strange = image("x", "a", accelerator="tpu"), cuda("y", "b", "sm_999", toolkit="99"), image("z", "c", toolkit="odd")
    assert names(ask([*strange], "cpu")) == ["z"]
    late = image("x", "a", is_stale=True, confirmed=None), image("y", "b", confirmed=datetime(2026, 1, 1, tzinfo=UTC))
    assert names(ask([*late], "cpu")) == ["y", "x"]
    with pytest.raises(InputError, match="no version of a driver"):
        ask([*late], "cpu", "12.9")
