"""`plan`: what a run would do, and why. Touches neither Docker nor the network."""

from __future__ import annotations

import json
import os
from dataclasses import dataclass, replace
from pathlib import Path

from rich.console import Console

from bakehouse.bake.executor import BAKE_FILE, write_bake_files
from bakehouse.commands.lint_project import mention_findings
from bakehouse.commands.plan_json import document
from bakehouse.commands.plan_text import show_advices, show_excluded, show_matrix, show_shards
from bakehouse.config.load import Project
from bakehouse.config.lock_file import read_lock
from bakehouse.errors import ExitCode, InputError
from bakehouse.formatting import count
from bakehouse.machine import Machine, detect
from bakehouse.model.cell import Cell, Resolution
from bakehouse.model.plan import Plan
from bakehouse.pipeline.changed_since import Affected
from bakehouse.pipeline.choose_cells import choose
from bakehouse.pipeline.context import Context
from bakehouse.pipeline.project import open_project
from bakehouse.pipeline.shards import shards_of
from bakehouse.planning.explain import explain
from bakehouse.planning.fleet import divide
from bakehouse.planning.gpus import find_target
from bakehouse.planning.planner import make_plan, published_supplies
from bakehouse.planning.recommend import Advice, advise
from bakehouse.planning.select import NothingChosenError, Selection, select


@dataclass(frozen=True, kw_only=True, slots=True)
class Options:
    selection: Selection
    driver: str | None = None
    excluded: bool = False
    """List every excluded combination, not only the reasons."""
    as_json: bool = False
    explain: str | None = None
    write: Path | None = None
    shards: int | None = None
    """Divide the cells among at most so many machines that build."""


def plan(context: Context, options: Options, *, out: Console) -> ExitCode:
    """Print the plan; `plan` without a selection is about the whole matrix."""
    project, resolution = open_project(context.root)
    if options.explain:
        explain(options.explain, project, resolution, out=out)
        return ExitCode.OK
    machine = detect()
    try:
        cells, affected = choose(context, options.selection, project, resolution, machine=machine, by_default_all=True)
    except NothingChosenError as error:
        raise _explained(error, options, project, resolution, machine, out=out) from None
    advices = _advise(options, cells, project, resolution, machine)
    if options.write is None and options.shards is None and not options.as_json:
        mention_findings(context, project)
        _show(options, cells, project, resolution, machine, advices=advices, affected=affected, out=out)
        return ExitCode.OK
    made = _make(context, options, cells, project, resolution)
    shards = shards_of(made, context.reports, at_most=options.shards) if options.shards else ()
    mention_findings(context, project)
    if options.write is not None:
        _write(context, made, options.write)
    if options.as_json:
        matrix = project.world.matrix
        hosts = divide(cells, matrix, platform=machine.platform) if matrix.hosts else None
        text = json.dumps(document(made, advices=advices, affected=affected, shards=shards, hosts=hosts), indent=2)
        out.print(text, soft_wrap=True, markup=False, highlight=False)
    elif options.shards:
        show_shards(shards, out=out)
    return ExitCode.OK


def _explained(
    error: NothingChosenError,
    options: Options,
    project: Project,
    resolution: Resolution,
    machine: Machine,
    *,
    out: Console,
) -> InputError:
    """Where a card alone was asked about, all reasons in order say more than the few that fit into an error."""
    if options.as_json or options.selection != Selection(gpu=options.selection.gpu):
        return error
    advices = _advise(options, (), project, resolution, machine)
    if not advices:
        return error
    show_advices(advices, every=options.excluded, out=out)
    return InputError(error.message, hint="The reasons are listed above.")


def _advise(
    options: Options, cells: tuple[Cell, ...], project: Project, resolution: Resolution, machine: Machine
) -> tuple[Advice, ...]:
    """About each card, also what would run on it by compiling PTX, which `--gpu` does not choose."""
    matrix, words, driver = project.world.matrix, options.selection.gpu, options.driver
    if not words:
        return () if driver is None else (advise(cells, resolution, matrix, target=None, driver=driver),)
    others = replace(options.selection, gpu=(), affected_since=None, everything=True)
    cells = select(resolution, others, matrix=matrix, machine=machine)
    targets = dict.fromkeys(find_target(word, matrix, machine) for word in words)
    return tuple(advise(cells, resolution, matrix, target=target, driver=driver) for target in targets)


def _show(
    options: Options,
    cells: tuple[Cell, ...],
    project: Project,
    resolution: Resolution,
    machine: Machine,
    *,
    advices: tuple[Advice, ...],
    affected: Affected | None,
    out: Console,
) -> None:
    if options.selection.gpu:
        show_advices(advices, every=options.excluded, out=out)
        return
    show_matrix(
        cells,
        len(resolution.cells),
        matrix=project.world.matrix,
        machine=machine,
        affected=affected,
        advice=advices[0] if advices else None,
        out=out,
    )
    whole = len(cells) == len(resolution.cells) and affected is None
    if whole or options.excluded:
        show_excluded(resolution.excluded, every=options.excluded, out=out)


def _make(
    context: Context, options: Options, cells: tuple[Cell, ...], project: Project, resolution: Resolution
) -> Plan:
    supplies = published_supplies(project.world, read_lock(context.root))
    if options.write is not None:
        supplies = replace(supplies, bake_root=os.path.relpath(options.write, context.root))
    return make_plan(
        root=context.root,
        world=project.world,
        cells=cells,
        excluded=resolution.excluded,
        supplies=supplies,
        selected_by=options.selection.words(),
    )


def _write(context: Context, made: Plan, folder: Path) -> None:
    write_bake_files(folder, dockerfiles=made.dockerfiles, bake=made.bake)
    context.say(f"wrote {count(len(made.dockerfiles), 'Dockerfile')} and docker-bake.json to {folder}")
    context.say(f"to build them in the project's folder: docker buildx bake --file {folder}/{BAKE_FILE}")
