"""Axes x recipes -> cells and exclusions, each with a reason. Pure; the order of axes changes nothing."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from itertools import pairwise

from bakehouse.config.input_error import input_error
from bakehouse.config.references import check_references
from bakehouse.model.cell import Cell, Coordinates, Excluded, Resolution, World
from bakehouse.model.enums import AcceleratorName
from bakehouse.model.matrix import Axes, Exclusion, FlagSet, Matrix
from bakehouse.model.recipe import Recipe
from bakehouse.planning.driver_floors import with_floors_of_cell
from bakehouse.planning.nearest_cell import Neighbourhood
from bakehouse.planning.rules import BY_CONSTRUCTION, RULES, archs_of, bases_of, compiled


def resolve(world: World) -> Resolution:
    """Decide for each combination whether it is a cell or is excluded, and why.

    Raises InputErrors when the files contradict themselves: a name that nothing defines, a flag set that extends
    itself, two combinations with one name, or a matrix without any cell.
    """
    check_references(world)
    flag_sets = {name: flatten(world.matrix, name) for name in world.matrix.flag_sets}
    points = sorted(_combinations(world), key=lambda at: at.name)
    _check_names(points)
    cells: list[Cell] = []
    excluded: list[Excluded] = []
    never: list[Excluded] = []
    for at in points:
        if why := _exclusion(at, world):
            (never if why.rule in BY_CONSTRUCTION else excluded).append(why)
        else:
            cells.append(_cell(at, world, flag_sets[at.flag_set]))
    near = Neighbourhood((cell.at for cell in cells), world.matrix)
    return Resolution(
        cells=tuple(cells), excluded=tuple(_with_neighbour(out, near) for out in excluded), never=tuple(never)
    )


def _with_neighbour(excluded: Excluded, near: Neighbourhood) -> Excluded:
    nearest = near.nearest(excluded.at)
    return replace(excluded, nearest=nearest.name) if nearest else excluded


def _combinations(world: World) -> Iterator[Coordinates]:
    """Of a recipe that is compiled: all axes. Of another: what it names, since nothing else could be installed."""
    axes = world.matrix.axes
    compiled_here = {name: tuple(_variants(name, world.matrix)) for name in axes.accelerator}
    for name, recipe in world.recipes.items():
        variants = compiled_here if recipe.cmake else _prebuilt_variants(recipe, axes)
        flag_sets = [word for word in axes.flag_set if world.serves(word, name)]
        for accelerator, pairs in variants.items():
            for toolkit, arch in pairs:
                for flag_set in flag_sets:
                    for platform in _platforms(recipe, accelerator, axes):
                        yield Coordinates(
                            recipe=name,
                            accelerator=accelerator,
                            toolkit=toolkit,
                            arch=arch,
                            flag_set=flag_set,
                            platform=platform,
                        )


def _prebuilt_variants(recipe: Recipe, axes: Axes) -> dict[AcceleratorName, tuple[tuple[str | None, None], ...]]:
    """The toolkits that the recipe names. What archs there is code for was decided where it was compiled."""
    wanted = [name for name in axes.accelerator if name in recipe.accelerators]
    parts = {name: recipe.prebuilt(name) for name in wanted}
    return {
        name: tuple((toolkit, None) for toolkit in (part.toolkits if part else ()) or (None,))
        for name, part in parts.items()
    }


def _platforms(recipe: Recipe, accelerator: AcceleratorName, axes: Axes) -> list[str]:
    part = recipe.prebuilt(accelerator)
    wanted = (part.platforms if part else ()) or recipe.platforms
    return [platform for platform in axes.platform if not wanted or platform in wanted]


def _variants(name: AcceleratorName, matrix: Matrix) -> Iterator[tuple[str | None, str | None]]:
    """The (toolkit, arch) pairs that the axes ask for; None where there is nothing to choose."""
    toolkits: list[str | None] = [
        toolkit for toolkit in matrix.axes.toolkit if matrix.toolkits[toolkit].accelerator is name
    ]
    archs: list[str | None] = [
        arch for arch in matrix.axes.arch if matrix.archs[archs_of(arch, matrix)[0]].accelerator is name
    ]
    for toolkit in toolkits or [None]:
        for arch in archs or [None]:
            yield toolkit, arch


def _exclusion(at: Coordinates, world: World) -> Excluded | None:
    for rule, judge in RULES.items():
        if why := judge(at, world):
            return Excluded(at=at, reason=why.reason, rule=rule, link=why.link)
    for index, entry in enumerate(world.matrix.exclude):
        if _matches(at, entry):
            return Excluded(at=at, reason=entry.reason, rule=f"exclude[{index}]", link=entry.link)
    return None


def _matches(at: Coordinates, entry: Exclusion) -> bool:
    return all(getattr(at, key) == value for key, value in entry.when.items())


def _cell(at: Coordinates, world: World, flag_set: FlagSet) -> Cell:
    recipe = world.recipes[at.recipe]
    host_base, build_base, runtime_base = bases_of(at, world)
    archs, left_out = compiled(at, world)
    group = world.matrix.arch_groups.get(at.arch or "")
    variants = {row.platform: row.variants for row in recipe.cmake.cpu_variants} if recipe.cmake else {}
    part = recipe.prebuilt(at.accelerator)
    toolkit = world.matrix.toolkits[at.toolkit] if at.toolkit else None
    backend = recipe.cmake.backends.get(at.accelerator) if recipe.cmake else None
    return Cell(
        at=at,
        recipe=recipe,
        flag_set=flag_set,
        toolkit=with_floors_of_cell(toolkit, archs, backend, flag_set, world.matrix) if toolkit else None,
        host_base=host_base,
        build_base=build_base,
        runtime_base=runtime_base,
        cpu_variants=variants.get(at.platform, ()),
        archs=archs,
        codes=tuple(part.codes.get(arch, arch) if part else world.matrix.archs[arch].code or arch for arch in archs),
        ptx=part.ptx if part else group.ptx if group else None,
        left_out=left_out,
    )


def flatten(matrix: Matrix, name: str) -> FlagSet:
    """The flag set with everything that it extends, the nearest winning. Raises InputError on a cycle."""
    chain = [name]
    while parent := matrix.flag_sets[chain[-1]].extends:
        if parent in chain:
            circle = " -> ".join([*chain, parent])
            raise input_error(f"the flag sets are cyclic: {circle}", "flag_sets", name, "extends")
        chain.append(parent)
    rows = [matrix.flag_sets[link] for link in reversed(chain)]
    return rows[-1].model_copy(
        update={
            "extends": None,
            "cmake": {key: value for row in rows for key, value in row.cmake.items()},
            "plugins": _joined(row.plugins for row in rows),
            "build_packages": _joined(row.build_packages for row in rows),
            "runtime_packages": _joined(row.runtime_packages for row in rows),
            "extra_size": next((row.extra_size for row in reversed(rows) if row.extra_size), None),
        }
    )


def _joined(lists: Iterator[tuple[str, ...]]) -> tuple[str, ...]:
    return tuple(dict.fromkeys(item for items in lists for item in items))


def _check_names(points: list[Coordinates]) -> None:
    for left, right in pairwise(points):
        if left.name == right.name:
            raise input_error(
                f"two combinations are called {left.name}: {left} and {right}", "axes", hint="Rename one of them."
            )
