"""`lock`: look up what the matrix's names stand for today, and pin it in bakehouse.lock."""

from __future__ import annotations

from bakehouse.commands.lint import update
from bakehouse.config.lock_file import read_lock, write_lock
from bakehouse.errors import ExitCode, SupplyError
from bakehouse.pipeline.context import Context
from bakehouse.pipeline.engine import open_engine
from bakehouse.pipeline.project import open_project
from bakehouse.supply.chain import gather


def lock(context: Context, *, install: bool) -> ExitCode:
    """Gather everything that any cell needs. What no place answers for keeps the pin it had."""
    project, resolution = open_project(context.root)
    with open_engine(context, install=install) as engine:
        gathered = gather(
            world=project.world,
            cells=resolution.cells,
            lock=read_lock(context.root),
            cache=context.cache,
            root=context.root,
            engine=engine,
            environ=context.environ,
            say=context.say,
        )
    for (kind, name), reason in gathered.missing.items():
        context.say(f"{kind} {name} keeps what it had: {reason}")
    changed = write_lock(gathered.lock, root=context.root)
    context.say("wrote bakehouse.lock" if changed else "bakehouse.lock has not changed")
    try:
        update(context, project)
    except SupplyError as error:
        context.say(f"the options that the lint knows stay what they were: {error.message}")
    return ExitCode.OK
