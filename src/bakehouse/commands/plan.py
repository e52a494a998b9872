"""`plan`: what a run would do, and why. Touches neither Docker nor the network."""

from __future__ import annotations

import json
import os
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.table import Table
from rich.text import Text

from bakehouse.bake.executor import BAKE_FILE, write_bake_files
from bakehouse.cards import runs_on
from bakehouse.commands.context import Context, open_project
from bakehouse.errors import ExitCode
from bakehouse.explain import explain
from bakehouse.machine import detect
from bakehouse.model.cell import Cell, Resolution
from bakehouse.model.matrix import Matrix
from bakehouse.model.plan import Plan
from bakehouse.planner import make_plan, published_supplies
from bakehouse.select import Selection, select
from bakehouse.supply.lock import read_lock


@dataclass(frozen=True, kw_only=True, slots=True)
class Options:
    selection: Selection
    as_json: bool = False
    explain: str | None = None
    write: Path | None = None


def plan(context: Context, options: Options, *, out: Console) -> ExitCode:
    """Print the plan; `plan` without a selection is about the whole matrix."""
    project, resolution = open_project(context.root)
    if options.explain:
        explain(options.explain, project, resolution, out=out)
        return ExitCode.OK
    cells = _cells(options.selection, resolution, project.world.matrix)
    if options.write is None and not options.as_json:
        _print(cells, resolution, project.world.matrix, out)
        return ExitCode.OK
    supplies = published_supplies(project.world, read_lock(context.root))
    if options.write is not None:
        supplies = replace(supplies, bake_root=os.path.relpath(options.write, context.root))
    made = make_plan(
        root=context.root,
        world=project.world,
        cells=cells,
        excluded=resolution.excluded,
        supplies=supplies,
        selected_by=options.selection.words(),
    )
    if options.write is not None:
        write_bake_files(options.write, dockerfiles=made.dockerfiles, bake=made.bake)
        context.say(f"wrote {len(made.dockerfiles)} Dockerfiles and docker-bake.json to {options.write}")
        context.say(f"to build them in the project's folder: docker buildx bake --file {options.write}/{BAKE_FILE}")
    if options.as_json:
        out.print(json.dumps(_document(made), indent=2), soft_wrap=True, markup=False, highlight=False)
    return ExitCode.OK


def _cells(selection: Selection, resolution: Resolution, matrix: Matrix) -> tuple[Cell, ...]:
    return (
        resolution.cells if selection == Selection() else select(resolution, selection, matrix=matrix, machine=detect())
    )


def _document(made: Plan) -> dict[str, Any]:
    """For programs: a CI matrix reads `cells[].name`."""
    return {
        "fingerprint": made.fingerprint,
        "cells": [
            {
                "name": cell.name,
                "target": cell.target,
                "image": cell.image,
                "recipe": cell.at.recipe,
                "accelerator": cell.at.accelerator,
                "toolkit": cell.at.toolkit,
                "arch": cell.at.arch,
                "flag_set": cell.at.flag_set,
                "platform": cell.at.platform,
            }
            for cell in made.cells
        ],
        "excluded": [
            {"name": item.name, "reason": item.reason, "rule": item.rule, "link": item.link} for item in made.excluded
        ],
        "bake": made.bake,
        "dockerfiles": made.dockerfiles,
    }


def _print(cells: tuple[Cell, ...], resolution: Resolution, matrix: Matrix, out: Console) -> None:
    machine = detect()
    table = Table(box=None, padding=(0, 2, 0, 0), header_style="dim")
    for heading in ("cell", "flag set", "platform", "runs here"):
        table.add_column(heading, no_wrap=heading == "cell", overflow="fold")
    for cell in cells:
        table.add_row(cell.name, cell.at.flag_set, cell.at.platform, "yes" if runs_on(cell, machine, matrix) else "")
    out.print(table)
    out.print(f"\n{len(cells)} cells on {machine.describe()}", style="dim", highlight=False)
    if resolution.excluded:
        out.print(f"\n{len(resolution.excluded)} combinations are excluded:", highlight=False)
        for item in resolution.excluded:
            out.print(
                Text.assemble("  ", item.name, (f"  {item.reason}", "dim"), (f"  [{item.rule}]", "dim")), soft_wrap=True
            )
