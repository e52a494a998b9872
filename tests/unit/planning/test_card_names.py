from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bakehouse.model.enums import AcceleratorName
from bakehouse.model.matrix import Arch, Gpu
from bakehouse.planning.card_names import archs_for, find_rows, near_names, plain, rows_named
from tests.unit.projects import MATRIX
from tests.unit.worlds import build

CUDA, ROCM, XPU = AcceleratorName.CUDA, AcceleratorName.ROCM, AcceleratorName.XPU


def card(accelerator: AcceleratorName, arch: str, *aliases: str, pci: tuple[str, ...] = ()) -> Gpu:
    return Gpu(accelerator=accelerator, arch=arch, aliases=aliases, pci=pci)


GPUS = {
    "gtx960": card(CUDA, "sm_52", "geforce-gtx-960"),
    "gtx1080ti": card(CUDA, "sm_61", "geforce-gtx-1080-ti"),
    "rtx2080ti": card(CUDA, "sm_75", "geforce-rtx-2080-ti"),
    "rtx5090": card(CUDA, "sm_120", "geforce-rtx-5090", pci=("10de:2b85",)),
    "rtx5090-laptop": card(CUDA, "sm_120", "geforce-rtx-5090-laptop-gpu"),
    "rtx6000-ada": card(CUDA, "sm_89", "rtx-6000-ada-generation"),
    "quadro-rtx6000": card(CUDA, "sm_75"),
    "titan-x": card(CUDA, "sm_61", "titan-x-pascal"),
    "a100": card(CUDA, "sm_80", "a100-sxm4-80gb"),
    "h100": card(CUDA, "sm_90"),
    "b200": card(CUDA, "sm_100"),
    "gb200": card(CUDA, "sm_100"),
    "ai-pro-r9700": card(ROCM, "gfx1201", "radeon-ai-pro-r9700"),
    "rx7600": card(ROCM, "gfx1102", "radeon-rx-7600"),
    "rx7900xtx": card(ROCM, "gfx1100", "radeon-rx-7900-xtx"),
    "strix-halo": card(ROCM, "gfx1151", "radeon-8060s"),
    "arc-a770": card(XPU, "acm-g10"),
    "arc-b580": card(XPU, "bmg-g21", "b580"),
}
ARCHS = {
    name: Arch(accelerator=kind)
    for kind, names in {CUDA: "sm_100 sm_90 sm_52", ROCM: "gfx1100 gfx90a gfx908", XPU: "bmg-g21 acm-g10"}.items()
    for name in names.split()
}
WORLD = build(MATRIX | {"sources": {}}, {}).matrix.model_copy(update={"gpus": GPUS, "archs": ARCHS})


@pytest.mark.parametrize(
    ("written", "row"),
    [
        ("NVIDIA GeForce RTX 5090", "rtx5090"),
        ("NVIDIA GeForce RTX 5090 Laptop GPU", "rtx5090-laptop"),
        ("NVIDIA GB200", "gb200"),
        ("NVIDIA B200", "b200"),
        ("NVIDIA TITAN X (Pascal)", "titan-x"),
        ("Radeon RX 7900 XTX (RADV NAVI31)", "rx7900xtx"),
        ("AMD Radeon 8060S Graphics", "strix-halo"),
        ("Intel(R) Arc(TM) B580 Graphics", "arc-b580"),
        ("Intel(R) Arc(tm) A770 Graphics (DG2)", "arc-a770"),
        ("rtx-5090", "rtx5090"),
        ("RTX 5090", "rtx5090"),
    ],
)
def test_a_card_is_found_by_what_drivers_and_people_write(written: str, row: str) -> None:
    assert rows_named(written, GPUS) == [row]


@pytest.mark.parametrize("written", ["", "NVIDIA", "Graphics", "NVIDIA GeForce RTX 5090 D", "NVIDIA H100 MIG 1g.10gb"])
def test_another_card_is_not_taken_for_one_of_the_catalogue(written: str) -> None:
    assert rows_named(written, GPUS) == []


def test_a_card_is_found_by_its_pci_id() -> None:
    assert find_rows("10DE:2b85", WORLD) == ["rtx5090"]
    assert find_rows("10de:ffff", WORLD) == []


@pytest.mark.parametrize(
    ("typed", "row"),
    [
        ("5090", "rtx5090"),
        ("7900 XTX", "rx7900xtx"),
        ("2080-ti", "rtx2080ti"),
        ("8060S", "strix-halo"),
        ("6000", None),
        ("6000 ada", "rtx6000-ada"),
        ("980", None),
        ("9700", None),
        ("b580", "arc-b580"),
        ("5090d", None),
    ],
)
def test_a_number_alone_is_the_one_card_for_players_that_has_it(typed: str, row: str | None) -> None:
    assert find_rows(typed, WORLD) == ([row] if row else [])


@pytest.mark.parametrize(
    ("typed", "near"),
    [
        ("gtx2080ti", ["rtx2080ti"]),
        ("rtx1080ti", ["gtx1080ti"]),
        ("rtx5009", ["rtx5090"]),
        ("rtx50090", ["rtx5090"]),
        ("rtx590", ["rtx5090"]),
        ("5090", ["rtx5090", "rtx5090-laptop"]),
        ("rtx6000", ["rtx6000-ada", "quadro-rtx6000"]),
        ("rx9700", ["ai-pro-r9700"]),
        ("radeon-7900xtx", ["rx7900xtx"]),
        ("strix-hallo", ["strix-halo"]),
    ],
)
def test_a_slip_is_put_right(typed: str, near: list[str]) -> None:
    assert near_names(typed, GPUS) == near


@pytest.mark.parametrize(
    "typed", ["rtx4080", "rtx6090", "gtx690", "r9600", "rx7800", "k80", "b100", "h10", "arc-b770", "voodoo"]
)
def test_a_card_with_another_number_is_not_suggested(typed: str) -> None:
    assert near_names(typed, GPUS) == []


@pytest.mark.parametrize(
    ("typed", "first"),
    [
        ("gtx690", ["sm_52", "sm_90", "sm_100"]),
        ("k80", ["sm_52", "sm_90", "sm_100"]),
        ("voodoo", ["sm_52", "sm_90", "sm_100"]),
        ("rx9999", ["gfx908", "gfx90a", "gfx1100"]),
        ("mi400x", ["gfx908", "gfx90a", "gfx1100"]),
        ("9999xt", ["gfx908", "gfx90a", "gfx1100"]),
        ("arc-b770", ["acm-g10", "bmg-g21"]),
    ],
)
def test_the_archs_of_a_cards_vendor_by_number_and_of_all_where_nothing_tells_it(typed: str, first: list[str]) -> None:
    found = archs_for(typed, WORLD)
    assert found[: len(first)] == first
    vendors = {WORLD.archs[arch].accelerator for arch in found}
    assert len(vendors) == (3 if typed in ("k80", "voodoo") else 1)
    assert {arch for arch in ARCHS if WORLD.archs[arch].accelerator in vendors} == set(found)


@given(st.text(max_size=40))
def test_any_text_is_a_question(text: str) -> None:
    near = near_names(text, GPUS)
    assert set(near) <= set(GPUS)
    assert len(near) == len(set(near))
    assert all(row in GPUS for row in find_rows(text, WORLD))
    archs_for(text, WORLD)


@given(st.sampled_from(sorted(GPUS)))
def test_a_cards_own_name_is_nearest_to_itself(name: str) -> None:
    assert near_names(plain(name), GPUS)[0] == name
