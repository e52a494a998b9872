"""What `plan` answers from rendered files: the plan for programs, shards, and the files themselves."""

from __future__ import annotations

import json
import os
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from rich.console import Console
from rich.text import Text

from bakehouse.bake.executor import BAKE_FILE, write_bake_files
from bakehouse.commands.plan_json import document
from bakehouse.config.load import Project
from bakehouse.config.lock_file import read_lock
from bakehouse.formatting import count, round_seconds
from bakehouse.machine import Machine
from bakehouse.model.cell import Cell, Excluded
from bakehouse.model.plan import Plan
from bakehouse.pipeline.affected import Affected
from bakehouse.pipeline.context import Context
from bakehouse.planning.fleet import divide
from bakehouse.planning.planner import make_plan, published_supplies
from bakehouse.planning.recommend import Advice
from bakehouse.planning.shards import Shard


def make(
    context: Context,
    project: Project,
    cells: tuple[Cell, ...],
    excluded: tuple[Excluded, ...],
    *,
    selected_by: tuple[str, ...],
    folder: Path | None,
) -> Plan:
    """The plan of these cells. `folder`: where its files will lie, if they are to be written."""
    supplies = published_supplies(project.world, read_lock(context.root))
    if folder is not None:
        supplies = replace(supplies, bake_root=os.path.relpath(folder, context.root))
    return make_plan(
        root=context.root,
        world=project.world,
        cells=cells,
        excluded=excluded,
        supplies=supplies,
        selected_by=selected_by,
    )


def write(context: Context, made: Plan, folder: Path) -> None:
    write_bake_files(folder, dockerfiles=made.dockerfiles, bake=made.bake)
    context.say(f"wrote {count(len(made.dockerfiles), 'Dockerfile')} and docker-bake.json to {folder}")
    context.say(f"to build them in the project's folder: docker buildx bake --file {folder}/{BAKE_FILE}")


def show_json(
    made: Plan,
    project: Project,
    machine: Machine,
    *,
    advices: Sequence[Advice],
    affected: Affected | None,
    shards: Sequence[Shard],
    out: Console,
) -> None:
    matrix = project.world.matrix
    hosts = divide(made.cells, matrix, platform=machine.platform) if matrix.hosts else None
    text = json.dumps(document(made, advices=advices, affected=affected, shards=shards, hosts=hosts), indent=2)
    out.print(text, soft_wrap=True, markup=False, highlight=False)


def show_shards(shards: Sequence[Shard], *, out: Console) -> None:
    """What each machine builds, and how long that may take."""
    for number, shard in enumerate(shards, start=1):
        words = f"shard {number} of {len(shards)}  {count(len(shard.cells), 'cell')}, {round_seconds(shard.seconds)}"
        out.print(Text(words, style="bold"))
        for cell in shard.cells:
            out.print(Text(f"  {cell}"), soft_wrap=True)
