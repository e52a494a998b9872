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
    if cell.at.arch:
        found[f"{PREFIX}.archs"] = cell.at.arch
    if cell.toolkit:
        found[f"{PREFIX}.toolkit"] = f"{cell.toolkit.accelerator} {cell.toolkit.version}"
        if cell.toolkit.driver_floor:
            found[f"{PREFIX}.driver-floor"] = cell.toolkit.driver_floor
    return dict(sorted(found.items()))
