from __future__ import annotations

import pytest

from bakehouse.reporters.html.grid import SHADES, Heat, grids, heat
from tests.unit.reporters.sample import errored_cell
from tests.unit.reporters.world import cell, unmeasured


def test_shades_stand_for_equal_ratios() -> None:
    shades = Heat(low=10, high=320)
    assert [shades.shade(rate) for rate in (10, 19, 21, 79, 161, 320)] == [1, 1, 2, 3, 5, 5]
    assert [words for _, words in shades.steps] == [
        "10.0 to 20.0",
        "20.0 to 40.0",
        "40.0 to 80.0",
        "80.0 to 160",
        "160 to 320",
    ]


@pytest.mark.parametrize("rate", [None, 0, -1])
def test_no_rate_no_shade(rate: float | None) -> None:
    assert Heat(low=10, high=320).shade(rate) == 0


def test_a_small_difference_does_not_look_large() -> None:
    found = heat([cell("cpu", seed=seed, rates=(200, rate)) for seed, rate in ((1, 155), (2, 148))])
    assert found
    assert {found.shade(155), found.shade(148)} == {SHADES}


def test_without_a_rate_there_are_no_shades() -> None:
    assert heat([errored_cell()]) is None


def test_lines_by_toolkit_and_arch_columns_by_flags_and_platform() -> None:
    cells = [
        cell("cpu", seed=1, rates=(200, 100)),
        unmeasured("cuda", toolkit="cuda12.9", arch="rtx", archs=["sm_75", "sm_86"], platform="linux/amd64", seed=1),
        unmeasured("cuda", toolkit="cuda12.9", arch="rtx", archs=["sm_75"], platform="linux/arm64", seed=1),
        unmeasured("cuda", toolkit="cuda12.9", arch="sm_90", archs=["sm_90"], platform="linux/arm64", seed=1),
    ]
    (grid,) = grids(cells, anchors={number: f"cell-{number}" for number in range(4)})
    assert grid.columns == ("default · linux/amd64", "default · linux/arm64")
    assert [(block.toolkit, [line.arch for line in block.lines]) for block in grid.blocks] == [
        ("cpu", [""]),
        ("cuda12.9", ["rtx", "sm_90"]),
    ]
    rtx, alone = grid.blocks[1].lines
    assert (rtx.codes, alone.codes) == ("sm_75 86, PTX of 120", "")
    tiles = [tiles[0] for _, tiles in rtx.tiles]
    assert [tile.note for tile in tiles] == ["", "sm_75, PTX of 120"]
    assert [tile.shade for tile in tiles] == [0, 0]
