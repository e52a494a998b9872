"""What holds for every matrix that a person can write."""

from __future__ import annotations

import copy
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st
from packaging.version import Version

from bakehouse.model.cell import Coordinates, Resolution, World
from bakehouse.model.matrix import Matrix
from bakehouse.planning.nearest_cell import INSTEAD
from bakehouse.planning.resolve import resolve
from bakehouse.planning.rules import RULES, cards_of
from tests.unit.worlds import VERSIONS, build, worlds

Written = tuple[dict[str, Any], dict[str, dict[str, Any]]]
few = settings(max_examples=40, deadline=None)


def resolved(written: Written) -> tuple[World, Resolution]:
    world = build(*written)
    return world, resolve(world)


@given(worlds())
@few
def test_every_combination_is_in_exactly_one_half_and_each_half_keeps_its_promise(written: Written) -> None:
    world, found = resolved(written)
    names = [cell.name for cell in found.cells] + [out.name for out in found.excluded]
    assert len(names) == len(set(names))
    for cell in found.cells:
        assert not [name for name, rule in RULES.items() if rule(cell.at, world)], cell.name
        assert not [entry for entry in world.matrix.exclude if _matches(cell.at, entry.when)], cell.name
    for out in found.excluded:
        assert out.reason.strip()
        if out.rule.startswith("exclude["):
            assert _matches(out.at, world.matrix.exclude[int(out.rule[8:-1])].when)
        else:
            why = RULES[out.rule](out.at, world)
            assert why is not None
            assert (why.reason, why.link) == (out.reason, out.link)


@given(worlds(), st.randoms(use_true_random=False))
@few
def test_the_order_of_axes_and_rows_changes_nothing(written: Written, random: Any) -> None:
    matrix, recipes = copy.deepcopy(written)
    for axis in matrix["axes"].values():
        random.shuffle(axis)
    for section in ("bases", "toolkits", "archs", "arch_groups", "flag_sets"):
        matrix[section] = _shuffled(matrix[section], random)
    assert resolve(build(matrix, _shuffled(recipes, random))) == resolved(written)[1]


@given(worlds(), st.data())
@few
def test_a_newer_first_toolkit_never_adds_a_cell(written: Written, data: st.DataObject) -> None:
    matrix, recipes = copy.deepcopy(written)
    name = data.draw(st.sampled_from(sorted(matrix["archs"])))
    row = matrix["archs"][name]
    newest = row["last_toolkit"] or VERSIONS[-1]
    newer = [v for v in VERSIONS if Version(row["first_toolkit"] or "0") <= Version(v) <= Version(newest)]
    row["first_toolkit"] = data.draw(st.sampled_from(newer))
    before = {cell.name: set(cell.archs) for cell in resolved(written)[1].cells}
    for cell in resolve(build(matrix, recipes)).cells:
        assert set(cell.archs) <= before[cell.name]


@given(worlds())
@few
def test_the_nearest_cell_is_the_best_of_all_cells_of_the_recipe(written: Written) -> None:
    """The search of the tree against a look at every cell."""
    world, found = resolved(written)
    for out in found.excluded:
        cells = [cell.at for cell in found.cells if cell.at.recipe == out.at.recipe]
        ranked = sorted((_distance(out.at, at, world.matrix), at.name) for at in cells)
        assert out.nearest == (ranked[0][1] if ranked else None)


def _distance(asked: Coordinates, offered: Coordinates, matrix: Matrix) -> tuple[Any, ...]:
    """The order of preferences as the documentation says it, written a second time."""
    accelerator = (asked.accelerator is not offered.accelerator, INSTEAD.index(offered.accelerator))
    platform = (asked.platform != offered.platform, offered.platform)
    flag_set = (asked.flag_set != offered.flag_set, offered.flag_set != "default", offered.flag_set)
    arch = (*_arch_distance(asked.arch, offered.arch, matrix), offered.arch or "")
    return (accelerator, arch, platform, flag_set, _toolkit_distance(asked.toolkit, offered.toolkit, matrix))


def _arch_distance(asked: str | None, offered: str | None, matrix: Matrix) -> tuple[int, int]:
    if asked == offered:
        return (0, 0)
    if asked is None or offered is None:
        return (3, 0)
    group = matrix.arch_groups.get(asked)
    served, meant = cards_of(offered, matrix), cards_of(asked, matrix)
    if set(group.archs if group else (asked,)) <= served:
        return (1, 0)
    return (2, len(meant - served)) if meant & served else (3, 0)


def _toolkit_distance(asked: str | None, offered: str | None, matrix: Matrix) -> tuple[int, Any]:
    if asked is None or offered is None or asked == offered:
        return (0, Version("0"))
    rows = matrix.toolkits
    newer = Version(rows[offered].version) >= Version(rows[asked].version)
    versions = sorted(Version(row.version) for row in rows.values() if row.accelerator is rows[offered].accelerator)
    steps = versions.index(Version(rows[offered].version))
    return (1, steps) if newer else (2, -steps)


def _matches(at: Coordinates, when: Any) -> bool:
    return all(str(getattr(at, key)) == value for key, value in when.items())


def _shuffled(rows: dict[str, Any], random: Any) -> dict[str, Any]:
    names = list(rows)
    random.shuffle(names)
    return {name: rows[name] for name in names}
