"""What is built first for a card and a driver, checked against the vendors' documents.

NVIDIA: table 3 of each CUDA version's release notes (full features), the compatibility guide (CUDA 12 from driver 525
on, CUDA 13 from 580 on), nvcc's manual and RAPIDS' table (code in Zstandard from 550.54.14 on), the release notes of
CUDA 13.0 (nothing before Turing) and of driver 580 (the last for Maxwell, Pascal and Volta), "supported products" of
drivers 570 and 580. AMD and Intel: their drivers are in the image.
"""

from __future__ import annotations

from functools import cache

import pytest

from bakehouse.machine import Machine
from bakehouse.planning.gpus import Fit, find_target
from bakehouse.planning.recommend import Advice, advise
from tests.project.test_matrix import own

MACHINE = Machine(platform="linux/amd64", cores=2, cards=())


@cache
def advice(card: str, driver: str | None = None) -> Advice:
    world, resolution = own()
    target = find_target(card, world.matrix, MACHINE)
    return advise(resolution.cells, resolution, world.matrix, target=target, driver=driver)


@pytest.mark.parametrize(
    ("card", "driver", "toolkit", "code"),
    [
        # 525 to 550.54.13: CUDA 12, whose code is not compressed with Zstandard
        ("rtx4090", "535.183.01", "cuda12.4", "sm_89"),
        ("rtx4090", "525.60.13", "cuda12.4", "sm_89"),
        ("rtx4090", "545.23.08", "cuda12.4", "sm_89"),
        ("rtx4090", "550.54.13", "cuda12.4", "sm_89"),
        ("rtx4060ti", "535.54", "cuda12.4", "sm_89"),
        ("rtx4080", "535", "cuda12.4", "sm_89"),
        ("rtx3090", "535.183.01", "cuda12.4", "sm_86"),
        ("rtx3090", "525.147.05", "cuda12.4", "sm_86"),
        ("rtx3090ti", "530.41.03", "cuda12.4", "sm_86"),
        ("rtx-a6000", "535.129.03", "cuda12.4", "sm_86"),
        ("a10", "535.183.01", "cuda12.4", "sm_86"),
        ("a40", "535.104.05", "cuda12.4", "sm_86"),
        ("a100", "535.183.01", "cuda12.4", "sm_80"),
        ("a100-40gb", "525.85.12", "cuda12.4", "sm_80"),
        ("a30", "535.183.01", "cuda12.4", "sm_80"),
        ("h100", "535.183.01", "cuda12.4", "sm_90"),
        ("h100-pcie", "535.54.03", "cuda12.4", "sm_90"),
        ("h100-nvl", "535.161.08", "cuda12.4", "sm_90"),
        ("h200", "550.54.13", "cuda12.4", "sm_90"),
        ("l4", "535.183.01", "cuda12.4", "sm_89"),
        ("l40s", "535.183.01", "cuda12.4", "sm_89"),
        ("t4", "535.183.01", "cuda12.4", "sm_75"),
        ("rtx2080ti", "525.60.13", "cuda12.4", "sm_75"),
        ("rtx6000-ada", "535.183.01", "cuda12.4", "sm_89"),
        # what CUDA 13 no longer compiles
        ("tesla-p40", "535.183.01", "cuda12.4", "sm_61"),
        ("tesla-p40", "550.54.15", "cuda12.4", "sm_61"),
        ("tesla-p40", "580.95.05", "cuda12.9", "sm_61"),
        ("v100", "550.54.14", "cuda12.4", "sm_70"),
        ("v100", "535.183.01", "cuda12.4", "sm_70"),
        ("v100", "570.195.03", "cuda12.8", None),
        ("v100", "575.57.08", "cuda12.9", "sm_70"),
        ("sm_61", "580.126.09", "cuda12.9", "sm_61"),
        ("sm_70", "525.60.13", "cuda12.4", "sm_70"),
        # from 550.54.14 on
        ("rtx4090", "550.54.15", "cuda12.4", "sm_89"),
        ("rtx4090", "560.35.05", "cuda12.4", "sm_89"),
        ("h100", "550.90.07", "cuda12.4", "sm_90"),
        ("a100", "550.163.01", "cuda12.4", "sm_80"),
        # each driver has the toolkit that it was made for
        ("rtx4090", "570.124.06", "cuda12.8", "sm_89"),
        ("rtx3090", "570.195.03", "cuda12.8", "sm_86"),
        ("rtx4090", "575.57.08", "cuda12.9", "sm_89"),
        ("h100", "575.64.03", "cuda12.9", "sm_90"),
        ("a100", "575.57.08", "cuda12.9", "sm_80"),
        ("rtx4090", "580.95.05", "cuda13.0", "sm_89"),
        ("rtx3090", "580.126.09", "cuda13.0", "sm_86"),
        ("t4", "580.95.05", "cuda13.0", "sm_75"),
        ("a100", "580.95.05", "cuda13.0", "sm_80"),
        ("h100", "590.48.01", "cuda13.0", "sm_90"),
        ("rtx4090", "580.65.06", "cuda13.0", "sm_89"),
        ("rtx4090", "550", "cuda12.4", "sm_89"),
        ("rtx4090", "580", "cuda13.0", "sm_89"),
        ("rtx5090", "570", "cuda12.8", "sm_120a"),
        # Blackwell
        ("rtx5090", "570.86.16", "cuda12.8", "sm_120a"),
        ("rtx5090", "570.124.06", "cuda12.8", "sm_120a"),
        ("rtx5090", "575.57.08", "cuda12.9", "sm_120a"),
        ("rtx5090", "580.95.05", "cuda13.0", "sm_120a"),
        ("rtx5080", "580.126.09", "cuda13.0", "sm_120a"),
        ("rtx5060ti", "575.64.05", "cuda12.9", "sm_120a"),
        ("b200", "570.133.20", "cuda12.9", "sm_100"),
        ("b200", "580.95.05", "cuda13.0", "sm_100"),
        ("b300", "580.95.05", "cuda13.0", "sm_103"),
        ("gb10", "580.95.05", "cuda13.0", "sm_121a"),
        ("gb10", "580.65.06", "cuda13.0", "sm_121a"),
        ("gh200", "535.183.01", "cuda12.4", "sm_90"),
        ("gh200", "580.95.05", "cuda13.0", "sm_90"),
        # without a word about the driver: what the branch with long-term support runs wholly
        ("rtx4090", None, "cuda13.0", "sm_89"),
        ("rtx5090", None, "cuda13.0", "sm_120a"),
        ("tesla-p40", None, "cuda12.9", "sm_61"),
        ("v100", None, "cuda12.9", "sm_70"),
        ("gb10", None, "cuda13.0", "sm_121a"),
        ("a100", None, "cuda13.0", "sm_80"),
        # borders of branches, and names as people type them
        ("Quadro RTX 8000", "550.54.14", "cuda12.4", "sm_75"),
        ("T1000", "575.51.03", "cuda12.8", "sm_75"),
        ("Titan Xp", "535.54.03", "cuda12.4", "sm_61"),
        ("GTX 1080", "580.95.05", "cuda12.9", "sm_61"),
        ("GTX 980 Ti", "535.183.01", "cuda12.4", "sm_50"),
        ("A100 SXM4 40GB", "525.60.13", "cuda12.4", "sm_80"),
        ("4070 Ti Super", "550.54.14", "cuda12.4", "sm_89"),
        ("L4", "535.183.01", "cuda12.4", "sm_89"),
        ("L40S", "580.65.06", "cuda13.0", "sm_89"),
        ("H20", "535.161.08", "cuda12.4", "sm_90"),
        ("GH200 480GB", "560.28.03", "cuda12.4", "sm_90"),
        ("GB200", "570.133.20", "cuda12.9", "sm_100"),
        ("GB300", "580.95.05", "cuda13.0", "sm_103"),
        ("RTX 5080", "590.44.01", "cuda13.0", "sm_120a"),
        ("RTX PRO 6000 Blackwell Max-Q", "575.57.08", "cuda12.9", "sm_120a"),
        ("RTX PRO 5000 72GB", "580.95.05", "cuda13.0", "sm_120a"),
        ("DGX Spark", "580.95.05", "cuda13.0", "sm_121a"),
        # drivers of Windows
        ("RTX 4090", "551.61", "cuda12.4", "sm_89"),
        ("RTX 4090", "572.16", "cuda12.8", "sm_89"),
        ("RTX 5090", "572.16", "cuda12.8", "sm_120a"),
        # the driver is in the image
        ("rx7900xtx", None, "rocm7.2", "gfx1100"),
        ("rx7900xtx", "580.95.05", "rocm7.2", "gfx1100"),
        ("mi300x", None, "rocm7.2", "gfx942"),
        ("strix-halo", None, "rocm7.2", "gfx1151"),
        ("rx9070xt", None, "rocm7.2", "gfx1201"),
        ("mi210", None, "rocm7.2", "gfx90a"),
        ("mi50", None, "rocm6.4", "gfx906"),
        ("gtx1080ti", "580.95.05", "cuda12.9", "sm_61"),
        ("gtx1080ti", "535.183.01", "cuda12.4", "sm_61"),
        ("p100", "535.183.01", "cuda12.4", "sm_60"),
        ("sm_52", "550.54.15", "cuda12.4", "sm_50"),
        ("rx6700xt", None, None, "SPIR-V"),
        ("arc-b580", None, "xpu2026.1", "SPIR-V"),
        ("lavapipe", None, None, "SPIR-V"),
    ],
)
def test_the_first_choice_runs(card: str, driver: str | None, toolkit: str | None, code: str | None) -> None:
    first = advice(card, driver).ranked[0]
    if code is None:  # no cell of that toolkit: the nearest that the driver runs
        assert first.runs != "no"
        return
    assert (first.cell.at.toolkit, first.code) == (toolkit, code)
    assert first.runs != "no"
    assert first.fit is not Fit.PTX


@pytest.mark.parametrize(
    ("card", "driver", "words"),
    [
        ("rtx5090", "550", "driver 550 does not know rtx5090 yet: it takes 570.86.16 or later"),
        ("rtx5090", "565.77", "it takes 570"),
        ("rtx5080", "550.144.03", "it takes 570"),
        ("rtx5060ti", "535.183.01", "it takes 57"),
        ("rtx-pro-6000", "525.60.13", "it takes 57"),
        ("gb10", "550.54", "it takes 580"),
        ("gb10", "575.57.08", "it takes 580"),
        ("b200", "570.124.06", "it takes 570.133.20 or later"),
        ("b200", "550.90.07", "it takes 570.133.20 or later"),
        ("b300", "570.195.03", "it takes 580"),
        ("h100", "515.105.01", "it takes 5"),
        ("p100", "590", "driver 590 no longer knows"),
        ("sm_50", "590", "580 is the last branch that does"),
        ("tesla-p40", "590.44.01", "driver 590.44.01 no longer knows tesla-p40"),
        ("v100", "590", "driver 590 no longer knows v100: 580 is the last branch that does"),
        ("v100", "610.43.02", "580 is the last branch that does"),
        ("sm_61", "595.58.03", "580 is the last branch that does"),
    ],
)
def test_a_driver_that_does_not_know_the_card(card: str, driver: str, words: str) -> None:
    said = advice(card, driver)
    assert all(one.runs == "no" for one in said.ranked), "also Vulkan: it is the same driver"
    assert any(words in note for note in said.notes), said.notes


def test_a_kernel_that_a_card_takes_is_told() -> None:
    assert any("Linux 6.18.4 or later" in note for note in advice("strix-halo").notes)
    assert any("6.14" in note for note in advice("strix-halo").notes)


@pytest.mark.parametrize(("card", "toolkit"), [("sm_87", "CUDA 12.4.1, "), ("jetson-agx-orin", "13.3.")])
def test_an_arch_that_no_cell_holds_code_for(card: str, toolkit: str) -> None:
    (note,) = [note for note in advice(card).notes if note.startswith("no cell holds code for sm_87")]
    assert toolkit in note
    assert note.splitlines()[1:] == ["  axes:", "    arch:", "      - sm_87  # beside those that are there"]


def test_what_the_libraries_hold_counts_beside_what_the_compiler_makes() -> None:
    (note,) = [note for note in advice("gfx1031").notes if "gfx1031" in note and "no cell" in note]
    assert note == (
        "no cell holds code for gfx1031, and no toolkit of the matrix can make it: the libraries of ROCm 6.4.3 and "
        "7.2.1 hold no kernels for it; the Vulkan image runs on it; on the processor of its machine the CPU "
        "image does: --gpu cpu"
    )


@pytest.mark.parametrize(
    ("card", "last", "vulkan"),
    [
        ("Tesla K80", "11.8", True),
        ("Tesla K40m", "11.8", True),
        ("k20x", "11.8", True),
        ("NVIDIA GeForce GTX 780 Ti", "11.8", True),
        ("gtx770", "10.2", True),
        ("gtx680", "10.2", True),
        ("GeForce GTX TITAN Black", "11.8", True),
        ("GeForce GT 730", "11.8", True),
        ("Quadro K4200", "10.2", True),
        ("GRID K520", "10.2", True),
        ("3.7", "11.8", True),
        ("10de:102d", "11.8", True),
        ("gtx580", "8.0", False),
        ("Tesla M2090", "8.0", False),
        ("Quadro 6000", "8.0", False),
        ("sm_62", "10.2", True),
    ],
)
def test_a_card_that_is_too_old_for_every_toolkit_is_known_and_told_what_runs(
    card: str, last: str, vulkan: bool
) -> None:
    """https://developer.nvidia.com/cuda-legacy-gpus; release notes: 9.0 ended Fermi, 11.0 sm_30, 12.0 sm_37."""
    (note,) = [note for note in advice(card).notes if "no cell" in note]
    assert f"it is too old, CUDA {last} was the last that compiled it, and the oldest here is 12.4.1" in note
    assert ("the Vulkan image runs on it" in note) == vulkan
    assert note.endswith("the CPU image does: --gpu cpu")


@pytest.mark.parametrize(
    ("card", "driver", "knows"),
    [
        ("k80", "470.256.02", True),
        ("k80", "495.46", False),
        ("gtx680", "470", True),
        ("gtx580", "390.157", True),
        ("gtx580", "470", False),
    ],
)
def test_the_last_drivers_of_old_cards(card: str, driver: str, knows: bool) -> None:
    """https://www.nvidia.com/en-us/drivers/unix/legacy-gpu/: 390 for Fermi, 470 for Kepler."""
    assert any(f"driver {driver} no longer knows" in note for note in advice(card, driver).notes) is not knows


@pytest.mark.parametrize("card", ["rtx5090", "p40", "v100", "gb10", "rx7900xtx", "arc-b580", "cpu"])
def test_a_card_that_is_served_is_told_nothing_of_the_kind(card: str) -> None:
    assert not any("no cell holds code" in note for note in advice(card).notes)


@pytest.mark.parametrize(
    ("card", "words"),
    [
        ("rtx4090", ["--gpus all"]),
        ("cpu", []),
        ("rx7900xtx", ["--device /dev/kfd", "--device /dev/dri", "--group-add"]),
        ("arc-b580", ["--device /dev/dri", "--group-add"]),
        ("lavapipe", []),
    ],
)
def test_what_to_type(card: str, words: list[str]) -> None:
    first = advice(card).ranked[0]
    assert first.run_with.startswith("docker run --rm -p 8080:8080 ")
    assert first.run_with.endswith(first.cell.image)
    assert all(word in first.run_with for word in words)
    assert ("--device" in first.run_with, "--gpus" in first.run_with) == (
        "--device /dev/dri" in words,
        "--gpus all" in words,
    )


def test_vulkan_on_an_nvidia_card_is_handed_over_by_its_driver() -> None:
    vulkan = next(one for one in advice("rtx4090").ranked if one.cell.at.accelerator == "vulkan")
    assert "--gpus all" in vulkan.run_with


@pytest.mark.parametrize(
    ("card", "driver", "words"),
    [
        ("RX 9070 XT", "5.7", "too old for ROCm 7.2"),
        ("RX 9070 XT", "7.2", "suits ROCm 7.2"),
        ("MI300X", "6.4.3", "suits ROCm 7.2"),
        ("MI300X", "6.3.4", "too old for ROCm 7.2"),
        ("RX 7900 XTX", "30.10", "suits ROCm 7.2"),
        ("Arc B580", "550.54", "none of NVIDIA's drivers"),
    ],
)
def test_drivers_of_other_vendors_are_not_taken_for_nvidias(card: str, driver: str, words: str) -> None:
    """https://rocm.docs.amd.com/projects/install-on-linux/en/latest/reference/user-kernel-space-compat-matrix.html"""
    said = advice(card, driver)
    assert words in " ".join(said.notes)
    assert said.ranked, "the images stay what they are"
