"""What cells are made from and probed with, got for a command: from its cache, by its lockfile and its engine."""

from __future__ import annotations

from collections.abc import Sequence

from bakehouse.engine.connection import Engine
from bakehouse.model.cell import Cell, World
from bakehouse.model.lock import Lock
from bakehouse.pipeline.context import Context
from bakehouse.supply.chain import Gathered, gather


def gather_for(
    context: Context,
    engine: Engine,
    *,
    world: World,
    cells: Sequence[Cell],
    lock: Lock,
    with_models: bool = True,
    also_models: Sequence[str] = (),
    with_builds: bool = True,
) -> Gathered:
    """As `gather` does it. What is not to be had is in `missing`."""
    return gather(
        world=world,
        cells=cells,
        lock=lock,
        cache=context.cache,
        root=context.root,
        engine=engine,
        environ=context.environ,
        say=context.say,
        with_models=with_models,
        also_models=also_models,
        with_builds=with_builds,
    )
