"""Axes x recipes -> cells and exclusions, each with a reason. Pure; the order of axes changes nothing."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from itertools import pairwise

from bakehouse.accelerators import ACCELERATORS
from bakehouse.errors import InputError, InputErrors, Where
from bakehouse.mistakes import suggest
from bakehouse.model.cell import Cell, Coordinates, Excluded, Resolution, World
from bakehouse.model.matrix import Exclusion, FlagSet, Matrix
from bakehouse.model.recipe import Recipe
from bakehouse.model.words import AcceleratorName
from bakehouse.rules import RULES, archs_of, bases_of, compiled

MATRIX = "matrix.yaml"


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
    for at in points:
        if why := _exclusion(at, world):
            excluded.append(why)
        else:
            cells.append(_cell(at, world, flag_sets[at.flag_set]))
    return Resolution(cells=tuple(cells), excluded=tuple(excluded))


def _combinations(world: World) -> Iterator[Coordinates]:
    axes = world.matrix.axes
    variants = {name: tuple(_variants(name, world.matrix)) for name in axes.accelerator}
    for recipe in world.recipes:
        for accelerator in axes.accelerator:
            for toolkit, arch in variants[accelerator]:
                for flag_set in axes.flag_set:
                    for platform in axes.platform:
                        yield Coordinates(
                            recipe=recipe,
                            accelerator=accelerator,
                            toolkit=toolkit,
                            arch=arch,
                            flag_set=flag_set,
                            platform=platform,
                        )


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
        if reason := judge(at, world):
            return Excluded(at=at, reason=reason, rule=rule)
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
    variants = {row.platform: row.variants for row in recipe.build.cpu_variants}
    return Cell(
        at=at,
        recipe=recipe,
        flag_set=flag_set,
        toolkit=world.matrix.toolkits[at.toolkit] if at.toolkit else None,
        host_base=host_base,
        build_base=build_base,
        runtime_base=runtime_base,
        cpu_variants=variants.get(at.platform, ()),
        archs=archs,
        codes=tuple(world.matrix.archs[arch].code or arch for arch in archs),
        ptx=group.ptx if group else None,
        left_out=left_out,
    )


def flatten(matrix: Matrix, name: str) -> FlagSet:
    """The flag set with everything that it extends, the nearest winning. Raises InputError on a cycle."""
    chain = [name]
    while parent := matrix.flag_sets[chain[-1]].extends:
        if parent in chain:
            circle = " -> ".join([*chain, parent])
            raise _error(f"flag sets extend each other in a circle: {circle}", "flag_sets", name, "extends")
        chain.append(parent)
    rows = [matrix.flag_sets[link] for link in reversed(chain)]
    return rows[-1].model_copy(
        update={
            "extends": None,
            "cmake": {key: value for row in rows for key, value in row.cmake.items()},
            "plugins": _joined(row.plugins for row in rows),
            "build_packages": _joined(row.build_packages for row in rows),
            "runtime_packages": _joined(row.runtime_packages for row in rows),
        }
    )


def _joined(lists: Iterator[tuple[str, ...]]) -> tuple[str, ...]:
    return tuple(dict.fromkeys(item for items in lists for item in items))


# ---------------------------------------------------------------------------------------------- contradictions


def check_references(world: World) -> None:
    """Every name that is used is defined. Raises InputErrors with all that are not."""
    errors = [*_matrix_references(world.matrix), *_exclude_references(world)]
    if not world.recipes:
        errors.append(
            InputError("there is no recipe", hint="Add recipes/NAME/recipe.yaml.", where=Where(file="recipes/"))
        )
    for name, recipe in world.recipes.items():
        errors += _recipe_references(name, recipe, world.matrix)
    if errors:
        raise InputErrors(errors)


def _matrix_references(matrix: Matrix) -> Iterator[InputError]:
    axes = matrix.axes
    yield from _unknown(axes.flag_set, matrix.flag_sets, "flag_sets", "axes", "flag_set")
    yield from _unknown(axes.toolkit, matrix.toolkits, "toolkits", "axes", "toolkit")
    yield from _unknown(axes.arch, _arch_values(matrix), "archs", "axes", "arch")
    for axis in ("accelerator", "flag_set", "platform", "toolkit", "arch"):
        values = getattr(axes, axis)
        for value in sorted({value for value in values if values.count(value) > 1}):
            yield _error(f"{value!r} stands twice", "axes", axis)
    for name, flag_set in matrix.flag_sets.items():
        if flag_set.extends:
            yield from _unknown([flag_set.extends], matrix.flag_sets, "flag_sets", "flag_sets", name, "extends")
    for name, toolkit in matrix.toolkits.items():
        yield from _unknown([toolkit.build_base], matrix.bases, "bases", "toolkits", name, "build_base")
        if toolkit.runtime_base:
            yield from _unknown([toolkit.runtime_base], matrix.bases, "bases", "toolkits", name, "runtime_base")
    yield from _arch_references(matrix)
    yield from _double_gpu_names(matrix)


def _arch_references(matrix: Matrix) -> Iterator[InputError]:
    for name, group in matrix.arch_groups.items():
        yield from _unknown(group.archs, matrix.archs, "archs", "arch_groups", name, "archs")
        if group.ptx:
            yield from _unknown([group.ptx], matrix.archs, "archs", "arch_groups", name, "ptx")
    for name, gpu in matrix.gpus.items():
        if gpu.arch:
            yield from _unknown([gpu.arch], matrix.archs, "archs", "gpus", name, "arch")


def _arch_values(matrix: Matrix) -> dict[str, object]:
    """What the arch axis may name."""
    return {**matrix.archs, **matrix.arch_groups}


def _exclude_references(world: World) -> Iterator[InputError]:
    """A rule about something that does not exist excludes nothing, and nobody would notice."""
    matrix = world.matrix
    known: dict[str, Mapping[str, object]] = {
        "recipe": world.recipes,
        "accelerator": {str(name): name for name in ACCELERATORS},
        "toolkit": matrix.toolkits,
        "arch": _arch_values(matrix),
        "flag_set": matrix.flag_sets,
        "platform": dict.fromkeys(matrix.axes.platform),
    }
    sections = {"recipe": "recipes", "accelerator": "accelerators", "platform": "platform axis"}
    for index, entry in enumerate(matrix.exclude):
        for key, value in entry.when.items():
            section = sections.get(key, f"{key}s")
            yield from _unknown([value], known[key], section, "exclude", index, "when", key)


def _double_gpu_names(matrix: Matrix) -> Iterator[InputError]:
    owner: dict[str, str] = {}
    for name, gpu in matrix.gpus.items():
        for word in (name, *gpu.aliases):
            if word in owner:
                yield _error(f"the name {word!r} already belongs to {owner[word]}", "gpus", name)
            owner.setdefault(word, name)


def _recipe_references(name: str, recipe: Recipe, matrix: Matrix) -> Iterator[InputError]:
    file = f"recipes/{name}/recipe.yaml"
    yield from _unknown([recipe.build.base], matrix.bases, "bases", "build", "base", file=file)
    yield from _unknown([recipe.build.source], matrix.sources, "sources", "build", "source", file=file)
    if recipe.probes.throughput:
        yield from _unknown(
            [recipe.probes.throughput.model], matrix.models, "models", "probes", "throughput", "model", file=file
        )


def _unknown(
    names: Sequence[str], known: Mapping[str, object], section: str, *path: str | int, file: str = MATRIX
) -> Iterator[InputError]:
    for name in names:
        if name not in known:
            hint = suggest(name, list(known)) if known else f"The matrix has no {section} yet."
            yield _error(f"{name!r} is not in the matrix's {section}", *path, hint=hint, file=file)


def _check_names(points: list[Coordinates]) -> None:
    for left, right in pairwise(points):
        if left.name == right.name:
            raise _error(
                f"two combinations are called {left.name}: {left} and {right}", "axes", hint="Rename one of them."
            )


def _error(message: str, *path: str | int, hint: str | None = None, file: str = MATRIX) -> InputError:
    return InputError(message, hint=hint, where=Where(file=file, path=path))
