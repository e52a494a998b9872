"""Which Debian packages cells install, in which base, and which archives must have them. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

from bakehouse.config.yaml_document import KeyPath
from bakehouse.model.build import CMakeBuild
from bakehouse.model.cell import Cell
from bakehouse.model.matrix import Matrix
from bakehouse.model.places import DebootstrapPlace, DockerfilePlace, RegistryPlace
from bakehouse.planning.render.toolchain import toolchain_of

MATRIX = "matrix.yaml"
BUILDS_ON = "amd64"
"""Debian's name of the platform on which every stage but the runtime's is run."""


@dataclass(frozen=True, kw_only=True, slots=True, order=True)
class Archive:
    """A distribution's packages for one of its releases."""

    distribution: str
    """`debian`, `ubuntu`."""
    suite: str
    components: tuple[str, ...]
    vendor: bool = False
    """Whether it is beneath a vendor's image, which has archives of its own beside it."""

    def __str__(self) -> str:
        return f"{self.distribution.capitalize()} {self.suite}"


@dataclass(frozen=True, kw_only=True, slots=True, order=True)
class Wish:
    """A package that a stage installs."""

    name: str
    version: str | None
    architecture: str
    archive: Archive
    base: str
    file: str
    path: KeyPath
    """Where it stands in that file."""


_SUITES = {
    "debian12": "bookworm",
    "debian13": "trixie",
    "debian14": "forky",
    "ubuntu22.04": "jammy",
    "ubuntu24.04": "noble",
    "ubuntu26.04": "resolute",
}
_COMPONENTS = {"debian": ("main",), "ubuntu": ("main", "universe")}
"""What the official images take packages from. Stages that are made here may add Debian's others."""
_ADDED = ("contrib", "non-free", "non-free-firmware")
_OFFICIAL = ("library/debian", "library/ubuntu")


def wishes(cells: Iterable[Cell], matrix: Matrix) -> tuple[Wish, ...]:
    """Every package of every stage of the cells, once for each archive that a base may come from.

    A base whose distribution is not known has no archive, and its packages are left out.
    """
    found: dict[Wish, None] = {}
    for cell in cells:
        for base, platform, words in _stages(cell):
            for archive in archives_of(base, matrix):
                found |= dict.fromkeys(_wish(word, platform, archive, base) for word in words)
    found |= dict.fromkeys(_of_made_bases(cells, matrix))
    return tuple(sorted(found, key=lambda one: (one.file, str(one.path), one.base, one.archive, one.architecture)))


def archives_of(base: str, matrix: Matrix, *, added: tuple[str, ...] = ()) -> tuple[Archive, ...]:
    """One for each kind of place that the base may come from."""
    found: dict[Archive, None] = {}
    row = matrix.bases[base]
    for place in row.places:
        if isinstance(place, DockerfilePlace):
            more = (*added, *(_ADDED if place.dockerfile.packages else ()))
            found |= dict.fromkeys(archives_of(place.dockerfile.on, matrix, added=more))
            continue
        suite = place.debootstrap.suite if isinstance(place, DebootstrapPlace) else _SUITES.get(row.os)
        if suite is None:
            continue
        distribution = "ubuntu" if suite in ("jammy", "noble", "resolute") else "debian"
        vendor = isinstance(place, RegistryPlace) and not any(word in place.registry for word in _OFFICIAL)
        components = (*_COMPONENTS[distribution], *(added if distribution == "debian" else ()))
        found[Archive(distribution=distribution, suite=suite, components=components, vendor=vendor)] = None
    return tuple(found)


Word = tuple[str, str, KeyPath]
"""A package as it was written, its file, and where it stands there."""


def _stages(cell: Cell) -> Iterator[tuple[str, str, list[Word]]]:
    """Base, Debian's name of the platform, and packages of each stage."""
    recipe_file, target = f"recipes/{cell.at.recipe}/recipe.yaml", cell.at.platform.removeprefix("linux/")
    if cell.recipe.cmake:
        yield from _compiled(cell, cell.recipe.cmake, recipe_file, target)
    path: KeyPath = ("build", "backends", str(cell.at.accelerator), "runtime_packages")
    own = _words(cell.runtime_packages, recipe_file, path)
    runtime = _words(cell.recipe.runtime.packages, recipe_file, ("runtime", "packages"))
    flags = _words(cell.flag_set.runtime_packages, MATRIX, ("flag_sets", cell.at.flag_set, "runtime_packages"))
    yield cell.runtime_base, target, [*runtime, *flags, *own]


def _compiled(cell: Cell, build: CMakeBuild, recipe_file: str, target: str) -> Iterator[tuple[str, str, list[Word]]]:
    """Those of the stages that compile."""
    tools = _words(build.packages, recipe_file, ("build", "packages"))
    flags = _words(cell.flag_set.build_packages, MATRIX, ("flag_sets", cell.at.flag_set, "build_packages"))
    yield from _compiling(cell, cell.host_base, [*tools, *(flags if cell.flag_set.plugins else [])], target)
    if cell.backend:
        path: KeyPath = ("build", "backends", str(cell.at.accelerator))
        # a cross-compiled backend takes the recipe's programs only
        programs = [word for word in tools if not (cell.cross and word[0].startswith("lib"))]
        libraries = _words(cell.backend.build_packages, recipe_file, (*path, "build_packages"))
        extra = [("patchelf", recipe_file, ("build", "packages"))]
        yield from _compiling(cell, cell.build_base, [*programs, *libraries, *extra], target)


def _compiling(cell: Cell, base: str, words: Sequence[Word], target: str) -> Iterator[tuple[str, str, list[Word]]]:
    """Programs are those of the platform that builds; libraries (`lib...`) those of the cell's."""
    if not cell.cross:
        yield base, BUILDS_ON, list(words)
        return
    toolchain = toolchain_of(cell.at.platform)
    file = f"recipes/{cell.at.recipe}/recipe.yaml"
    compilers: list[Word] = [(name, file, ("build", "packages")) for name in toolchain.packages]
    yield base, BUILDS_ON, [*(word for word in words if not word[0].startswith("lib")), *compilers]
    yield base, target, [word for word in words if word[0].startswith("lib")]


def _of_made_bases(cells: Iterable[Cell], matrix: Matrix) -> Iterator[Wish]:
    """Packages of bases that are made here, and those that a debootstrap includes."""
    for base in sorted({base for cell in cells for base in cell.bases}):
        for index, place in enumerate(matrix.bases[base].places):
            path: KeyPath = ("bases", base, "places", index)
            if isinstance(place, DockerfilePlace):
                archives = archives_of(place.dockerfile.on, matrix, added=_ADDED)
                words = _words(place.dockerfile.packages, MATRIX, (*path, "dockerfile", "packages"))
            elif isinstance(place, DebootstrapPlace):
                archives = archives_of(base, matrix)
                words = _words(place.debootstrap.include, MATRIX, (*path, "debootstrap", "include"))
            else:
                continue
            for archive in archives:
                yield from (_wish(word, BUILDS_ON, archive, base) for word in words)


def _words(packages: Sequence[str], file: str, path: KeyPath) -> list[Word]:
    return [(name, file, (*path, index)) for index, name in enumerate(packages)]


def _wish(word: Word, architecture: str, archive: Archive, base: str) -> Wish:
    """`name:architecture=version`"""
    text, file, path = word
    name, _, version = text.partition("=")
    name, _, named = name.partition(":")
    return Wish(
        name=name,
        version=version or None,
        architecture=named or architecture,
        archive=archive,
        base=base,
        file=file,
        path=path,
    )
