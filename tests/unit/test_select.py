from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from bakehouse.cards import find_gpu, has_card, require_card
from bakehouse.errors import InputError
from bakehouse.machine import Card, Machine, detect
from bakehouse.model.cell import Resolution, World
from bakehouse.model.words import AcceleratorName
from bakehouse.resolve import resolve
from bakehouse.select import Selection, select
from tests.unit.projects import matrix, recipe, world

CPU_ONLY = Machine(platform="linux/amd64", cores=2, cards=())
WITH_5090 = Machine(
    platform="linux/amd64", cores=8, cards=(Card(accelerator=AcceleratorName.CUDA, name="NVIDIA GeForce RTX 5090"),)
)


@pytest.fixture
def whole(tmp_path: Path) -> World:
    return world(
        tmp_path,
        matrix=matrix(
            bases=matrix()["bases"]
            | {"debian": matrix()["bases"]["debian"] | {"platforms": ["linux/amd64", "linux/arm64"]}},
            flag_sets={name: {"summary": "x", "accelerators": ["cpu"]} for name in ("default", "blas")},
            axes={
                "accelerator": ["cpu", "cuda"],
                "flag_set": ["default", "blas"],
                "platform": ["linux/amd64", "linux/arm64"],
            },
            archs={"sm_120": {"accelerator": "cuda"}},
            gpus={
                "rtx5090": {
                    "accelerator": "cuda",
                    "arch": "sm_120",
                    "memory": "32 GiB",
                    "aliases": ["geforce-rtx-5090"],
                }
            },
        ),
        recipes={"server": recipe(), "other": recipe()},
    )


@pytest.fixture
def resolution(whole: World) -> Resolution:
    return resolve(whole)


def names(whole: World, resolution: Resolution, machine: Machine = CPU_ONLY, **options: object) -> list[str]:
    selection = Selection(**options)  # type: ignore[arg-type]
    return [cell.name for cell in select(resolution, selection, matrix=whole.matrix, machine=machine)]


def test_without_options_the_machine_decides(whole: World, resolution: Resolution) -> None:
    assert names(whole, resolution) == [
        "other-cpu-amd64", "other-cpu-blas-amd64", "server-cpu-amd64", "server-cpu-blas-amd64",
    ]  # fmt: skip


def test_options_narrow_and_values_add_up(whole: World, resolution: Resolution) -> None:
    assert names(whole, resolution, only=("*-arm64", "*blas*"), recipe=("server",), skip=("*blas-arm64",)) == [
        "server-cpu-arm64", "server-cpu-blas-amd64",
    ]  # fmt: skip
    assert len(names(whole, resolution, everything=True)) == 8
    assert len(names(whole, resolution, gpu="cpu")) == 4


def test_an_empty_selection_says_why(whole: World, resolution: Resolution) -> None:
    with pytest.raises(
        InputError, match=r"no cell matches --only server-cpu-amd46\n  Perhaps you meant 'server-cpu-amd64'"
    ):
        names(whole, resolution, only=("server-cpu-amd46",))
    with pytest.raises(InputError, match=r"server-cuda-amd64 is excluded: the recipe server serves cpu, not cuda"):
        names(whole, resolution, only=("server-cuda-amd64",))
    with pytest.raises(InputError, match="can run no cell"):
        names(whole, resolution, Machine(platform="linux/riscv64", cores=1, cards=()))


def test_gpus_are_found_by_alias_and_case(whole: World) -> None:
    assert find_gpu("GeForce-RTX-5090", whole.matrix)[0] == "rtx5090"
    with pytest.raises(InputError, match=r"no GPU 'rtx509' in the catalogue\n  Perhaps you meant 'rtx5090'"):
        find_gpu("rtx509", whole.matrix)


def test_a_card_is_recognised_by_the_drivers_name(whole: World) -> None:
    assert has_card(WITH_5090, "rtx5090", whole.matrix)
    assert has_card(CPU_ONLY, "cpu", whole.matrix)
    assert not has_card(CPU_ONLY, "rtx5090", whole.matrix)
    laptop = replace(WITH_5090.cards[0], name="NVIDIA GeForce RTX 5090 Laptop GPU")
    assert not has_card(replace(WITH_5090, cards=(laptop,)), "rtx5090", whole.matrix)


def test_a_missing_card_is_named_with_what_is_there(whole: World) -> None:
    with pytest.raises(InputError) as caught:
        require_card(CPU_ONLY, "geforce-rtx-5090", whole.matrix, cells=resolve(whole).cells)
    text = str(caught.value)
    assert "this machine has no rtx5090 (cuda, sm_120, 32 GiB); it has: linux/amd64, 2 cores, no GPU" in text
    assert "bench -- --gpu rtx5090" in text
    assert "--no-tests" not in text, "there is no cell for it that could be built"


def test_detection_reads_the_bus_and_the_driver(tmp_path: Path) -> None:
    for address, vendor, kind in (
        ("0000:01:00.0", "0x10de", "0x030000"),
        ("0000:02:00.0", "0x1002", "0x038000"),
        ("0000:03:00.0", "0x8086", "0x060000"),
    ):
        device = tmp_path / "sys/bus/pci/devices" / address
        device.mkdir(parents=True)
        for file, text in (("vendor", vendor), ("class", kind), ("device", "0x2b85")):
            (device / file).write_text(text + "\n")
    information = tmp_path / "proc/driver/nvidia/gpus/0000:01:00.0/information"
    information.parent.mkdir(parents=True)
    information.write_text("Model: \t\t NVIDIA GeForce RTX 5090\nIRQ:   \t\t 47\n")
    found = detect(proc=tmp_path / "proc", sys=tmp_path / "sys", machine="aarch64")
    assert found.platform == "linux/arm64"
    assert [(card.accelerator, card.name) for card in found.cards] == [
        ("cuda", "NVIDIA GeForce RTX 5090"),
        ("rocm", "PCI 1002:2b85"),
    ]
