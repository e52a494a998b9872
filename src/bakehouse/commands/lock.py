"""`lock`: look up what the matrix's names stand for today, and pin it in bakehouse.lock."""

from __future__ import annotations

from collections.abc import Sequence

from bakehouse.commands.lint import update
from bakehouse.config.layout import RECIPES
from bakehouse.config.load import load_project
from bakehouse.config.lock_file import read_lock, write_lock
from bakehouse.config.requirements import wanted_locks
from bakehouse.config.suggest import suggest
from bakehouse.errors import ExitCode, InputError, SupplyError
from bakehouse.model.build import WheelsBuild
from bakehouse.model.requirements import lock_name
from bakehouse.pipeline.context import Context
from bakehouse.pipeline.engine import open_engine
from bakehouse.pipeline.project import open_project
from bakehouse.pipeline.supplies import gather_for
from bakehouse.supply import wheel_locks


def lock(context: Context, *, install: bool) -> ExitCode:
    """Gather everything that any cell needs. What no place answers for keeps the pin it had."""
    lock_requirements(context)
    project, resolution = open_project(context.root)
    with open_engine(context, install=install) as engine:
        pins = read_lock(context.root)
        gathered = gather_for(context, engine, world=project.world, cells=resolution.cells, lock=pins)
    for (kind, name), reason in gathered.missing.items():
        context.say(f"{kind} {name} keeps what it had: {reason}")
    changed = write_lock(gathered.lock, root=context.root)
    context.say("wrote bakehouse.lock" if changed else "bakehouse.lock has not changed")
    try:
        update(context, project)
    except SupplyError as error:
        context.say(f"the options that the lint knows stay what they were: {error.message}")
    return ExitCode.OK


def lock_requirements(context: Context, names: Sequence[str] = ()) -> ExitCode:
    """Lock the wheels of each recipe that installs some, for each accelerator and platform. Needs no engine.

    `names`: of these alone. Raises InputError for requirements that nothing satisfies. Where an index cannot be
    reached, a lock that is there stays what it was, and what has none raises SupplyError when all others are done.
    """
    project = load_project(context.root, locks=False)
    builds = {
        name: recipe.build
        for name, recipe in project.world.recipes.items()
        if isinstance(recipe.build, WheelsBuild) and name not in project.world.shipped_folders  # those have their locks
    }
    if unknown := [name for name in names if name not in builds]:
        message = f"there is no recipe {unknown[0]} of this project that installs wheels"
        raise InputError(message, hint=suggest(unknown[0], sorted(builds)))
    missing: list[SupplyError] = []
    for name in names or builds:
        for accelerator, platform in wanted_locks(project.world.recipes[name], project.world.matrix.axes.platform):
            try:
                _lock_one(context, name, builds[name], accelerator=accelerator, platform=platform)
            except SupplyError as error:
                if names or not (context.root / RECIPES / name / lock_name(accelerator, platform)).exists():
                    missing.append(error)
                    continue
                context.say(f"recipes/{name}/{lock_name(accelerator, platform)} stays what it was: {error.message}")
    if missing:
        raise missing[0]
    return ExitCode.OK


def _lock_one(context: Context, name: str, build: WheelsBuild, *, accelerator: str, platform: str) -> None:
    folder = context.root / RECIPES / name
    changed = wheel_locks.write_lock(folder, build, accelerator=accelerator, platform=platform, environ=context.environ)
    file = f"recipes/{name}/{lock_name(accelerator, platform)}"
    context.say(f"wrote {file}" if changed else f"{file} has not changed")
