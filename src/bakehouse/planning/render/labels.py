"""The labels of an image: what it is, from which source, for which hardware."""

from __future__ import annotations

from bakehouse.model.cell import Cell, World

PREFIX = "io.bakehouse"


def labels(cell: Cell, world: World) -> dict[str, str]:
    """OCI's own annotations first, then ours. Sorted by name, without dates: the same input, the same image."""
    source = world.matrix.sources[cell.recipe.build.source]
    found = {
        "org.opencontainers.image.title": cell.name,
        "org.opencontainers.image.description": cell.recipe.summary,
        "org.opencontainers.image.revision": source.revision,
        "org.opencontainers.image.version": f"b{source.build_number}" if source.build_number else source.revision[:9],
        "org.opencontainers.image.base.name": cell.runtime_base,
        f"{PREFIX}.recipe": cell.at.recipe,
        f"{PREFIX}.cell": cell.name,
        f"{PREFIX}.accelerator": cell.at.accelerator,
        f"{PREFIX}.flag-set": cell.at.flag_set,
    }
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
