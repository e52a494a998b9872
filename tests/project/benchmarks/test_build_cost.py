from __future__ import annotations

from functools import cache

import pytest
from account import Cost
from build_cost import CELLS, LABELS, MORE, OURS, THEIRS, TOGETHER, compare, find, plain_dockerfile
from harness import ROOT, _with_flag_sets

from bakehouse.config.load import load_project
from bakehouse.model.cell import Cell
from bakehouse.planning.plugins import plugin_targets
from bakehouse.planning.resolve import resolve


@cache
def cells() -> dict[str, Cell]:
    world = _with_flag_sets(load_project(ROOT).world, (), MORE)
    ours = [cell for cell in resolve(world).cells if cell.at.platform == "linux/amd64"]
    return {label: find(ours, *at) for label, at in zip(LABELS, CELLS, strict=True)}


def test_the_four_cells_stand_in_the_matrix() -> None:
    assert [cell.name for cell in cells().values()] == [
        "llama-server-cpu-amd64",
        "llama-server-cpu-blas-amd64",
        "llama-server-cpu-rpc-amd64",
        "llama-server-vulkan-amd64",
    ]


def test_a_plain_dockerfile_compiles_what_our_cell_compiles() -> None:
    for cell in cells().values():
        text = plain_dockerfile(cell)
        assert all(f" {target}" in text for target in (*cell.recipe.compiled.host_targets, *plugin_targets(cell)))


def test_a_plain_vulkan_dockerfile_has_the_compiler_of_shaders_and_the_drivers() -> None:
    build, _, run = plain_dockerfile(cells()["vulkan"]).partition("\n\nFROM ")
    assert "-DGGML_VULKAN='ON'" in build
    assert "glslc libvulkan-dev spirv-headers" in build
    assert "mesa-vulkan-drivers" in run


def test_plain_dockerfiles_have_no_compile_in_common() -> None:
    compiles = {line for cell in cells().values() for line in plain_dockerfile(cell).splitlines() if "cmake -B" in line}
    assert len(compiles) == len(CELLS)


@pytest.mark.parametrize("name", LABELS)
def test_a_plain_dockerfile_has_no_compiler_cache(name: str) -> None:
    text = plain_dockerfile(cells()[name])
    assert "-DGGML_CCACHE='OFF'" in text
    assert "ccache" not in text


def costs(*names: str, cpu: float) -> dict[str, list[Cost]]:
    return {name: [Cost(cpu=cpu, wall=cpu / 2)] for name in names}


def test_both_sides_are_sums_of_the_first_cells() -> None:
    found = compare(costs(*OURS, cpu=10) | costs(*THEIRS, cpu=40))
    assert {(one.what, one.unit): (one.ours, one.theirs) for one in found if "plain" in one.what} == {
        ("cells: 1, against as many plain Dockerfiles", "CPU s"): ([10], [40]),
        ("cells: 1, against as many plain Dockerfiles", "s"): ([5], [20]),
        ("cells: 2, against as many plain Dockerfiles", "CPU s"): ([20], [80]),
        ("cells: 2, against as many plain Dockerfiles", "s"): ([10], [40]),
        ("cells: 4, against as many plain Dockerfiles", "CPU s"): ([40], [160]),
        ("cells: 4, against as many plain Dockerfiles", "s"): ([20], [80]),
    }


def test_the_target_is_for_four_cells() -> None:
    found = compare(costs(*OURS, cpu=21) | costs(*THEIRS, cpu=40))
    assert [(one.what[:8], one.met) for one in found if "plain" in one.what and one.unit == "CPU s"] == [
        ("cells: 1", None),
        ("cells: 2", None),
        ("cells: 4", False),
    ]


def test_a_run_that_was_cut_off_compares_what_it_knows() -> None:
    found = compare(costs(*OURS, cpu=10) | costs(*THEIRS[:2], cpu=40))
    assert {one.what for one in found} == {
        "cells: 1, against as many plain Dockerfiles",
        "cells: 2, against as many plain Dockerfiles",
        "cells: 2, against 1",
        "cells: 4, against 1",
    }
    assert compare({}) == []


def test_one_bake_checks_the_sums() -> None:
    found = compare(costs(*OURS, cpu=10) | costs(TOGETHER, cpu=38))
    check = next(one for one in found if one.what == "cells: 4 in one bake, against one after the other")
    assert check.ratio == 0.95
