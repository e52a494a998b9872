"""The CMake targets of a cell's plugins."""

from __future__ import annotations

from bakehouse.model.cell import Cell
from bakehouse.servers import SERVERS


def variant_targets(cell: Cell) -> tuple[str, ...]:
    """Of the processor's variants, by the family's rule for their names; without one, a variant is a target."""
    kind = SERVERS[cell.recipe.server].plugins
    return tuple(kind.target(variant) if kind else variant for variant in cell.cpu_variants)


def plugin_targets(cell: Cell) -> tuple[str, ...]:
    """Of every plugin in the image; `NAME` becomes `libNAME.so`."""
    backend = cell.backend.plugins if cell.backend else ()
    return (*variant_targets(cell), *backend, *cell.flag_set.plugins)
