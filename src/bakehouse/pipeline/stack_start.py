"""A stack on this machine's engine: its folder, its models, its images, and compose."""

from __future__ import annotations

import contextlib
import secrets
import shutil
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from bakehouse.config.lock_file import read_lock
from bakehouse.engine.compose import Compose, ComposeError, find_compose
from bakehouse.engine.connection import Engine
from bakehouse.engine.docker import Docker, NoSuchObjectError
from bakehouse.errors import BakehouseError, ExitCode, InfrastructureError, InputError, SupplyError
from bakehouse.pipeline.context import Context
from bakehouse.pipeline.stack_plan import Made
from bakehouse.pipeline.supplies import gather_for
from bakehouse.planning.render.labels import PREFIX
from bakehouse.stacks.files import render
from bakehouse.stacks.plan import Planned, StackPlan
from bakehouse.system import atomic_write

KEY_BYTES = 24
_SLACK = 60
"""Seconds for a start beyond the services' own: containers are created one after the other."""


class StackDidNotStartError(BakehouseError):
    """A service did not become healthy: a stack that does not work."""

    exit_code = ExitCode.CELL_FAILED


@dataclass(frozen=True, kw_only=True, slots=True)
class Running:
    """A stack whose services have all been healthy."""

    plan: StackPlan
    compose: Compose
    docker: Docker
    folder: Path
    is_here: bool
    """Whether its containers can be reached by their addresses."""

    def container(self, service: str) -> str:
        return self.compose.container(service)

    def url(self, service: str) -> str:
        """Where this machine reaches a service: its published port, or its address on the engine's bridge.

        Raises InfrastructureError where there is neither.
        """
        planned = self.plan.service(service)
        if planned.publish:
            host = {"0.0.0.0": "127.0.0.1", "::": "::1"}.get(planned.publish[0], planned.publish[0])  # noqa: S104
            return f"http://{f'[{host}]' if ':' in host else host}:{planned.publish[1]}"
        address = self.docker.state(self.container(service)).address if self.is_here else ""
        if not address:
            raise InfrastructureError(f"{service} is not published, and the engine's network is not reached from here")
        return f"http://{address}:{planned.port}"

    @property
    def key(self) -> str | None:
        """What the gateway wants to be told."""
        gateway = self.plan.gateway
        return (self.folder / gateway.key).read_text(encoding="utf-8").strip() if gateway and gateway.key else None


def folder_of(context: Context, name: str) -> Path:
    """Where a stack that runs here has its files."""
    return context.cache / "stacks" / name


def started(context: Context) -> list[str]:
    """Stacks that have files here: they run, or ran."""
    return sorted(path.parent.name for path in (context.cache / "stacks").glob("*/compose.yaml"))


def fetch_models(made: Made, context: Context, engine: Engine) -> None:
    """Get what the services serve. Raises SupplyError with each place that was tried."""
    matrix = made.project.world.matrix
    stack = made.inputs.loaded.stack
    named = {one.model.name for one in stack.services.values() if one.model and one.model.name}
    wanted = sorted({row for name in named for row in (name, *matrix.models[name].beside)})
    lock = read_lock(context.root)
    gathered = gather_for(context, engine, world=made.project.world, cells=(), lock=lock, also_models=wanted)
    missing = [f"model {name}: {why}" for (kind, name), why in gathered.missing.items() if kind == "model"]
    if missing:
        raise SupplyError("\n".join(missing))


def require_images(plan: StackPlan, docker: Docker) -> None:
    """Raise InputError for images that the engine does not have: nothing is pulled in silence."""
    missing = []
    for service in plan.services:
        try:
            docker.image(service.image)
        except NoSuchObjectError:
            missing.append(service)
    if missing:
        names = ", ".join(f"{one.image} ({one.name})" for one in missing)
        cells = " ".join(f"--only {cell}" for cell in dict.fromkeys(one.cell for one in missing))
        raise InputError(f"this engine does not have {names}", hint=f"Build them: nox -s build-matrix -- {cells}")


def prepare(made: Made, context: Context) -> None:
    """Write the stack's files anew, its key as well: never those of one that runs."""
    folder = folder_of(context, made.plan.name)
    shutil.rmtree(folder, ignore_errors=True)
    for name, text in render(made.plan).files.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        atomic_write.write(folder / name, text)
        (folder / name).chmod(0o644)
    _write_key(made.plan, folder)
    for directory in (folder, *(path for path in folder.rglob("*") if path.is_dir())):
        directory.chmod(0o755)


def _write_key(plan: StackPlan, folder: Path) -> None:
    """A key of this start alone, where the stack wants one beside its files."""
    key = plan.gateway.key if plan.gateway else None
    if key is None or Path(key).is_absolute():
        return
    path = folder / key
    path.parent.mkdir(parents=True, exist_ok=True)
    atomic_write.write(path, f"{secrets.token_hex(KEY_BYTES)}\n")
    path.chmod(0o644)  # its reader in the container is nobody here


def connect_to(made: Made, context: Context, engine: Engine) -> Running:
    """The stack on an engine, whether it runs or not."""
    return Running(
        plan=made.plan,
        compose=compose_of(made.plan.name, context, engine),
        docker=Docker(engine),
        folder=folder_of(context, made.plan.name),
        is_here=engine.is_here,
    )


def compose_of(name: str, context: Context, engine: Engine) -> Compose:
    """Compose for a stack's file, which may not be written yet."""
    words = find_compose(engine, cache=context.cache, environ=context.environ, say=context.say)
    return Compose(engine=engine, words=words, project=name, file=folder_of(context, name) / "compose.yaml")


def start(running: Running, context: Context) -> None:
    """Start and wait until all are healthy. Raises StackDidNotStartError with what the unhealthy ones printed."""
    services = active(running.plan)
    patience = max(one.health.start_period for one in services) + _SLACK * len(services)
    try:
        running.compose.up(timeout=patience)
    except ComposeError as error:
        raise StackDidNotStartError(f"{error.message}\n{_last_words(running, services)}") from error
    context.say(f"{running.plan.name} is healthy: {', '.join(one.name for one in services)}")


def active(plan: StackPlan) -> tuple[Planned, ...]:
    """Services that start without a profile."""
    return tuple(service for service in plan.services if service.profile is None)


@contextlib.contextmanager
def stopped_after(running: Running, *, log: Path) -> Iterator[None]:
    """Keep what the services printed, and remove everything of the stack, whatever happened."""
    try:
        yield
    finally:
        with contextlib.suppress(InfrastructureError):
            log.parent.mkdir(parents=True, exist_ok=True)
            log.write_text(running.compose.logs(), encoding="utf-8")
        running.compose.down()


def refuse_if_up(running: Running) -> None:
    """Raise InputError where the stack runs already: it may be somebody's work."""
    found = running.docker.labelled(f"{PREFIX}.stack={running.plan.name}")
    if any(one.running for one in found):
        raise InputError(
            f"{running.plan.name} runs already on this engine",
            hint=f"Stop it: bakehouse stack {running.plan.name} --down",
        )


def _last_words(running: Running, services: tuple[Planned, ...]) -> str:
    """Of services that are not healthy."""
    parts = []
    for service in services:
        with contextlib.suppress(InfrastructureError):
            state = running.docker.state(running.container(service.name))
            if state.health == "healthy":
                continue
            lines = running.docker.logs(running.container(service.name)).rstrip().splitlines()[-10:]
            how = f"{state.status}, {state.health or 'without a health check'}"
            parts.append("\n".join([f"{service.name} is {how}; it printed:", *(f"  {line}" for line in lines)]))
    return "\n".join(parts)
