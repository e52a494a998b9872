"""`stack`: services that run together, laid out, rendered, started and tried."""

from __future__ import annotations

import shlex
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from rich.console import Console
from rich.text import Text

from bakehouse.engine.connection import Engine
from bakehouse.engine.reaper import reap
from bakehouse.errors import ExitCode, InputError
from bakehouse.model.enums import Verdict
from bakehouse.pipeline import stack_start
from bakehouse.pipeline.context import Context
from bakehouse.pipeline.engine import open_engine
from bakehouse.pipeline.stack_plan import Made, Wanted, make_stack_plan
from bakehouse.pipeline.stack_run import run_stack
from bakehouse.reporters.terminal import show
from bakehouse.stacks.files import render
from bakehouse.stacks.load import DETECTED
from bakehouse.stacks.table import cards_table, services_table
from bakehouse.system import atomic_write


@dataclass(frozen=True, kw_only=True, slots=True)
class Options:
    name: str
    host: str | None = None
    render: Path | None = None
    check: bool = False
    up: bool = False
    down: bool = False
    untested: bool = False
    install: bool = True

    @property
    def acts(self) -> bool:
        """Whether anything is started or stopped."""
        return self.render is None and not self.check


def stack(context: Context, options: Options, *, out: Console) -> ExitCode:
    """Raises InputErrors before anything is rendered or started."""
    if options.down:
        return _down(context, options)
    host = options.host or (DETECTED if options.acts else None)
    wanted = Wanted(name=options.name, host=host, untested=options.untested, here=options.acts)
    made = make_stack_plan(context, wanted)
    show_plan(made, out=out)
    if options.render is not None:
        write(context, made, options.render)
    return _act(context, options, made) if options.acts else ExitCode.OK


def show_plan(made: Made, *, out: Console) -> None:
    """Who gets what, and what is left."""
    width = out.width if out.is_terminal else None
    out.print(services_table(made.plan, width=width))
    if (cards := cards_table(made.plan, width=width)) is not None:
        out.print()
        out.print(cards)


def write(context: Context, made: Made, folder: Path) -> None:
    """Every file, each in one step."""
    rendered = render(made.plan, made.others)
    for name, text in rendered.files.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        atomic_write.write(folder / name, text)
    context.say(f"wrote {len(rendered.files)} files to {folder}")
    for name, why in rendered.refused.items():
        context.say(f"not {name}: {why}")
    if commands := list(commands_for_missing(made, folder)):
        context.say("They name what lies beside them and is not there yet:")
        for command in commands:
            context.console.print(Text(f"  {command}"), soft_wrap=True)


def commands_for_missing(made: Made, folder: Path) -> Iterator[str]:
    """A command for each file that the rendered ones name by a relative path and that is not there."""
    cached = {
        path: one.cached[index]
        for one in made.inputs.facts.values()
        for index, path in enumerate(one.paths)
        if index < len(one.cached)
    }
    mounts = [mount for service in made.plan.services for mount in service.mounts if mount.kind in ("path", "secret")]
    for source, is_secret in dict.fromkeys((mount.source, mount.kind == "secret") for mount in mounts):
        path = Path(source)
        if path.is_absolute() or source.startswith("~") or (folder / path).exists():
            continue
        target = shlex.quote(str(folder / path))
        if is_secret:
            yield f"openssl rand -hex 24 | install -D -m 644 /dev/stdin {target}"
        elif source in cached:
            yield f"install -D -m 644 {shlex.quote(cached[source])} {target}"
        else:
            yield f"# {target}: a file or folder of yours"


def _act(context: Context, options: Options, made: Made) -> ExitCode:
    """On this machine's engine."""
    with open_engine(context, install=options.install) as engine:
        reap(engine, say=context.say)
        running = stack_start.connect_to(made, context, engine)
        stack_start.refuse_if_up(running)
        stack_start.require_images(made.plan, running.docker)
        stack_start.fetch_models(made, context, engine)
        stack_start.prepare(made, context)
        if options.up:
            return _up(context, running, engine)
        run, path = run_stack(made, running, context, engine)
    show(run, console=context.console, folder=path)
    return ExitCode.OK if run.verdict is Verdict.PASSED else ExitCode.CELL_FAILED


def _up(context: Context, running: stack_start.Running, engine: Engine) -> ExitCode:
    """Leave it running. An engine of ours would end with us, and all that it runs."""
    if engine.kind == "embedded":
        raise InputError(
            "--up needs an engine that outlives this command, and this one is bakehouse's own",
            hint="Run it inside of one: nox -s engine, then this command there. Or install Docker Engine.",
        )
    stack_start.start(running, context)
    for service in stack_start.active(running.plan):
        if service.publish:
            context.say(f"{service.name}: {running.url(service.name)}")
    if (gateway := running.plan.gateway) and gateway.key:
        context.say(f"clients send the key in {running.folder / gateway.key} (Authorization: Bearer KEY)")
    return ExitCode.OK


def _down(context: Context, options: Options) -> ExitCode:
    """Remove what --up left, whatever the stack's file says by now."""
    name, started = options.name, stack_start.started(context)
    if name not in started:
        there = f"Here were started: {', '.join(started)}." if started else "Nothing was."
        raise InputError(f"{name} was not started here", hint=there)
    with open_engine(context, install=options.install) as engine:
        stack_start.compose_of(name, context, engine).down()
    context.say(f"{name} is stopped, and what it had left in the engine is removed")
    return ExitCode.OK
