"""The cells that a command is about, with those that a change affects found through git."""

from __future__ import annotations

from dataclasses import replace

from bakehouse.config.load import Project
from bakehouse.machine import Machine
from bakehouse.model.cell import Cell, Resolution
from bakehouse.pipeline.affected import Affected
from bakehouse.pipeline.context import Context
from bakehouse.planning.select import Selection, select


def choose(
    context: Context,
    selection: Selection,
    project: Project,
    resolution: Resolution,
    *,
    machine: Machine,
    by_default_all: bool = False,
) -> tuple[tuple[Cell, ...], Affected | None]:
    """The chosen cells, sorted by name. None are left where nothing that was asked for is affected: no error.

    `by_default_all`: without an option that chooses, all cells, not those that this machine runs.
    """
    whole = by_default_all and selection.names_nothing
    if whole and not selection.skip:
        cells = resolution.cells
    else:
        asked = replace(selection, everything=True) if whole else selection
        cells = select(resolution, asked, matrix=project.world.matrix, machine=machine)
    if selection.affected_since is None:
        return cells, None
    from bakehouse.pipeline.changed_since import find_affected  # noqa: PLC0415 - renders what the revisions differ in

    affected = find_affected(context.root, selection.affected_since, world=project.world, environ=context.environ)
    kept = tuple(cell for cell in cells if cell.name in affected.why)
    context.say(_headline(kept, cells, affected))
    return kept, affected


def _headline(kept: tuple[Cell, ...], cells: tuple[Cell, ...], affected: Affected) -> str:
    since = f"since {affected.revision} ({affected.commit[:9]})"
    if affected.everything_because:
        return f"all {len(kept)} cells are affected {since}: {affected.everything_because}"
    return f"{len(kept)} of {len(cells)} cells are affected {since}"
