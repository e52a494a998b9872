"""The project's own matrix: what it must and must not build."""

from __future__ import annotations

from functools import cache

import pytest

from bakehouse.config.load import load_project
from bakehouse.config.references import check_references
from bakehouse.model.build import CpuVariants
from bakehouse.model.cell import Cell, Excluded, Resolution, World
from bakehouse.model.recipe import Recipe
from bakehouse.planning.resolve import resolve
from bakehouse.planning.rules import RULES
from tests.unit.projects import ROOT

ARM = "linux/arm64"


@cache
def own() -> tuple[World, Resolution]:
    """Run `bakehouse plan` for the same errors in short, where this fails."""
    world = load_project(ROOT).world
    return world, resolve(world)


def test_the_projects_own_files_are_valid() -> None:
    world, found = own()
    check_references(world)
    assert found.cells


@cache
def everywhere() -> tuple[World, Resolution]:
    """The same, as if the recipes' CPU part were built for arm64 too: what the matrix itself allows."""
    world, _ = own()
    wide = World(matrix=world.matrix, recipes={name: _on_arm(recipe) for name, recipe in world.recipes.items()})
    return wide, resolve(wide)


def _on_arm(recipe: Recipe) -> Recipe:
    if recipe.cmake is None:
        return recipe
    rows = [row for row in recipe.cmake.cpu_variants if row.platform != ARM]
    variants = (*rows, CpuVariants(platform=ARM, variants=("x",)))
    return recipe.model_copy(update={"build": recipe.cmake.model_copy(update={"cpu_variants": variants})})


def find(name: str, found: Resolution) -> Cell | Excluded:
    return next(item for half in (found.cells, found.excluded, found.never) for item in half if item.name == name)


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
        assert out.rule in RULES.keys() | entries, out.name
        assert out.nearest in cells, out.name


def test_no_exclude_entry_is_idle() -> None:
    """Each keeps something from being built that would be built without it, now or with arm64."""
    world, _ = own()
    used = {out.rule for found in (own()[1], everywhere()[1]) for out in found.excluded}
    idle = {f"exclude[{index}]" for index in range(len(world.matrix.exclude))} - used
    assert not idle, "take these entries out of matrix.yaml: without them nothing more would be built"


def test_tens_of_cells_not_thousands() -> None:
    here, wide = len(own()[1].cells), len(everywhere()[1].cells)
    message = f"{here} cells, {wide} with arm64 everywhere: nobody builds so many; exclude some in matrix.yaml"
    assert 30 <= here <= wide < 150, message
