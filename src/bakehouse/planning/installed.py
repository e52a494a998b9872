"""What an image really holds, by version: of the source, of the locked distribution, or of the published image."""

from __future__ import annotations

from dataclasses import dataclass
from typing import assert_never

from packaging.utils import canonicalize_name

from bakehouse.model.build import CMakeBuild, ImageBuild, WheelsBuild
from bakehouse.model.cell import Cell, World
from bakehouse.model.places import RegistryPlace
from bakehouse.model.requirements import lock_name

EPOCH = 1735689600
"""SOURCE_DATE_EPOCH, 2025-01-01, where nothing says a date: that of the bases which are made here, too."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Installed:
    version: str
    """For people: `b11312`, `1.31.1`, `v0.33.0`."""
    revision: str
    """What it can be told apart by: the commit, the lock's `sha256:...`, the image's reference."""
    commit: str | None = None
    """The source's, where the image is compiled from one."""
    epoch: int = EPOCH
    """No file of the image is newer. Seconds since 1970."""


def installed(cell: Cell, world: World) -> Installed:
    build = cell.recipe.build
    match build:
        case CMakeBuild():
            source = world.matrix.sources[build.source]
            return Installed(
                version=f"b{source.build_number}" if source.build_number else source.revision[:9],
                revision=source.revision,
                commit=source.revision,
                epoch=int(source.committed.timestamp()),
            )
        case WheelsBuild():
            lock = world.locks[cell.at.recipe][lock_of(cell)]
            package = build.package_for(cell.at.accelerator) or ""
            version = build.version or lock.versions[canonicalize_name(package)]
            return Installed(version=version, revision=f"sha256:{lock.sha256}")
        case ImageBuild():
            reference = published_reference(cell, world)
            return Installed(version=reference.rpartition("/")[2].partition(":")[2] or "latest", revision=reference)
        case _:
            assert_never(build)


def lock_of(cell: Cell) -> str:
    """Name of the lock that a cell of wheels is installed from."""
    return lock_name(cell.at.accelerator, cell.at.platform)


def published_reference(cell: Cell, world: World) -> str:
    """The published image that a cell starts from, with its tag: `docker.io/vllm/vllm-openai:v0.33.0`."""
    places = world.matrix.bases[cell.runtime_base].places
    return next((place.registry for place in places if isinstance(place, RegistryPlace)), cell.runtime_base)
