"""From a request to a job: the engine, the supplies, the plan, and the run's folder with the state of its cells."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager

import bakehouse
from bakehouse.config.build_cache import build_cache
from bakehouse.config.layout import RECIPES
from bakehouse.config.lock_file import read_lock
from bakehouse.engine.builder import Builder, find_builder
from bakehouse.engine.connection import Engine
from bakehouse.engine.docker import Docker
from bakehouse.engine.host import describe_host
from bakehouse.engine.network import network_secrets
from bakehouse.engine.reaper import reap
from bakehouse.errors import InputError
from bakehouse.model.enums import Verdict
from bakehouse.model.fleet import HERE
from bakehouse.model.lock import Lock
from bakehouse.model.plan import Plan, Supplies
from bakehouse.model.report import RunReport
from bakehouse.model.suite import BaselineImage
from bakehouse.pipeline import stages
from bakehouse.pipeline.compare_images import find_baselines
from bakehouse.pipeline.disk_room import check_room
from bakehouse.pipeline.engine import open_engine
from bakehouse.pipeline.fingerprint import run_fingerprint
from bakehouse.pipeline.history_writer import HistoryWriter
from bakehouse.pipeline.job import Job
from bakehouse.pipeline.project import revision
from bakehouse.pipeline.request import RunRequest, try_templates
from bakehouse.pipeline.run_folder import RunFolder, open_run
from bakehouse.pipeline.run_state import RunState
from bakehouse.pipeline.supplies import gather_for
from bakehouse.planning.installed import installed
from bakehouse.planning.planner import make_plan, published_supplies
from bakehouse.supply.chain import Gathered


@contextmanager
def open_job(request: RunRequest) -> Iterator[Job]:
    """Get an engine and what the cells need, and hold the run's folder: a new one, or that of a run that was cut off.

    Raises BakehouseError before the folder is opened where nothing could be built.
    """
    context, options = request.context, request.options
    lock = read_lock(context.root)
    try_templates(request, lock)
    with open_engine(context, install=options.install) as engine:
        reap(engine, say=context.say)
        check_room(context, engine, request.cells, request.project.world.matrix)
        builder = None if request.given else _builder(request, engine)
        baselines = _baselines(request, engine)
        gathered = gather_for(
            context,
            engine,
            world=request.project.world,
            cells=request.cells,
            lock=lock,
            with_models=options.tests,
            with_builds=not request.given,
        )
        supplies = _supplies(request, gathered, lock)
        plan = _plan(request, gathered, supplies)
        record = _record(request, engine, gathered, plan, baselines)
        with open_run(
            context.reports,
            started=context.started,
            fingerprint=record.fingerprint,
            fresh=options.fresh,
            say=context.say,
        ) as folder:
            state = _open_state(request, folder, record, gathered)
            stages.write_plan(plan, request.project.world, supplies, folder)
            yield Job(
                context=context,
                options=options,
                project=request.project,
                machine=request.machine,
                engine=engine,
                builder=builder,
                gathered=gathered,
                cells=request.cells,
                plan=plan,
                state=state,
                writer=_writer(request) if options.keeps_history else None,
                baselines=baselines,
                given=request.given,
                hosts=request.hosts,
            )


def _builder(request: RunRequest, engine: Engine) -> Builder | None:
    """What builds in the engine's place. Raises InputError where it does not build for a cell's platform."""
    builder = find_builder(engine, request.context.environ)
    if builder is None:
        return None
    wanted = {cell.at.platform for cell in request.cells if not cell.cross}
    if builder.platforms and (missing := sorted(wanted - set(builder.platforms))):
        raise InputError(
            f"the builder {builder.name} builds for {', '.join(builder.platforms)}, and not for {', '.join(missing)}",
            hint="Choose cells of its platforms (--platform), or another builder.",
        )
    request.context.say(f"Images are built by {builder.name} ({builder.driver} driver) and brought to this engine")
    return builder


def _baselines(request: RunRequest, engine: Engine) -> Mapping[str, BaselineImage]:
    asked = request.options.compare
    if asked is None:
        return {}
    names = [cell.name for cell in request.cells]
    context = request.context
    return find_baselines(asked, names, reports=context.reports, images=Docker(engine), say=context.say)


def _supplies(request: RunRequest, gathered: Gathered, lock: Lock) -> Supplies:
    """Where nothing is built, the plan only says what the images were made from."""
    context = request.context
    published = published_supplies(request.project.world, lock) if request.given else None
    return Supplies(
        bases=published.bases if published else gathered.bases,
        sources=published.sources if published else gathered.sources,
        secrets=network_secrets(context.environ, cache=context.cache),
        recipe_root=str(context.root / RECIPES),
        cache=build_cache(context.environ),
    )


def _plan(request: RunRequest, gathered: Gathered, supplies: Supplies) -> Plan:
    """Of the cells that have all they need."""
    return make_plan(
        root=request.context.root,
        world=request.project.world,
        cells=tuple(cell for cell in request.cells if gathered.reason_against(cell) is None),
        excluded=request.excluded,
        supplies=supplies,
        selected_by=request.options.selection.words(),
    )


def _record(
    request: RunRequest, engine: Engine, gathered: Gathered, plan: Plan, baselines: Mapping[str, BaselineImage]
) -> RunReport:
    """The run before anything is done. Its name is that of its folder, which is not chosen yet."""
    context, host = request.context, describe_host(engine, request.machine)
    return RunReport(
        run="",
        bakehouse=bakehouse.__version__,
        command=list(context.command),
        fingerprint=run_fingerprint(
            plan,
            request.options,
            root=context.root,
            where=(host.name, engine.host or "", *sorted(request.given.values()), *_elsewhere(request)),
            versus={cell: baseline.reference for cell, baseline in baselines.items()},
            models=request.project.world.matrix.models,
        ),
        revision=revision(context.root, context.environ),
        started=context.started,
        verdict=Verdict.SKIPPED,
        host=host,
        supplies=gathered.supplied,
    )


def _elsewhere(request: RunRequest) -> list[str]:
    """Who tests what: a run that was divided otherwise is another one."""
    return [f"{cell} on {host}" for cell, host in sorted(request.hosts.items()) if host != HERE]


def _open_state(request: RunRequest, folder: RunFolder, record: RunReport, gathered: Gathered) -> RunState:
    run = record.model_copy(update={"run": folder.name})
    state = RunState(folder=folder, run=run, cells=request.cells, excluded=request.excluded, supplies=gathered.needed)
    for cell in request.cells:
        if missing := gathered.reason_against(cell):
            state.update(cell.name, verdict=Verdict.ERRORED, reason=missing)
    state.begin()
    return state


def _writer(request: RunRequest) -> HistoryWriter:
    return HistoryWriter(
        reports=request.context.reports,
        machine=request.machine,
        revisions={cell.name: installed(cell, request.project.world).revision for cell in request.cells},
        say=request.context.say,
    )
