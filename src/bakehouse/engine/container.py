"""A probed container: hardened, labelled with its owner, its log kept, and always removed."""

from __future__ import annotations

import contextlib
import secrets
import stat
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

from bakehouse.engine.connection import Engine
from bakehouse.engine.devices import CPU, Devices
from bakehouse.engine.docker import Docker, DockerError, NoSuchObjectError
from bakehouse.engine.objects import Creation, State
from bakehouse.engine.owner import identity
from bakehouse.errors import BakehouseError, ExitCode, InfrastructureError

RUN_LABEL = "io.bakehouse.run"
CELL_LABEL = "io.bakehouse.cell"
OWNER_LABEL = "io.bakehouse.pid"

PIDS = 1024
"""Processes and threads; a server with 128 threads and its HTTP pool stays far below, a fork bomb does not."""
_POLL = 0.05
_TAIL = 20
_IMAGE_IS_WRONG = ("no such file or directory", "executable file not found", "exec format error", "permission denied")
"""What runc says of an entrypoint that cannot be executed."""
_PORT_IS_TAKEN = ("port is already allocated", "address already in use")
_NO_GPU_SUPPORT = ("could not select device driver", "unresolvable cdi devices", "cdi device injection failed")
"""What engines say that cannot hand out NVIDIA's cards."""
_GET_TOOLKIT = (
    "Install the NVIDIA Container Toolkit, then: nvidia-ctk runtime configure --runtime=docker, and restart the engine."
    " For CDI: nvidia-ctk cdi generate --output=/etc/cdi/nvidia.yaml"
)


class WillNotStartError(BakehouseError):
    """The engine could not even execute the image's entrypoint: the image is wrong."""

    exit_code = ExitCode.CELL_FAILED


@dataclass(frozen=True, kw_only=True, slots=True)
class Launch:
    """How an image is started."""

    reference: str
    run: str
    cell: str
    args: tuple[str, ...] = ()
    entrypoint: str | None = None
    env: dict[str, str] = field(default_factory=dict)
    port: int | None = None
    """Port in the container that is published on a random port of 127.0.0.1."""
    files: dict[str, str] = field(default_factory=dict)
    """Files and folders of this machine (absolute) to paths in the container, read-only."""
    memory: int | None = None
    """Limit in bytes; swap does not extend it."""
    shm: int | None = None
    """Size of /dev/shm in bytes; the engine's own default otherwise."""
    cpus: float | None = None
    """Share of the CPU, to make something slow on purpose."""
    devices: Devices = CPU
    platform: str | None = None
    health_interval: int | None = None
    """Seconds; asks the image's own HEALTHCHECK more often."""
    labels: dict[str, str] = field(default_factory=dict)


@dataclass(frozen=True, kw_only=True, slots=True)
class Stopped:
    """How a container ended after SIGTERM."""

    seconds: float
    in_time: bool
    """False: it had to be killed."""
    state: State


@dataclass(frozen=True, kw_only=True, slots=True)
class Finished:
    """A container that ran to its end."""

    exit_code: int
    output: str
    oom_killed: bool = False


class Container:
    """A container that was started and may have ended since."""

    def __init__(self, docker: Docker, name: str, launch: Launch) -> None:
        self._docker = docker
        self.name = name
        self.launch = launch
        self.created_in = 0.0
        """Seconds that the engine took to create it."""
        self.started_at = 0.0
        """`time.perf_counter()` just before the engine was told to start it."""
        self.url = ""
        """`http://127.0.0.1:PORT`; empty when nothing is published, or when it ended at once."""

    def state(self) -> State:
        return self._docker.state(self.name)

    def logs(self) -> str:
        return self._docker.logs(self.name)

    def stop(self, *, grace: float) -> Stopped:
        """Send SIGTERM to its first process, and SIGKILL after `grace` seconds."""
        begun = time.perf_counter()
        self._signal("SIGTERM")
        state = self.wait(timeout=grace)
        seconds = time.perf_counter() - begun
        if state:
            return Stopped(seconds=seconds, in_time=True, state=state)
        self._signal("SIGKILL")
        return Stopped(seconds=seconds, in_time=False, state=self.wait(timeout=grace) or self.state())

    def wait(self, *, timeout: float) -> State | None:
        """Its state once it has ended; None when it still runs after `timeout` seconds."""
        deadline = time.perf_counter() + timeout
        while True:
            state = self.state()
            if not state.running:
                return state
            if time.perf_counter() > deadline:
                return None
            time.sleep(_POLL)

    def _signal(self, signal: str) -> None:
        try:
            self._docker.kill(self.name, signal=signal)
        except DockerError as error:
            if "is not running" not in error.said:
                raise


@contextlib.contextmanager
def start(engine: Engine, launch: Launch, *, log: Path) -> Iterator[Container]:
    """Start a container; on the way out save what it printed to `log` and remove it, whatever happened.

    Raises WillNotStartError when the image cannot be executed, and InfrastructureError for everything else.
    """
    docker = Docker(engine)
    name = f"bakehouse-{secrets.token_hex(6)}"
    container = Container(docker, name, launch)
    creation = _creation(launch, name)
    try:
        with _gpu_hint():
            before = time.perf_counter()
            docker.create(creation)
            container.started_at = time.perf_counter()
            container.created_in = container.started_at - before
            _start(docker, container)
        yield container
    finally:
        _finish(docker, name, log)


def run_once(engine: Engine, launch: Launch, *, log: Path, timeout: float) -> Finished:
    """Run a container to its end. Finished with exit code -1: it was still running after `timeout` and was removed."""
    with start(engine, launch, log=log) as container:
        state = container.wait(timeout=timeout)
        return Finished(
            exit_code=state.exit_code if state else -1,
            output=container.logs(),
            oom_killed=bool(state and state.oom_killed),
        )


def last_lines(text: str, count: int = _TAIL) -> str:
    return "\n".join(text.rstrip().splitlines()[-count:])


def _creation(launch: Launch, name: str) -> Creation:
    labels = {RUN_LABEL: launch.run, CELL_LABEL: launch.cell, OWNER_LABEL: identity()}
    return Creation(
        image=launch.reference,
        name=name,
        args=launch.args,
        entrypoint=launch.entrypoint,
        env={**launch.devices.env, **launch.env},
        labels=labels | launch.labels,
        port=launch.port,
        mounts={_readable(path): there for path, there in launch.files.items()},
        folders=launch.devices.folders,
        memory=launch.memory,
        shm=launch.shm,
        pids=PIDS,
        cpus=launch.cpus,
        gpus=launch.devices.gpus,
        devices=launch.devices.nodes,
        groups=launch.devices.groups,
        platform=launch.platform,
        health_interval=launch.health_interval,
    )


def _readable(path: str) -> str:
    """Resolve `path` to a file or folder that everybody can read: the image's user does not exist here."""
    file = Path(path).resolve()
    if not file.exists():
        raise InfrastructureError(f"{path} is not there, so no container can mount it", hint="Fetch the model again.")
    needed = stat.S_IROTH | (stat.S_IXOTH if file.is_dir() else 0)
    if file.stat().st_mode & needed != needed:
        mode = "o+rX" if file.is_dir() else "o+r"
        raise InfrastructureError(
            f"the user of a container cannot read {file}", hint=f"Make it readable: chmod {mode} {file}"
        )
    return str(file)


@contextlib.contextmanager
def _gpu_hint() -> Iterator[None]:
    """Say what an engine lacks that cannot hand out a card: engines differ in whether they notice at creation."""
    try:
        yield
    except DockerError as error:
        if any(phrase in error.said.lower() for phrase in _NO_GPU_SUPPORT):
            raise InfrastructureError(
                f"the engine cannot hand the card to a container: {error.said.splitlines()[0]}", hint=_GET_TOOLKIT
            ) from error
        raise


def _start(docker: Docker, container: Container) -> None:
    try:
        docker.start(container.name)
    except DockerError as error:
        if any(phrase in error.said for phrase in _PORT_IS_TAKEN):
            raise InfrastructureError(
                f"a port on this machine was taken: {error.said}", hint="Run again: ports are chosen at random."
            ) from error
        if "unable to start container process" in error.said and any(word in error.said for word in _IMAGE_IS_WRONG):
            raise WillNotStartError(f"the image cannot be started: {error.said.splitlines()[0]}") from error
        raise
    port = container.launch.port
    ports = container.state().ports if port else {}
    # A container that ended already has no ports: probes then tell why it ended, which says more than we could.
    container.url = f"http://127.0.0.1:{ports[port]}" if port in ports else ""


def _finish(docker: Docker, name: str, log: Path) -> None:
    try:
        with contextlib.suppress(NoSuchObjectError):
            text = docker.logs(name)
            log.parent.mkdir(parents=True, exist_ok=True)
            log.write_text(text, encoding="utf-8")
    finally:
        docker.remove("container", name)
