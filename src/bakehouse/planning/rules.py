"""Which combinations are not built, and why. Each rule stands here once and gives a reason for people.

A rule looks at one point of the matrix and returns None or an objection. Rules about one arch and one toolkit
(`ARCH_RULES`) also decide which archs of a group a cell leaves out. Rules that are data are the `exclude` entries of
the matrix.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import cache

from packaging.version import Version

from bakehouse.catalogue.accelerators import ACCELERATORS
from bakehouse.model.build import CMakeBuild, ImageBuild
from bakehouse.model.cell import Coordinates, LeftOut, World
from bakehouse.model.enums import AcceleratorName
from bakehouse.model.matrix import Arch, KnownBad, Matrix, Toolkit


@dataclass(frozen=True, kw_only=True, slots=True)
class Objection:
    """Why a point is not built."""

    reason: str
    """One clause, for the person who wanted the cell."""
    link: str | None = None
    """Where the fact behind it is written down."""


Rule = Callable[[Coordinates, World], Objection | None]
ArchRule = Callable[[Toolkit, str, Matrix], Objection | None]

as_version = cache(Version)
"""A matrix names few versions, and compares them for every point."""


def toolkit_title(toolkit: Toolkit) -> str:
    """As people say it: `CUDA 12.8.1`."""
    return f"{ACCELERATORS[toolkit.accelerator].toolkit_name} {toolkit.version}"


# ---------------------------------------------------------------------------------------------- one arch, one toolkit


def _toolkit_compiles_arch(toolkit: Toolkit, arch: str, matrix: Matrix) -> Objection | None:
    row, title = matrix.archs[arch], toolkit_title(toolkit)
    if row.first_toolkit and as_version(toolkit.version) < as_version(row.first_toolkit):
        return Objection(
            reason=f"{title} cannot compile {arch}; {row.first_toolkit} is the first that can", link=row.source
        )
    if row.last_toolkit and as_version(toolkit.version) > as_version(row.last_toolkit):
        return Objection(
            reason=f"{title} no longer compiles {arch}; {row.last_toolkit} is the last that does", link=row.source
        )
    return None


def _toolkit_is_good_for_arch(toolkit: Toolkit, arch: str, matrix: Matrix) -> Objection | None:  # noqa: ARG001 - the shape of a rule
    bad = toolkit.known_bad
    return _bad(toolkit, bad, f" for {arch}") if bad and arch in bad.archs else None


def _cmake_knows_arch(toolkit: Toolkit, arch: str, matrix: Matrix) -> Objection | None:
    row, base = matrix.archs[arch], matrix.bases[toolkit.build_base]
    if row.first_cmake is None or base.cmake is None or as_version(base.cmake) >= as_version(row.first_cmake):
        return None
    reason = (
        f"CMake {base.cmake} of {toolkit.build_base} does not know {arch}; {row.first_cmake} is the first that does"
    )
    return Objection(reason=reason, link=row.source)


def _libraries_know_arch(toolkit: Toolkit, arch: str, matrix: Matrix) -> Objection | None:  # noqa: ARG001 - the shape of a rule
    if not toolkit.library_archs or arch in toolkit.library_archs:
        return None
    reason = f"the libraries of {toolkit_title(toolkit)} hold no kernels for {arch}"
    return Objection(reason=reason, link=toolkit.source)


ARCH_RULES: dict[str, ArchRule] = {
    "toolkit-arch": _toolkit_compiles_arch,
    "known-bad-toolkit": _toolkit_is_good_for_arch,
    "cmake-arch": _cmake_knows_arch,
    "toolkit-libraries": _libraries_know_arch,
}
"""In the order in which they are asked."""


def compiled(at: Coordinates, world: World) -> tuple[tuple[str, ...], tuple[LeftOut, ...]]:
    """Which of a cell's archs are compiled, and why the others are not."""
    if part := world.recipes[at.recipe].prebuilt(at.accelerator):
        return part.archs, ()
    if at.toolkit is None or at.arch is None:
        return (), ()
    toolkit, matrix = world.matrix.toolkits[at.toolkit], world.matrix
    found = {arch: _arch_objection(toolkit, arch, matrix) for arch in archs_of(at.arch, matrix)}
    left_out = tuple(LeftOut(arch=arch, reason=why.reason) for arch, why in found.items() if why)
    return tuple(arch for arch, why in found.items() if not why), left_out


def _arch_objection(toolkit: Toolkit, arch: str, matrix: Matrix) -> Objection | None:
    return next((why for rule in ARCH_RULES.values() if (why := rule(toolkit, arch, matrix))), None)


def _about_one_arch(rule: ArchRule) -> Rule:
    """The rule for a point with a single arch; for a group, `_group_keeps_an_arch` asks."""

    def judge(at: Coordinates, world: World) -> Objection | None:
        if at.toolkit is None or at.arch is None or at.arch in world.matrix.arch_groups:
            return None
        return rule(world.matrix.toolkits[at.toolkit], at.arch, world.matrix)

    return judge


# ---------------------------------------------------------------------------------------------- points


def _recipe_serves_accelerator(at: Coordinates, world: World) -> Objection | None:
    served = world.recipes[at.recipe].accelerators
    if at.accelerator in served:
        return None
    return Objection(reason=f"the recipe {at.recipe} serves {', '.join(served)}, not {at.accelerator}")


def _flag_set_suits_accelerator(at: Coordinates, world: World) -> Objection | None:
    suited = world.matrix.flag_sets[at.flag_set].accelerators
    if at.accelerator in suited:
        return None
    return Objection(reason=f"the flag set {at.flag_set} is for {', '.join(suited)}, not for {at.accelerator}")


def _axes_name_toolkit_and_arch(at: Coordinates, world: World) -> Objection | None:
    accelerator = ACCELERATORS[at.accelerator]
    if world.recipes[at.recipe].cmake is None:
        return None  # what is installed was compiled elsewhere
    if accelerator.needs_toolkit and at.toolkit is None:
        return Objection(reason=f"the toolkit axis names no toolkit of {at.accelerator}")
    if accelerator.needs_arch and at.arch is None:
        return Objection(reason=f"the arch axis names no arch of {at.accelerator}")
    return None


def _toolkit_is_good(at: Coordinates, world: World) -> Objection | None:
    """A toolkit that is bad for every arch, or for the point's single one."""
    toolkit = world.matrix.toolkits[at.toolkit] if at.toolkit else None
    if toolkit and toolkit.known_bad and not toolkit.known_bad.archs:
        return _bad(toolkit, toolkit.known_bad, "")
    return _about_one_arch(_toolkit_is_good_for_arch)(at, world)


def _group_keeps_an_arch(at: Coordinates, world: World) -> Objection | None:
    if at.toolkit is None or at.arch not in world.matrix.arch_groups:
        return None
    kept, left_out = compiled(at, world)
    if kept:
        return None
    reasons = dict.fromkeys(out.reason for out in left_out)
    return Objection(reason=f"nothing is left of {at.arch}: {'; '.join(reasons)}")


def _toolkit_makes_ptx(at: Coordinates, world: World) -> Objection | None:
    group = world.matrix.arch_groups.get(at.arch or "")
    if at.toolkit is None or group is None or group.ptx is None:
        return None
    why = _toolkit_compiles_arch(world.matrix.toolkits[at.toolkit], group.ptx, world.matrix)
    return Objection(reason=f"{at.arch} holds PTX of {group.ptx}, but {why.reason}", link=why.link) if why else None


def _platform_has_cards(at: Coordinates, world: World) -> Objection | None:
    """A group is built when any of its archs has cards there: the same plugin for all platforms."""
    rows = [world.matrix.archs[arch] for arch in archs_of(at.arch, world.matrix)] if at.arch else []
    if not rows or any(not row.platforms or at.platform in row.platforms for row in rows):
        return None
    where = dict.fromkeys(platform for row in rows for platform in row.platforms)
    return Objection(reason=f"cards that run {at.arch} are in {' and '.join(where)} machines only", link=rows[0].source)


def _compiler_suits_toolkit(at: Coordinates, world: World) -> Objection | None:
    """CUDA refuses a host compiler that is newer than it knows."""
    toolkit = world.matrix.toolkits[at.toolkit] if at.toolkit and world.recipes[at.recipe].cmake else None
    if toolkit is None or toolkit.newest_gcc is None:
        return None
    gcc = toolkit.gcc or world.matrix.bases[toolkit.build_base].gcc
    if gcc is None or int(gcc) <= int(toolkit.newest_gcc):
        return None
    owner = f"the toolkit's row names GCC {gcc}" if toolkit.gcc else f"{toolkit.build_base} has GCC {gcc}"
    advice = f"name one up to {toolkit.newest_gcc} in toolkits.{at.toolkit}.gcc"
    return Objection(
        reason=f"{toolkit_title(toolkit)} accepts GCC up to {toolkit.newest_gcc}, and {owner}; {advice}",
        link=toolkit.source,
    )


def _recipe_has_backend(at: Coordinates, world: World) -> Objection | None:
    if at.accelerator is AcceleratorName.CPU or at.accelerator in world.recipes[at.recipe].build.backends:
        return None
    reason = f"the recipe {at.recipe} does not say how the {at.accelerator} backend is built (build.backends)"
    return Objection(reason=reason)


def _base_exists_for_platform(at: Coordinates, world: World) -> Objection | None:
    for name in bases_of(at, world):
        platforms = world.matrix.bases[name].platforms
        if at.platform not in platforms:
            return Objection(reason=f"the base {name} exists for {', '.join(platforms)}, not for {at.platform}")
    return None


def _cpu_variants_for_platform(at: Coordinates, world: World) -> Objection | None:
    cmake = world.recipes[at.recipe].cmake
    rows = cmake.cpu_variants if cmake else ()
    if not rows or any(row.platform == at.platform for row in rows):
        return None
    return Objection(reason=f"the recipe {at.recipe} names no CPU variants for {at.platform} (build.cpu_variants)")


RULES: dict[str, Rule] = {
    "recipe-accelerator": _recipe_serves_accelerator,
    "flag-set-accelerator": _flag_set_suits_accelerator,
    "axes": _axes_name_toolkit_and_arch,
    "toolkit-arch": _about_one_arch(_toolkit_compiles_arch),
    "known-bad-toolkit": _toolkit_is_good,
    "cmake-arch": _about_one_arch(_cmake_knows_arch),
    "toolkit-libraries": _about_one_arch(_libraries_know_arch),
    "arch-group": _group_keeps_an_arch,
    "toolkit-ptx": _toolkit_makes_ptx,
    "arch-platform": _platform_has_cards,
    "host-compiler": _compiler_suits_toolkit,
    "recipe-backend": _recipe_has_backend,
    "base-platform": _base_exists_for_platform,
    "cpu-variants-platform": _cpu_variants_for_platform,
}
"""In the order in which they are asked; the first objection is the one that is given."""

BY_CONSTRUCTION = frozenset(("recipe-accelerator", "flag-set-accelerator"))
"""Rules about names that were never meant for each other: what they rule out is no loss, and is not listed. Only
a person who asks for such a combination is told why there is none."""


# ---------------------------------------------------------------------------------------------- names


def bases_of(at: Coordinates, world: World) -> tuple[str, str, str]:
    """Names of the bases of the host part, of the backend, and of the image."""
    build = world.recipes[at.recipe].build
    if not isinstance(build, CMakeBuild):
        base = build.backends[at.accelerator].base if isinstance(build, ImageBuild) else build.base_for(at.accelerator)
        return base, base, base
    toolkit, base = world.matrix.toolkits[at.toolkit] if at.toolkit else None, build.base
    return (base, toolkit.build_base, toolkit.runtime_base or base) if toolkit else (base, base, base)


def archs_of(value: str, matrix: Matrix) -> tuple[str, ...]:
    """The archs that a value of the arch axis stands for: itself, or those of the group."""
    return matrix.arch_groups[value].archs if value in matrix.arch_groups else (value,)


def cards_of(value: str, matrix: Matrix) -> frozenset[str]:
    """The archs whose cards run native code of this value of the arch axis."""
    rows: Iterator[tuple[str, Arch]] = ((arch, matrix.archs[arch]) for arch in archs_of(value, matrix))
    return frozenset(name for arch, row in rows for name in (arch, *row.runs))


def _bad(toolkit: Toolkit, bad: KnownBad, about: str) -> Objection:
    fixed = f"; fixed in {bad.fixed_in}" if bad.fixed_in else ""
    return Objection(reason=f"{toolkit_title(toolkit)} is known to be bad{about}: {bad.reason}{fixed}", link=bad.link)
