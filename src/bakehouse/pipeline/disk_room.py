"""The disk space that a run may take, checked before it starts, so that nobody waits an hour for a full disk."""

from __future__ import annotations

import shutil
from collections.abc import Sequence
from pathlib import Path

from bakehouse.engine.connection import Engine
from bakehouse.errors import InfrastructureError
from bakehouse.formatting import size
from bakehouse.model.cell import Cell
from bakehouse.model.matrix import Matrix
from bakehouse.pipeline.context import Context
from bakehouse.pipeline.expectations import size_budget
from bakehouse.supply.chain import Needs

GIB = 2**30
BUILD_TOOLS = 2 * GIB
"""Base, compiler, source tree and compiler cache of the part that all cells share; 1.7 GiB were seen."""
TOOLKIT = 6 * GIB
"""An accelerator's compiler and libraries, and what is compiled with them; 5.1 GiB of packages for CUDA 12.4."""
KEPT_TWICE = 1.5
"""An image is stored unpacked and as compressed layers."""
LEAST = 256 * 2**20
"""Below this not even reports and downloads of the smallest run fit."""


def room_needed(cells: Sequence[Cell], matrix: Matrix) -> int:
    """Bytes that building these cells takes where nothing of them exists yet. An estimate from above."""
    toolkits = {(cell.at.accelerator, cell.at.toolkit) for cell in cells if cell.at.toolkit is not None}
    images = sum(size_budget(cell) for cell in cells)
    models = sum(matrix.models[name].size for name in Needs.of(cells, matrix).models)
    return BUILD_TOOLS + TOOLKIT * len(toolkits) + round(KEPT_TWICE * images) + models


def check_room(context: Context, engine: Engine, cells: Sequence[Cell], matrix: Matrix) -> None:
    """Say where the room may not be enough. Raises InfrastructureError where it cannot be.

    Looked at are the cache folder, which holds the embedded engine, and the reports. The disk of another engine is not.
    """
    for folder in (context.cache, context.reports):
        if (free := _free(folder)) < LEAST:
            raise InfrastructureError(
                f"No space left on device for {folder}: {size(free)} is free, and the smallest run takes {size(LEAST)}",
                hint="Make room there, or choose another folder: --root for reports, BAKEHOUSE_CACHE for the cache.",
            )
    needed = room_needed(cells, matrix)
    if engine.kind == "embedded" and (free := _free(context.cache)) < needed:
        context.say(
            f"{size(free)} is free in {context.cache}; these cells take up to {size(needed)} where nothing of them is "
            "built yet. A run that ends for want of room goes on later; BAKEHOUSE_CACHE names another folder."
        )


def _free(folder: Path) -> int:
    """Bytes that this folder may still take; it need not exist yet."""
    return shutil.disk_usage(next(one for one in (folder, *folder.parents) if one.exists())).free
