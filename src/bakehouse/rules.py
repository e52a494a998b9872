"""Which combinations are not built, and why. Each rule stands here once and gives a reason for people.

A rule looks at one point of the matrix and returns None or a reason. Rules that are data are the
`exclude` entries of the matrix.
"""

from __future__ import annotations

from collections.abc import Callable

from packaging.version import Version

from bakehouse.accelerators import ACCELERATORS
from bakehouse.model.cell import Coordinates, LeftOut, World
from bakehouse.model.matrix import Matrix
from bakehouse.model.words import AcceleratorName

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


def _recipe_has_backend(at: Coordinates, world: World) -> str | None:
    if at.accelerator is AcceleratorName.CPU or at.accelerator in world.recipes[at.recipe].build.backends:
        return None
    return f"the recipe {at.recipe} does not say how the {at.accelerator} backend is built (build.backends)"


def _axes_name_toolkit_and_arch(at: Coordinates, world: World) -> str | None:  # noqa: ARG001 - the shape of a rule
    accelerator = ACCELERATORS[at.accelerator]
    if accelerator.needs_toolkit and at.toolkit is None:
        return f"the toolkit axis names no toolkit of {at.accelerator}"
    if accelerator.needs_arch and at.arch is None:
        return f"the arch axis names no arch of {at.accelerator}"
    return None


def _toolkit_serves_arch(at: Coordinates, world: World) -> str | None:
    if at.toolkit is None or at.arch is None or compiled(at, world)[0]:
        return None
    _, left_out = compiled(at, world)
    if len(left_out) == 1:
        return left_out[0].reason
    return f"of {at.arch}, nothing is left: " + "; ".join(out.reason for out in left_out)


RULES: dict[str, Rule] = {
    "recipe-accelerator": _recipe_serves_accelerator,
    "flag-set-accelerator": _flag_set_suits_accelerator,
    "toolkit-arch": _toolkit_serves_arch,
    "recipe-backend": _recipe_has_backend,
    "axes": _axes_name_toolkit_and_arch,
    "base-platform": _base_exists_for_platform,
    "cpu-variants-platform": _cpu_variants_for_platform,
}
"""In the order in which they are asked; the first reason is the one that is given."""


def bases_of(at: Coordinates, world: World) -> tuple[str, str, str]:
    """Names of the bases of the host part, of the backend, and of the image."""
    toolkit = world.matrix.toolkits[at.toolkit] if at.toolkit else None
    base = world.recipes[at.recipe].build.base
    return (base, toolkit.build_base, toolkit.runtime_base or base) if toolkit else (base, base, base)


def archs_of(value: str, matrix: Matrix) -> tuple[str, ...]:
    """The archs that a value of the arch axis stands for: itself, or those of the group."""
    return matrix.arch_groups[value].archs if value in matrix.arch_groups else (value,)


def compiled(at: Coordinates, world: World) -> tuple[tuple[str, ...], tuple[LeftOut, ...]]:
    """Which of a cell's archs its toolkit compiles, and why it does not compile the others."""
    if at.toolkit is None or at.arch is None:
        return (), ()
    reasons = {arch: _age(at.toolkit, arch, world.matrix) for arch in archs_of(at.arch, world.matrix)}
    left_out = tuple(LeftOut(arch=arch, reason=reason) for arch, reason in reasons.items() if reason)
    return tuple(arch for arch, reason in reasons.items() if not reason), left_out


def _age(toolkit: str, arch: str, matrix: Matrix) -> str | None:
    """Why a toolkit is too old or too new for an arch."""
    version, row = matrix.toolkits[toolkit].version, matrix.archs[arch]
    if row.first_toolkit and Version(version) < Version(row.first_toolkit):
        return f"{toolkit} cannot compile {arch}; {row.first_toolkit} is the first that can"
    if row.last_toolkit and Version(version) > Version(row.last_toolkit):
        return f"{toolkit} no longer compiles {arch}; {row.last_toolkit} is the last that can"
    return None
