from __future__ import annotations

from dataclasses import replace

import pytest

from bakehouse.errors import InputError
from bakehouse.machine import Card, Machine
from bakehouse.model.cell import Resolution, World
from bakehouse.model.enums import AcceleratorName
from bakehouse.planning.gpus import (
    Fit,
    find_target,
    fit,
    fit_of,
    has_card,
    recognise,
    require_card,
    runs_on,
    target_of,
    without_row,
)
from tests.unit.accelerated import accelerated

CUDA = AcceleratorName.CUDA
CPU_ONLY = Machine(platform="linux/amd64", cores=2, cards=())


def with_card(name: str, platform: str = "linux/amd64", **facts: object) -> Machine:
    card = Card(**({"accelerator": CUDA, "name": name} | facts))  # type: ignore[arg-type]
    return Machine(platform=platform, cores=8, cards=(card,))


@pytest.fixture(scope="module")
def project() -> tuple[World, Resolution]:
    return accelerated()


def test_cards_are_found_by_name_alias_and_spelling(project: tuple[World, Resolution]) -> None:
    matrix = project[0].matrix
    for word in ("rtx5090", "GeForce-RTX-5090", "RTX 5090", "rtx-5090"):
        assert find_target(word, matrix, CPU_ONLY).name == "rtx5090"


def test_an_unknown_card_gets_suggestions_and_another_way(project: tuple[World, Resolution]) -> None:
    matrix = project[0].matrix
    with pytest.raises(InputError) as caught:
        find_target("rtx509", matrix, CPU_ONLY)
    assert "there is no GPU 'rtx509' in the catalogue" in str(caught.value)
    assert "Perhaps you meant 'rtx5090' (sm_120)." in str(caught.value)
    assert "A card without a row can be named by what it runs: --gpu " in str(caught.value)
    assert "sm_89, sm_90, sm_120, sm_121, sm_120f)." in str(caught.value), "the archs of its vendor"
    with pytest.raises(InputError, match=r"There is: gb10, rtx4090, rtx5090, rx7900xtx, cpu\."):
        find_target("voodoo", matrix, CPU_ONLY)


def test_a_name_of_radv_says_the_arch(project: tuple[World, Resolution]) -> None:
    assert find_target("AMD Radeon Graphics (RADV GFX1100)", project[0].matrix, CPU_ONLY).arch == "gfx1100"


@pytest.mark.parametrize("written", ["rtx5090,rtx4090", "rtx5090, rtx4090", "rtx5090 + rtx4090", "rtx5090 and cpu"])
def test_several_cards_in_one_word_are_refused(written: str, project: tuple[World, Resolution]) -> None:
    """The last one alone would be found, and answered for."""
    with pytest.raises(InputError, match="names several cards"):
        find_target(written, project[0].matrix, CPU_ONLY)


@pytest.mark.parametrize("word", ["sm_89", "sm89", "8.9", "SM_89"])
def test_a_card_without_a_row_is_named_by_its_compute_capability(word: str, project: tuple[World, Resolution]) -> None:
    target = find_target(word, project[0].matrix, CPU_ONLY)
    assert (target.arch, target.platforms, target.gpu) == ("sm_89", (), None)
    assert find_target("12.1", project[0].matrix, CPU_ONLY).platforms == ("linux/arm64",)


@pytest.mark.parametrize(
    ("word", "cell", "how"),
    [
        ("rtx5090", "server-cuda12.9-sm120-amd64", Fit.NATIVE),
        ("rtx5090", "server-cuda12.9-many-amd64", Fit.NATIVE),
        ("rtx5090", "server-cuda12.9-sm120-arm64", None),
        ("rtx5090", "server-cuda12.4-many-amd64", Fit.PTX),
        ("rtx5090", "server-cuda12.9-sm86-amd64", None),
        ("rtx5090", "server-vulkan-amd64", Fit.PORTABLE),
        ("rtx5090", "server-cpu-amd64", None),
        ("rtx4090", "server-cuda12.9-sm86-amd64", Fit.COMPATIBLE),
        ("rtx4090", "server-vulkan-amd64", None),
        ("gb10", "server-cuda13.0-sm120f-arm64", Fit.FAMILY),
        ("cpu", "server-cpu-blas-amd64", Fit.NATIVE),
        ("cpu", "server-cpu-arm64", None),
        ("gfx1100", "server-rocm7.2-gfx1100-amd64", Fit.NATIVE),
    ],
)
def test_how_code_comes_to_run_on_a_card(word: str, cell: str, how: Fit | None) -> None:
    archs = ["sm_86", "sm_120", "sm_120f", "sm_121", "many", "gfx1100"]
    found, resolution = accelerated(axes=_axes(archs))
    target = find_target(word, found.matrix, CPU_ONLY)
    assert fit_of({one.name: one for one in resolution.cells}[cell], target, found.matrix) is how


def _axes(archs: list[str]) -> dict[str, object]:
    return {
        "accelerator": ["cpu", "cuda", "rocm", "vulkan"],
        "toolkit": ["cuda12.4", "cuda12.9", "cuda13.0", "rocm7.2"],
        "arch": archs,
        "flag_set": ["default", "blas"],
        "platform": ["linux/amd64", "linux/arm64"],
    }


def test_ptx_serves_later_cards_unless_it_is_of_one_arch_alone(project: tuple[World, Resolution]) -> None:
    """ggml compiles a plain 12X as 12Xa, whose PTX runs on 12X alone."""
    matrix = project[0].matrix

    def how(ptx: str, card: str) -> Fit | None:
        target = find_target(card, matrix, CPU_ONLY)
        return fit(target, accelerator=CUDA, platform="linux/arm64", archs=("sm_90",), ptx=ptx, matrix=matrix)

    assert how("sm_90", "gb10") is Fit.PTX
    assert how("sm_120", "gb10") is None
    assert how("sm_90", "sm_89") is None, "PTX of a later arch"


# ---------------------------------------------------------------------------------------------- this machine's cards


def test_a_found_card_is_recognised_by_the_end_of_its_name_or_its_pci_id(project: tuple[World, Resolution]) -> None:
    def name_of(name: str, pci: str | None = None) -> str | None:
        found = recognise(Card(accelerator=CUDA, name=name, pci=pci), project[0].matrix)
        return found[0] if found else None

    assert name_of("NVIDIA GeForce RTX 5090") == "rtx5090"
    assert name_of("NVIDIA GeForce RTX 5090 Laptop GPU") is None
    assert name_of("PCI 10de:2684", "10de:2684") == "rtx4090"
    assert name_of("PCI 10de:0000", "10de:0000") is None


def here(project: tuple[World, Resolution], machine: Machine) -> list[str]:
    found, resolution = project
    return [cell.name for cell in resolution.cells if runs_on(cell, machine, found.matrix)]


def test_a_machine_runs_what_holds_code_for_its_card(project: tuple[World, Resolution]) -> None:
    assert here(project, CPU_ONLY) == ["server-cpu-amd64", "server-cpu-blas-amd64"]
    assert here(project, with_card("NVIDIA GeForce RTX 5090"))[2:] == [
        "server-cuda12.9-many-amd64", "server-cuda12.9-sm120-amd64", "server-cuda13.0-many-amd64",
        "server-cuda13.0-sm120-amd64", "server-vulkan-amd64",
    ]  # fmt: skip


def test_an_old_driver_or_a_problem_leaves_cells_out(project: tuple[World, Resolution]) -> None:
    old = with_card("NVIDIA GeForce RTX 5090", driver="570.10")
    assert here(project, old)[2:] == [
        "server-cuda12.9-many-amd64", "server-cuda12.9-sm120-amd64", "server-vulkan-amd64",
    ]  # fmt: skip
    broken = with_card("NVIDIA GeForce RTX 5090", problem="the driver is not loaded")
    assert here(project, broken) == here(project, CPU_ONLY)


def test_a_card_that_is_not_in_the_catalogue_is_served_by_its_capability(project: tuple[World, Resolution]) -> None:
    machine = with_card("NVIDIA RTX 2000 Ada", arch="sm_89", pci="10de:28b0", memory=16 * 2**30)
    assert here(project, machine)[2:] == [
        "server-cuda12.4-many-amd64", "server-cuda12.4-sm86-amd64", "server-cuda12.9-many-amd64",
        "server-cuda12.9-sm86-amd64", "server-cuda13.0-many-amd64", "server-cuda13.0-sm86-amd64",
        "server-vulkan-amd64",
    ]  # fmt: skip
    (note,) = without_row(machine, project[0].matrix)
    assert "is not in the catalogue; its cells are chosen by what it runs, sm_89" in note
    assert note.endswith('\n  rtx-2000-ada: {accelerator: cuda, arch: sm_89, memory: 16 GiB, pci: ["10de:28b0"]}')
    assert has_card(machine, "8.9", project[0].matrix)
    assert not has_card(machine, "rtx4090", project[0].matrix), "as fast as another card of its arch it is not"


def test_a_card_that_nobody_knows_runs_what_its_driver_compiles(project: tuple[World, Resolution]) -> None:
    matrix = project[0].matrix
    assert here(project, with_card("PCI 10de:ffff"))[2:] == ["server-vulkan-amd64"]
    (note,) = without_row(with_card("PCI 10de:ffff"), matrix)
    assert "nothing tells what it runs" in note
    (note,) = without_row(with_card("NVIDIA Next", arch="sm_150"), matrix)
    assert "it runs sm_150, which is not among the matrix's archs either" in note
    assert without_row(with_card("NVIDIA GeForce RTX 5090"), matrix) == []


def test_has_card(project: tuple[World, Resolution]) -> None:
    matrix = project[0].matrix
    assert has_card(with_card("NVIDIA GeForce RTX 5090"), "rtx5090", matrix)
    assert has_card(with_card("NVIDIA GeForce RTX 5090"), "sm_120", matrix)
    assert has_card(CPU_ONLY, "cpu", matrix)
    assert not has_card(CPU_ONLY, "rtx5090", matrix)


def test_a_missing_card_is_named_with_what_is_there(project: tuple[World, Resolution]) -> None:
    found, resolution = project
    with pytest.raises(InputError) as caught:
        require_card(CPU_ONLY, "geforce-rtx-5090", found.matrix, cells=resolution.cells)
    text = str(caught.value)
    assert "this machine has no rtx5090 (cuda, sm_120, 32 GiB); it has: linux/amd64, 2 cores, no GPU" in text
    assert "bench -- --gpu rtx5090" in text
    assert "build-matrix -- --gpu rtx5090 --no-tests" in text
    with pytest.raises(InputError) as caught:
        require_card(CPU_ONLY, "rtx5090", found.matrix, cells=())
    assert "--no-tests" not in str(caught.value), "there is no cell for it that could be built"


def test_the_machines_platform_counts_not_the_catalogues(project: tuple[World, Resolution]) -> None:
    machine = with_card("NVIDIA GeForce RTX 5090", platform="linux/arm64")
    target = target_of(machine.cards[0], project[0].matrix, machine)
    assert target.platforms == ("linux/arm64",)
    assert replace(target, platforms=()).name == "rtx5090"
