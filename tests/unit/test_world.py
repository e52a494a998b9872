"""The project's own matrix: the facts it must hold, and whom it serves."""

from __future__ import annotations

from functools import cache

import pytest

from bakehouse.config.load import load_project
from bakehouse.model.cell import Cell, Excluded, Resolution, World
from bakehouse.model.matrix import Gpu
from bakehouse.model.recipe import CpuVariants, Recipe
from bakehouse.planning.resolve import resolve
from bakehouse.planning.rules import RULES, cards_of
from tests.unit.projects import ROOT

ARM = "linux/arm64"


@cache
def own() -> tuple[World, Resolution]:
    world = load_project(ROOT).world
    return world, resolve(world)


@cache
def everywhere() -> tuple[World, Resolution]:
    """The same, as if the recipes' CPU part were built for arm64 too: what the matrix itself allows."""
    world, _ = own()
    wide = World(matrix=world.matrix, recipes={name: _on_arm(recipe) for name, recipe in world.recipes.items()})
    return wide, resolve(wide)


def _on_arm(recipe: Recipe) -> Recipe:
    rows = [row for row in recipe.build.cpu_variants if row.platform != ARM]
    variants = (*rows, CpuVariants(platform=ARM, variants=("x",)))
    return recipe.model_copy(update={"build": recipe.build.model_copy(update={"cpu_variants": variants})})


def find(name: str, found: Resolution) -> Cell | Excluded:
    return next(item for half in (found.cells, found.excluded) for item in half if item.name == name)


# ---------------------------------------------------------------------------------------------- combinations


@pytest.mark.parametrize(
    ("point", "rule", "reason"),
    [
        ("cuda12.4-sm120-amd64", "toolkit-arch", "CUDA 12.4.1 cannot compile sm_120; 12.8.0 is the first that can"),
        ("cuda12.4-sm121-arm64", "toolkit-arch", "CUDA 12.4.1 cannot compile sm_121; 12.9.0 is the first that can"),
        ("cuda12.8-sm121-arm64", "toolkit-arch", "CUDA 12.8.1 cannot compile sm_121; 12.9.0 is the first that can"),
        ("cuda12.8-sm120f-amd64", "toolkit-arch", "CUDA 12.8.1 cannot compile sm_120f; 12.9.0 is the first that can"),
        ("cuda12.9-sm121-amd64", "arch-platform", "cards that run sm_121 are in linux/arm64 machines only"),
        ("cuda12.9-sm120f-amd64", "cmake-arch", "CMake 3.28.3 of cuda-12.9 does not know sm_120f"),
        ("cuda13.2-sm120-amd64", "known-bad-toolkit", "CUDA 13.2.1 is known to be bad: it miscompiles"),
        ("cuda12.9-sm120-blas-amd64", "flag-set-accelerator", "the flag set blas is for cpu, not for cuda"),
        ("rocm7.2-gfx1100-arm64", "base-platform", "the base rocm-7.2 exists for linux/amd64, not for linux/arm64"),
        ("xpu2025.3-arm64", "base-platform", "the base oneapi-2025.3 exists for linux/amd64, not for linux/arm64"),
    ],
)
def test_what_cannot_be_built(point: str, rule: str, reason: str) -> None:
    out = find(f"llama-server-{point}", everywhere()[1])
    assert isinstance(out, Excluded)
    assert out.rule == rule
    assert reason in out.reason


@pytest.mark.parametrize(
    ("point", "codes"),
    [
        ("cuda12.4-sm86-amd64", ("sm_86",)),
        ("cuda12.8-sm120-amd64", ("sm_120a",)),
        ("cuda12.9-sm120-amd64", ("sm_120a",)),
        ("cuda12.9-sm120-fa-all-quants-amd64", ("sm_120a",)),
        ("cuda12.9-sm121-arm64", ("sm_121a",)),
        ("cuda13.0-sm121-arm64", ("sm_121a",)),
        ("cuda13.0-ampere-blackwell-amd64", ("sm_86", "sm_120a", "sm_121a")),
        ("cuda12.4-rtx-amd64", ("sm_75", "sm_86", "sm_89")),
        ("rocm6.4-gfx1100-amd64", ("gfx1100",)),
        ("rocm7.2-gfx1151-amd64", ("gfx1151",)),
        ("xpu2025.3-amd64", ()),
        ("vulkan-amd64", ()),
        ("vulkan-arm64", ()),
        ("cpu-amd64", ()),
    ],
)
def test_what_is_built(point: str, codes: tuple[str, ...]) -> None:
    cell = find(f"llama-server-{point}", everywhere()[1])
    assert isinstance(cell, Cell)
    assert cell.codes == codes


def test_each_exclusion_has_a_rule_a_reason_and_a_neighbour_that_exists() -> None:
    world, found = own()
    cells = {cell.name for cell in found.cells}
    entries = {f"exclude[{index}]" for index in range(len(world.matrix.exclude))}
    for out in found.excluded:
        assert out.rule in RULES.keys() | entries
        assert out.nearest in cells


def test_no_exclude_entry_is_idle() -> None:
    """Each keeps something from being built that would be built without it, now or with arm64."""
    world, _ = own()
    used = {out.rule for found in (own()[1], everywhere()[1]) for out in found.excluded}
    assert not {f"exclude[{index}]" for index in range(len(world.matrix.exclude))} - used


def test_tens_of_cells_not_thousands() -> None:
    assert 30 <= len(own()[1].cells) <= len(everywhere()[1].cells) < 100


# ---------------------------------------------------------------------------------------------- rows


def test_toolkits_say_where_their_facts_are_written_and_which_driver_they_take() -> None:
    for name, toolkit in own()[0].matrix.toolkits.items():
        assert toolkit.source, name
        assert (toolkit.driver_floor is not None) == (toolkit.accelerator == "cuda"), name
        assert name.startswith(toolkit.accelerator)
        assert f"{toolkit.version}.".startswith(f"{name.removeprefix(toolkit.accelerator)}."), name


def test_archs_say_where_their_facts_are_written() -> None:
    assert not [name for name, arch in own()[0].matrix.archs.items() if not arch.source]


@pytest.mark.parametrize(
    ("toolkit", "full", "minor"),
    [
        ("cuda12.4", "550.54.15", "525"),
        ("cuda12.8", "570.124.06", "525"),
        ("cuda12.9", "575.57.08", "525"),
        ("cuda13.0", "580.95.05", "580"),
        ("cuda13.2", "595.58.03", "580"),
        ("cuda13.3", "610.43.02", "580"),
    ],
)
def test_driver_floors(toolkit: str, full: str, minor: str) -> None:
    row = own()[0].matrix.toolkits[toolkit]
    assert (row.driver_floor, row.driver_floor_minor) == (full, minor)


@pytest.mark.parametrize(
    ("card", "arch", "memory", "bandwidth", "platform"),
    [
        ("rtx5090", "sm_120", "32 GiB", "1792 GB/s", "linux/amd64"),
        ("rtx5090-laptop", "sm_120", "24 GiB", "896 GB/s", "linux/amd64"),
        ("gb10", "sm_121", "128 GiB", "273 GB/s", ARM),
        ("rtx-a5500", "sm_86", "24 GiB", "768 GB/s", "linux/amd64"),
        ("rtx-a400", "sm_86", "4 GiB", "96 GB/s", "linux/amd64"),
        ("rtx3090", "sm_86", "24 GiB", "936 GB/s", "linux/amd64"),
        ("rtx4090", "sm_89", "24 GiB", "1008 GB/s", "linux/amd64"),
        ("h100", "sm_90", "80 GiB", "3350 GB/s", "linux/amd64"),
        ("h200", "sm_90", "141 GiB", "4800 GB/s", "linux/amd64"),
        ("b200", "sm_100", "180 GiB", "8000 GB/s", "linux/amd64"),
        ("rx7900xt", "gfx1100", "20 GiB", "800 GB/s", "linux/amd64"),
        ("rx7900xtx", "gfx1100", "24 GiB", "960 GB/s", "linux/amd64"),
        ("mi300x", "gfx942", "192 GiB", "5300 GB/s", "linux/amd64"),
        ("strix-halo", "gfx1151", "128 GiB", "256 GB/s", "linux/amd64"),
        ("arc-a770", "acm-g10", "16 GiB", "560 GB/s", "linux/amd64"),
        ("arc-b580", "bmg-g21", "12 GiB", "456 GB/s", "linux/amd64"),
    ],
)
def test_cards_by_their_data_sheets_are_served_by_a_cell_of_their_best_accelerator(
    card: str, arch: str, memory: str, bandwidth: str, platform: str
) -> None:
    world, found = everywhere()
    row = world.matrix.gpus[card]
    assert (row.arch, row.memory, row.bandwidth, row.platform) == (arch, memory, bandwidth, platform)
    assert any(cell.at.accelerator is row.accelerator and _serves(cell, row, world) for cell in found.cells)


def test_the_catalogue() -> None:
    world, found = everywhere()
    assert len(world.matrix.gpus) >= 40
    for name, row in world.matrix.gpus.items():
        assert row.note or (row.arch and row.memory and row.bandwidth and row.pci), name
        assert any(_serves(cell, row, world) for cell in found.cells), name
    assert world.matrix.gpus["lavapipe"].arch is None


def _serves(cell: Cell, row: Gpu, world: World) -> bool:
    if cell.at.accelerator not in (row.accelerator, *row.also) or cell.at.platform != row.platform:
        return False
    return not cell.archs or any(row.arch in cards_of(arch, world.matrix) for arch in cell.archs)
