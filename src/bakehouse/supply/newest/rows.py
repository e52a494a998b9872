"""What is newest of each row that cells stand on."""

from __future__ import annotations

from collections.abc import Sequence

from bakehouse.model.cell import Cell, World
from bakehouse.supply.context import SupplyContext
from bakehouse.supply.newest.move import News
from bakehouse.supply.newest.sources import newest_source


def newest_rows(world: World, cells: Sequence[Cell], context: SupplyContext) -> tuple[News, ...]:
    """Of the sources of cells, by name."""
    names = sorted({cell.recipe.cmake.source for cell in cells if cell.recipe.cmake})
    return tuple(newest_source(name, world.matrix.sources[name], context) for name in names)
