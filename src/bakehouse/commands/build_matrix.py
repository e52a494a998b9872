"""`build-matrix`: from the matrix to images that were built, proven, started, measured and reported."""

from __future__ import annotations

import sys
from contextlib import ExitStack
from dataclasses import dataclass

import bakehouse
from bakehouse.commands import stages
from bakehouse.commands.context import Context, open_project, revision
from bakehouse.config import Project
from bakehouse.engine.connect import connect
from bakehouse.engine.connection import Engine
from bakehouse.engine.host import describe_host
from bakehouse.engine.network import network_secrets
from bakehouse.engine.reaper import reap
from bakehouse.errors import ExitCode
from bakehouse.ledger import Ledger
from bakehouse.machine import detect
from bakehouse.model.cell import Cell, Excluded
from bakehouse.model.plan import Plan, Supplies
from bakehouse.model.report import RunReport
from bakehouse.model.words import Verdict
from bakehouse.planner import make_plan
from bakehouse.reporters.latest import update_latest
from bakehouse.reporters.terminal import print_run
from bakehouse.runs import RunFolder, interrupted_run, new_run
from bakehouse.select import Selection, require_card, select
from bakehouse.supply.chain import Gathered, gather
from bakehouse.supply.lock import read_lock


@dataclass(frozen=True, kw_only=True, slots=True)
class Options:
    selection: Selection
    fresh: bool = False
    """Begin a new run even if the last one was cut off."""
    tests: bool = True
    """Start the images and probe them."""
    prove: bool = True
    probes: tuple[str, ...] = ()
    """Only these kinds of probes; all without it."""
    quick: bool = False
    """One start and two repetitions: the path is walked, the figures are rough."""
    starts: int | None = None
    repetitions: int | None = None
    workers: int | None = None
    """Probes at the same time; by default one for each core."""
    install: bool = True
    """Whether Debian packages may be installed when the machine has no engine."""
    need_card: bool = False
    """Whether the selection's card must be in this machine (bench)."""


def build_matrix(context: Context, options: Options) -> ExitCode:
    """Run everything that the selection asks for. Only errors that stop the whole run are raised."""
    project, resolution = open_project(context.root)
    machine = detect()
    if options.need_card and options.selection.gpu:
        require_card(machine, options.selection.gpu, project.world.matrix)
    cells = select(resolution, options.selection, matrix=project.world.matrix, machine=machine)
    context.say(f"{len(cells)} of {len(resolution.cells)} cells: {', '.join(cell.name for cell in cells[:6])}{' ...' if len(cells) > 6 else ''}")  # noqa: PLR2004
    with ExitStack() as stack:
        engine = stack.enter_context(
            connect(cache=context.cache, environ=context.environ, say=context.say, allow_install=options.install)
        )
        reap(engine, say=context.say)
        gathered = gather(
            world=project.world,
            cells=cells,
            lock=read_lock(context.root),
            cache=context.cache,
            root=context.root,
            engine=engine,
            environ=context.environ,
            say=context.say,
        )
        ledger, plan = _open(context, options, project, cells, resolution.excluded, engine, gathered)
        ledger.folder.claim()
        stack.callback(ledger.folder.release)
        try:
            _walk(context, options, project, engine, gathered, ledger, plan)
        except BaseException:
            ledger.write()
            context.say(f"stopped; what had finished is in {ledger.folder.path}, and the same command goes on there")
            raise
        finally:
            reap(engine, say=context.say, run=ledger.folder.name)
        run = ledger.write(finished=True)
    update_latest(context.reports, run.run)
    print_run(run, ledger.folder.path, context.console)
    return exit_code(run)


def _walk(
    context: Context, options: Options, project: Project, engine: Engine, gathered: Gathered, ledger: Ledger, plan: Plan
) -> None:
    """The steps of a run, one after the other."""
    stages.bake(context, engine, ledger, plan)
    if options.prove:
        stages.prove(context, project, engine, ledger, plan)
    if options.tests:
        stages.test(context, options, project, engine, gathered, ledger, plan)
    for cell in ledger.todo(plan.cells):
        ledger.finish(cell.name)


def _open(
    context: Context,
    options: Options,
    project: Project,
    cells: tuple[Cell, ...],
    excluded: tuple[Excluded, ...],
    engine: Engine,
    gathered: Gathered,
) -> tuple[Ledger, Plan]:
    """Decide what will be built and open the run's folder: a new one, or that of a run that was cut off."""
    supplies = Supplies(
        bases=gathered.bases,
        sources=gathered.sources,
        secrets=network_secrets(context.environ, cache=context.cache),
        recipe_root=str(context.root / "recipes"),
    )
    possible = tuple(cell for cell in cells if stages.lacks(cell, gathered) is None)
    plan = make_plan(
        root=context.root,
        world=project.world,
        cells=possible,
        excluded=excluded,
        supplies=supplies,
        selected_by=options.selection.words(),
    )
    folder = _folder(context, options, plan)
    run = RunReport(
        run=folder.name,
        bakehouse=bakehouse.__version__,
        command=list(context.command or sys.argv),
        fingerprint=plan.fingerprint,
        revision=revision(context.root),
        started=context.started,
        verdict=Verdict.SKIPPED,
        host=describe_host(engine),
        supplies=gathered.supplied,
    )
    ledger = Ledger(folder=folder, run=run, cells=cells, excluded=excluded)
    for cell in cells:
        if missing := stages.lacks(cell, gathered):
            ledger.update(cell.name, verdict=Verdict.ERRORED, reason=missing)
    stages.write_plan(plan, project, supplies, folder)
    return ledger, plan


def _folder(context: Context, options: Options, plan: Plan) -> RunFolder:
    folder = None if options.fresh else interrupted_run(context.reports, fingerprint=plan.fingerprint)
    if folder:
        context.say(f"going on with {folder.name}, which was cut off")
        return folder
    return new_run(context.reports, started=context.started, fingerprint=plan.fingerprint)


def exit_code(run: RunReport) -> ExitCode:
    """1 if a cell failed or was errored: either way it was not proven to work."""
    return ExitCode.OK if run.verdict is Verdict.PASSED else ExitCode.CELL_FAILED
