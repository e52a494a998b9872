"""Which combinations are not built, and why. Each rule stands here once and gives a reason for people.

A rule looks at one point of the matrix and returns None or a reason. Rules that hold for one accelerator only are
its `unsupported`; rules that are data are the `exclude` entries of the matrix.
"""

from __future__ import annotations

from collections.abc import Callable

from bakehouse.accelerators import ACCELERATORS
from bakehouse.model.cell import Coordinates, World

Rule = Callable[[Coordinates, World], str | None]


def _recipe_serves_accelerator(at: Coordinates, world: World) -> str | None:
    served = world.recipes[at.recipe].accelerators
    if at.accelerator in served:
        return None
    return f"the recipe {at.recipe} serves {', '.join(served)}, not {at.accelerator}"


def _flag_set_suits_accelerator(at: Coordinates, world: World) -> str | None:
    suited = world.matrix.flag_sets[at.flag_set].accelerators
    if at.accelerator in suited:
        return None
    return f"the flag set {at.flag_set} is for {', '.join(suited)}, not for {at.accelerator}"


def _base_exists_for_platform(at: Coordinates, world: World) -> str | None:
    for name in bases_of(at, world):
        platforms = world.matrix.bases[name].platforms
        if at.platform not in platforms:
            return f"the base {name} exists for {', '.join(platforms)}, not for {at.platform}"
    return None


def _cpu_variants_for_platform(at: Coordinates, world: World) -> str | None:
    rows = world.recipes[at.recipe].build.cpu_variants
    if not rows or any(row.platform == at.platform for row in rows):
        return None
    return f"the recipe {at.recipe} names no CPU variants for {at.platform} (build.cpu_variants)"


def _toolkit_serves_arch(at: Coordinates, world: World) -> str | None:
    return ACCELERATORS[at.accelerator].unsupported(world.matrix, at.toolkit, at.arch)


RULES: dict[str, Rule] = {
    "recipe-accelerator": _recipe_serves_accelerator,
    "flag-set-accelerator": _flag_set_suits_accelerator,
    "toolkit-arch": _toolkit_serves_arch,
    "base-platform": _base_exists_for_platform,
    "cpu-variants-platform": _cpu_variants_for_platform,
}
"""In the order in which they are asked; the first reason is the one that is given."""


def bases_of(at: Coordinates, world: World) -> tuple[str, str]:
    """Names of the bases of the build stages and of the runtime stage."""
    toolkit = world.matrix.toolkits[at.toolkit] if at.toolkit else None
    base = world.recipes[at.recipe].build.base
    return (toolkit.build_base, toolkit.runtime_base) if toolkit else (base, base)
