"""A cell: one resolved combination of the matrix's axes and a recipe, and one image."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from bakehouse.model.bake_names import bake_target
from bakehouse.model.build import Backend, Prebuilt
from bakehouse.model.enums import AcceleratorName
from bakehouse.model.matrix import FlagSet, Matrix, Toolkit
from bakehouse.model.recipe import Recipe
from bakehouse.model.requirements import Requirements

DEFAULT_FLAG_SET = "default"
COMPILED_AS_IS = "linux/amd64"
"""The platform whose stages run as they are; those of any other are cross-compiled on the machine that builds."""


@dataclass(frozen=True, kw_only=True, slots=True)
class World:
    """Everything people wrote, parsed: the input of every pure step."""

    matrix: Matrix
    recipes: dict[str, Recipe]
    locks: Mapping[str, Mapping[str, Requirements]] = field(default_factory=dict)
    """Of recipes of wheels: recipe, then the lock's file name."""
    shipped_folders: Mapping[str, str] = field(default_factory=dict)
    """Recipes, and folders that recipes share, that ship with bakehouse and not with the project: where they are."""

    def serves(self, flag_set: str, recipe: str) -> bool:
        """Whether a flag set is for a recipe. One that names none is for all that are compiled, `default` for all."""
        if wanted := self.matrix.flag_sets[flag_set].recipes:
            return recipe in wanted
        return self.recipes[recipe].cmake is not None or flag_set == DEFAULT_FLAG_SET


@dataclass(frozen=True, kw_only=True, slots=True)
class Coordinates:
    """A point of the matrix, valid or not. `None` where an accelerator does not have the axis."""

    recipe: str
    accelerator: AcceleratorName
    platform: str
    flag_set: str
    toolkit: str | None = None
    arch: str | None = None

    @property
    def name(self) -> str:
        """`embedder-cuda12.9-sm120-amd64`. For reading only: nothing takes a name apart again."""
        return "-".join((self.recipe, self.variant, self.platform.removeprefix("linux/").replace("/", "-")))

    @property
    def variant(self) -> str:
        """What an image is, for all platforms: `cuda12.9-sm120`."""
        toolkit = (
            f"{self.accelerator}{self.toolkit.removeprefix(self.accelerator)}" if self.toolkit else self.accelerator
        )
        parts = [toolkit]
        if self.arch:
            parts.append(self.arch.replace("_", ""))
        if self.flag_set != "default":
            parts.append(self.flag_set)
        return "-".join(parts)


@dataclass(frozen=True, kw_only=True, slots=True)
class LeftOut:
    """An arch of a group that a cell's plugin does not hold, and why."""

    arch: str
    reason: str


@dataclass(frozen=True, kw_only=True, slots=True)
class Cell:
    """A combination that becomes an image. Everything a template or a probe needs hangs on it."""

    at: Coordinates
    recipe: Recipe
    flag_set: FlagSet
    """With `extends` already applied."""
    toolkit: Toolkit | None
    """With the driver floors of this cell, which its archs and options may raise."""
    host_base: str
    """Base of the stages that compile the host part and the CPU variants."""
    build_base: str
    """Base of the stage that compiles the accelerator's backend."""
    runtime_base: str
    """Base of the image."""
    cpu_variants: tuple[str, ...]
    archs: tuple[str, ...] = ()
    """What the plugin holds native code for, in the order of the matrix."""
    codes: tuple[str, ...] = ()
    """The same as the compiler is asked for it: `sm_120a`."""
    ptx: str | None = None
    """The arch whose PTX the plugin holds as well."""
    left_out: tuple[LeftOut, ...] = ()
    """Archs of the group that cannot be compiled with this toolkit."""

    @property
    def name(self) -> str:
        return self.at.name

    @property
    def backend(self) -> Backend | None:
        """How the cell's accelerator is compiled; None for `cpu`, and where nothing is compiled."""
        return self.recipe.cmake.backends.get(self.at.accelerator) if self.recipe.cmake else None

    @property
    def prebuilt(self) -> Prebuilt | None:
        """What comes compiled for the cell's accelerator."""
        return self.recipe.prebuilt(self.at.accelerator)

    @property
    def runtime_packages(self) -> tuple[str, ...]:
        """Debian packages of the image for the accelerator, beyond the recipe's."""
        part = self.backend or self.prebuilt
        return part.runtime_packages if part else ()

    @property
    def env(self) -> dict[str, str]:
        """The image's environment: the recipe's, then the accelerator's."""
        part = self.backend or self.prebuilt
        return self.recipe.runtime.env | (part.env if part else {})

    @property
    def bases(self) -> tuple[str, ...]:
        """Names of everything its stages start from, each once."""
        return tuple(dict.fromkeys((self.host_base, self.build_base, self.runtime_base)))

    @property
    def cross(self) -> bool:
        """Whether its stages compile for another platform than they run on. The runtime's base is the only one of the
        cell's own platform then, and nothing is ever run on it.
        """
        return self.at.platform != COMPILED_AS_IS

    def of_its_platform(self, base: str) -> str:
        """The base's name where it is not for the platform that builds but for the cell's own."""
        return f"{base}-{self.at.platform.removeprefix('linux/')}" if self.cross else base

    @property
    def runtime_stage(self) -> str:
        """What the runtime stage starts from."""
        return self.of_its_platform(self.runtime_base)

    @property
    def target(self) -> str:
        """Name of the bake target."""
        return bake_target(self.name)

    @property
    def image(self) -> str:
        """Reference of the image in the engine's store."""
        return f"bakehouse/{self.at.recipe}:{self.name.removeprefix(self.at.recipe + '-')}"


@dataclass(frozen=True, kw_only=True, slots=True)
class Excluded:
    """A combination that is not built, and why."""

    at: Coordinates
    reason: str
    rule: str
    """Which rule said so: a name in `bakehouse.planning.rules`, or the key path of an `exclude` entry."""
    link: str | None = None
    """Where the fact behind it is written down."""
    nearest: str | None = None
    """Name of the valid cell of the recipe that is most like it; None where the recipe has none."""

    @property
    def name(self) -> str:
        return self.at.name


@dataclass(frozen=True, kw_only=True, slots=True)
class Resolution:
    """The whole matrix, sorted by name: every combination is in exactly one of the two."""

    cells: tuple[Cell, ...]
    excluded: tuple[Excluded, ...]
    never: tuple[Excluded, ...] = ()
    """Combinations of names that were never meant for each other: a flag set of another accelerator. Not listed."""
