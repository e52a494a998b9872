"""The labels of an image: what it is, from which source, for which hardware."""

from __future__ import annotations

from bakehouse.model.build import ImageBuild, WheelsBuild
from bakehouse.model.cell import Cell, World
from bakehouse.planning.installed import installed, published_reference

PREFIX = "io.bakehouse"


def labels(cell: Cell, world: World) -> dict[str, str]:
    """OCI's own annotations first, then ours. Sorted by name, without dates: the same input, the same image."""
    content = installed(cell, world)
    found = {
        "org.opencontainers.image.title": cell.name,
        "org.opencontainers.image.description": cell.recipe.summary,
        "org.opencontainers.image.version": content.version,
        "org.opencontainers.image.base.name": _base_name(cell, world),
        f"{PREFIX}.recipe": cell.at.recipe,
        f"{PREFIX}.cell": cell.name,
        f"{PREFIX}.accelerator": cell.at.accelerator,
        f"{PREFIX}.flag-set": cell.at.flag_set,
    }
    if content.commit:
        found["org.opencontainers.image.revision"] = content.commit
    if isinstance(cell.recipe.build, WheelsBuild):
        found[f"{PREFIX}.requirements"] = content.revision
    if cell.archs:
        found[f"{PREFIX}.archs"] = ",".join(cell.archs)
    if cell.ptx:
        found[f"{PREFIX}.ptx"] = cell.ptx
    if cell.toolkit:
        found[f"{PREFIX}.toolkit"] = f"{cell.toolkit.accelerator} {cell.toolkit.version}"
        if cell.toolkit.driver_floor:
            found[f"{PREFIX}.driver-floor"] = cell.toolkit.driver_floor
        if cell.toolkit.driver_floor_minor:
            found[f"{PREFIX}.driver-floor-minor"] = cell.toolkit.driver_floor_minor
    return dict(sorted(found.items()))


def _base_name(cell: Cell, world: World) -> str:
    return published_reference(cell, world) if isinstance(cell.recipe.build, ImageBuild) else cell.runtime_base
