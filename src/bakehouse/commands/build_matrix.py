"""`build-matrix`: from the matrix to images that were built, proven, started, measured and reported."""

from __future__ import annotations

from contextlib import ExitStack

import bakehouse
from bakehouse.commands import stages
from bakehouse.commands.context import Context, open_engine, open_project, revision
from bakehouse.commands.job import Job, Options
from bakehouse.config import Project
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
from bakehouse.reporters.terminal import show
from bakehouse.runs import RunFolder, interrupted_run, new_run
from bakehouse.select import require_card, select
from bakehouse.supply.chain import Gathered, gather
from bakehouse.supply.lock import read_lock

HEADLINE_NAMES = 6


def build_matrix(context: Context, options: Options) -> ExitCode:
    """Run everything that the selection asks for. Only errors that stop the whole run are raised."""
    project, resolution = open_project(context.root)
    machine = detect()
    if options.need_card and options.selection.gpu:
        require_card(machine, options.selection.gpu, project.world.matrix)
    cells = select(resolution, options.selection, matrix=project.world.matrix, machine=machine)
    context.say(_headline(cells, len(resolution.cells)))
    with ExitStack() as stack:
        engine = stack.enter_context(open_engine(context, install=options.install))
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
        job = _open(context, options, project, engine, gathered, cells=cells, excluded=resolution.excluded)
        folder = job.ledger.folder
        folder.claim()
        stack.callback(folder.release)
        try:
            _walk(job)
        except BaseException:
            job.ledger.write()
            context.say(f"stopped; what had finished is in {folder.path}, and the same command goes on there")
            raise
        finally:
            reap(engine, say=context.say, run=folder.name)
        run = job.ledger.write(finished=True)
    update_latest(context.reports, run.run)
    show(run, console=context.console, folder=folder.path)
    return exit_code(run)


def _headline(cells: tuple[Cell, ...], total: int) -> str:
    names = ", ".join(cell.name for cell in cells[:HEADLINE_NAMES])
    return f"{len(cells)} of {total} cells: {names}{', ...' if len(cells) > HEADLINE_NAMES else ''}"


def _walk(job: Job) -> None:
    """The steps of a run, one after the other."""
    stages.bake(job)
    if job.options.prove:
        stages.prove(job)
    if job.options.tests:
        stages.test(job)
    for cell in job.ledger.todo(job.plan.cells):
        job.ledger.finish(cell.name)


def _open(
    context: Context,
    options: Options,
    project: Project,
    engine: Engine,
    gathered: Gathered,
    *,
    cells: tuple[Cell, ...],
    excluded: tuple[Excluded, ...],
) -> Job:
    """Decide what will be built and open the run's folder: a new one, or that of a run that was cut off."""
    supplies = Supplies(
        bases=gathered.bases,
        sources=gathered.sources,
        secrets=network_secrets(context.environ, cache=context.cache),
        recipe_root=str(context.root / "recipes"),
    )
    plan = make_plan(
        root=context.root,
        world=project.world,
        cells=tuple(cell for cell in cells if gathered.reason_against(cell) is None),
        excluded=excluded,
        supplies=supplies,
        selected_by=options.selection.words(),
    )
    folder = _folder(context, options, plan)
    run = RunReport(
        run=folder.name,
        bakehouse=bakehouse.__version__,
        command=list(context.command),
        fingerprint=plan.fingerprint,
        revision=revision(context.root),
        started=context.started,
        verdict=Verdict.SKIPPED,
        host=describe_host(engine),
        supplies=gathered.supplied,
    )
    ledger = Ledger(folder=folder, run=run, cells=cells, excluded=excluded)
    for cell in cells:
        if missing := gathered.reason_against(cell):
            ledger.update(cell.name, verdict=Verdict.ERRORED, reason=missing)
    stages.write_plan(plan, project.world, supplies, folder)
    return Job(
        context=context, options=options, project=project, engine=engine, gathered=gathered, plan=plan, ledger=ledger
    )


def _folder(context: Context, options: Options, plan: Plan) -> RunFolder:
    folder = None if options.fresh else interrupted_run(context.reports, fingerprint=plan.fingerprint)
    if folder:
        context.say(f"going on with {folder.name}, which was cut off")
        return folder
    return new_run(context.reports, started=context.started, fingerprint=plan.fingerprint)


def exit_code(run: RunReport) -> ExitCode:
    """1 if a cell failed or was errored: either way it was not proven to work."""
    return ExitCode.OK if run.verdict is Verdict.PASSED else ExitCode.CELL_FAILED
