"""`build-matrix`: from the matrix to images that were built, proven, started, measured and reported."""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import ExitStack

import bakehouse
from bakehouse.commands.lint import refuse_errors
from bakehouse.commands.lint_packages import refuse_missing_packages
from bakehouse.config.layout import RECIPES
from bakehouse.config.load import Project
from bakehouse.config.lock_file import read_lock
from bakehouse.engine.connection import Engine
from bakehouse.engine.docker import Docker
from bakehouse.engine.host import describe_host
from bakehouse.engine.network import network_secrets
from bakehouse.engine.reaper import reap
from bakehouse.errors import ExitCode, InfrastructureError, InputError
from bakehouse.machine import detect
from bakehouse.model.cell import Cell, Excluded, Resolution
from bakehouse.model.enums import Change, Verdict
from bakehouse.model.lock import Lock
from bakehouse.model.plan import Supplies
from bakehouse.model.report import Host, RunReport
from bakehouse.model.suite import Baseline
from bakehouse.pipeline import stages
from bakehouse.pipeline.choose_cells import choose
from bakehouse.pipeline.compare_images import compare_in_turn, find_baselines
from bakehouse.pipeline.context import Context
from bakehouse.pipeline.disk_room import check_room
from bakehouse.pipeline.engine import open_engine
from bakehouse.pipeline.fingerprint import run_fingerprint
from bakehouse.pipeline.given_model import put_in
from bakehouse.pipeline.history_writer import HistoryWriter
from bakehouse.pipeline.job import Job, Options
from bakehouse.pipeline.project import open_project, revision
from bakehouse.pipeline.run_folder import RunFolder, open_run
from bakehouse.pipeline.run_state import RunState
from bakehouse.planning.gpus import require_card, without_row
from bakehouse.planning.installed import installed
from bakehouse.planning.planner import make_plan, published_supplies
from bakehouse.reporters.comparison import RunComparison
from bakehouse.reporters.latest import update_latest
from bakehouse.reporters.terminal import show
from bakehouse.supply.chain import Gathered, gather

HEADLINE_NAMES = 6


def build_matrix(context: Context, options: Options) -> ExitCode:
    """Run everything that the selection asks for. Only errors that stop the whole run are raised."""
    _refuse_idle_gate(options)
    project, resolution = open_project(context.root)
    if options.model is not None:
        project, resolution = put_in(project, resolution, options.model, cache=context.cache, say=context.say)
    cells = _choose(context, options, project, resolution)
    if not cells:
        return ExitCode.OK
    refuse_errors(project, {cell.at.recipe for cell in cells})
    refuse_missing_packages(context, project, cells)
    lock = read_lock(context.root)
    _try_templates(context, project, cells, lock)
    with ExitStack() as stack:
        engine = stack.enter_context(open_engine(context, install=options.install))
        reap(engine, say=context.say)
        check_room(context, engine, cells, project.world.matrix)
        baselines = _baselines(context, options, engine, cells)
        gathered = gather(
            world=project.world,
            cells=cells,
            lock=lock,
            cache=context.cache,
            root=context.root,
            engine=engine,
            environ=context.environ,
            say=context.say,
            with_models=options.tests,
        )
        job = _open_job(
            stack,
            context,
            options,
            project,
            engine=engine,
            gathered=gathered,
            cells=cells,
            excluded=resolution.excluded,
            baselines=baselines,
        )
        run, versus = _run(job, cells)
    update_latest(context.reports, run.run)
    show(run, console=context.console, folder=job.state.folder.path, versus=versus)
    return exit_code(run) or (regression_code(versus) if options.fail_on_regression else ExitCode.OK)


def _refuse_idle_gate(options: Options) -> None:
    """A gate that nothing goes through would be green for ever."""
    if options.fail_on_regression and not options.keeps_history and options.compare is None:
        raise InputError(
            "--fail-on-regression has nothing to go by: this run would be compared with nothing",
            hint="Leave out --quick, --no-tests and --no-history; --quick --history compares rough figures, "
            "`bench --compare BASE` two images.",
        )
    if options.model is not None and not options.tests:
        raise InputError("--model names what probes run, and --no-tests runs none", hint="Leave out one of the two.")


def _choose(context: Context, options: Options, project: Project, resolution: Resolution) -> tuple[Cell, ...]:
    matrix, machine = project.world.matrix, detect()
    for card in options.selection.gpu if options.need_card else ():
        require_card(machine, card, matrix, cells=resolution.cells)
    for note in without_row(machine, matrix):
        context.say(note)
    cells, _ = choose(context, options.selection, project, resolution, machine=machine)
    if cells:
        context.say(_headline(cells, len(resolution.cells)))
    return cells


def _open_job(
    stack: ExitStack,
    context: Context,
    options: Options,
    project: Project,
    *,
    engine: Engine,
    gathered: Gathered,
    cells: tuple[Cell, ...],
    excluded: tuple[Excluded, ...],
    baselines: Mapping[str, Baseline],
) -> Job:
    """Decide what will be built, and hold the run's folder: a new one, or that of a run that was cut off."""
    supplies = _supplies(context, gathered)
    plan = make_plan(
        root=context.root,
        world=project.world,
        cells=tuple(cell for cell in cells if gathered.reason_against(cell) is None),
        excluded=excluded,
        supplies=supplies,
        selected_by=options.selection.words(),
    )
    host = describe_host(engine)
    fingerprint = run_fingerprint(
        plan,
        options,
        root=context.root,
        where=(host.name, engine.host or ""),
        versus={cell: baseline.reference for cell, baseline in baselines.items()},
        models=project.world.matrix.models,
    )
    record = _record(context, host=host, gathered=gathered, fingerprint=fingerprint)
    folder = stack.enter_context(
        open_run(
            context.reports,
            started=context.started,
            fingerprint=fingerprint,
            fresh=options.fresh,
            say=context.say,
        )
    )
    state = _open_state(folder, record, gathered, cells=cells, excluded=excluded)
    stages.write_plan(plan, project.world, supplies, folder)
    return Job(
        context=context,
        options=options,
        project=project,
        engine=engine,
        gathered=gathered,
        plan=plan,
        state=state,
        writer=_writer(context, project, cells) if options.keeps_history else None,
        baselines=baselines,
    )


def _baselines(context: Context, options: Options, engine: Engine, cells: tuple[Cell, ...]) -> Mapping[str, Baseline]:
    if options.compare is None:
        return {}
    images, say = Docker(engine), context.say
    names = [cell.name for cell in cells]
    return find_baselines(options.compare, names, reports=context.reports, images=images, say=say)


def _writer(context: Context, project: Project, cells: tuple[Cell, ...]) -> HistoryWriter:
    return HistoryWriter(
        reports=context.reports,
        machine=detect(),
        revisions={cell.name: installed(cell, project.world).revision for cell in cells},
        say=context.say,
    )


def _headline(cells: tuple[Cell, ...], total: int) -> str:
    names = ", ".join(cell.name for cell in cells[:HEADLINE_NAMES])
    return f"{len(cells)} of {total} cells: {names}{', ...' if len(cells) > HEADLINE_NAMES else ''}"


def _try_templates(context: Context, project: Project, cells: tuple[Cell, ...], lock: Lock) -> None:
    """Raise InputError for a template that cannot be rendered before anything is downloaded for it."""
    supplies = published_supplies(project.world, lock)
    make_plan(root=context.root, world=project.world, cells=cells, excluded=(), supplies=supplies)


def _run(job: Job, cells: tuple[Cell, ...]) -> tuple[RunReport, RunComparison | None]:
    """Take the steps. Whatever happens, what is known is recorded and no container stays."""
    state, say = job.state, job.context.say
    try:
        _walk(job)
        for cell in state.todo(cells):
            state.finish(cell.name)
        stages.keep(job)
        versus = _versus(job)
        return state.write(finished=True, versus=versus), versus
    except BaseException:
        try:
            state.cut_off()
            say(f"stopped; what had finished is in {state.folder.path}, and the same command goes on there")
        except OSError as error:
            say(f"stopped, and the reports could not be written: {error}")
        raise
    finally:
        try:
            reap(job.engine, say=say, run=state.folder.name)
        except InfrastructureError as error:
            say(f"cannot remove what this run may have left; the next run will: {error.message}")


def _versus(job: Job) -> RunComparison | None:
    """What was measured in turn says more than a history; None where nothing was asked for."""
    if job.baselines:
        return compare_in_turn(job.state.report())
    return job.writer.compare(job.state.report()) if job.writer else None


def _walk(job: Job) -> None:
    """The steps of a run, one after the other."""
    stages.bake(job)
    if job.options.prove:
        stages.prove(job)
    if job.options.tests:
        stages.test(job)


def _supplies(context: Context, gathered: Gathered) -> Supplies:
    return Supplies(
        bases=gathered.bases,
        sources=gathered.sources,
        secrets=network_secrets(context.environ, cache=context.cache),
        recipe_root=str(context.root / RECIPES),
    )


def _record(context: Context, *, host: Host, gathered: Gathered, fingerprint: str) -> RunReport:
    """The run before anything is done. Its name is that of its folder, which is not chosen yet."""
    return RunReport(
        run="",
        bakehouse=bakehouse.__version__,
        command=list(context.command),
        fingerprint=fingerprint,
        revision=revision(context.root, context.environ),
        started=context.started,
        verdict=Verdict.SKIPPED,
        host=host,
        supplies=gathered.supplied,
    )


def _open_state(
    folder: RunFolder,
    record: RunReport,
    gathered: Gathered,
    *,
    cells: tuple[Cell, ...],
    excluded: tuple[Excluded, ...],
) -> RunState:
    run = record.model_copy(update={"run": folder.name})
    state = RunState(folder=folder, run=run, cells=cells, excluded=excluded)
    for cell in cells:
        if missing := gathered.reason_against(cell):
            state.update(cell.name, verdict=Verdict.ERRORED, reason=missing)
    state.begin()
    return state


def exit_code(run: RunReport) -> ExitCode:
    """1 if a cell failed or was errored: either way it was not proven to work."""
    return ExitCode.OK if run.verdict is Verdict.PASSED else ExitCode.CELL_FAILED


def regression_code(versus: RunComparison | None) -> ExitCode:
    """1 if something regressed, 4 if nobody could look. What is inconclusive is no regression."""
    if versus is None:
        return ExitCode.INFRASTRUCTURE
    regressed = any(change is Change.REGRESS for change, _ in versus.tally)
    return ExitCode.CELL_FAILED if regressed else ExitCode.OK
