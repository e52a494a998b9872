"""What a test of an image can ask for. Loaded by the plugin."""

from __future__ import annotations

import contextlib
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import PurePosixPath
from typing import Any, cast

import pytest

from bakehouse.engine.connection import Engine
from bakehouse.engine.container import Container, Finished, Launch, run_once, start
from bakehouse.engine.devices import CPU, Absent, Devices, Nvidia, choose, nvidia_of
from bakehouse.engine.docker import Docker
from bakehouse.machine import Machine, detect, load_libraries
from bakehouse.measure.lease import hold
from bakehouse.model.enums import AcceleratorName
from bakehouse.model.suite import Subject, Suite
from bakehouse.probes import ProbeFailed
from bakehouse.probes.health import wait_serving
from bakehouse.probes.serving import bare, serving
from bakehouse.servers import SERVERS
from bakehouse.servers.device_log import DeviceLog
from bakehouse.suite.gpu_compat import patient, unfit
from bakehouse.suite.session import SESSION, Server, Session
from bakehouse.suite.verbose_server import VerboseServer, keeping_shaders, observe

LEASE_TIMEOUT = 3600.0
ONE_SHOT_TIMEOUT = 60.0

SAID = "bakehouse: "
"""Starts a line that is meant for the person who waits."""

Say = Callable[[str], None]


@pytest.fixture(scope="session")
def session(pytestconfig: pytest.Config) -> Session:
    return pytestconfig.stash[SESSION]


@pytest.fixture(scope="session")
def suite(session: Session) -> Suite:
    return session.suite


@pytest.fixture(scope="session")
def engine(session: Session) -> Engine:
    return session.engine


@pytest.fixture(scope="session")
def machine() -> Machine:
    return detect()


@pytest.fixture(scope="session")
def nvidia(machine: Machine, session: Session) -> Nvidia:
    """How the engine hands out NVIDIA's cards; not asked where there is none."""
    has_one = any(card.accelerator is AcceleratorName.CUDA for card in machine.cards)
    return nvidia_of(session.engine) if has_one and not session.suite.served else Nvidia()


@pytest.fixture(scope="session")
def subject(request: pytest.FixtureRequest, machine: Machine, suite: Suite) -> Subject:
    """One built image. Tests that ask for it run once for each."""
    asked = cast("Subject", request.param)
    if suite.served:
        return asked
    found = _choose(asked, machine, Nvidia())
    return patient(asked) if isinstance(found, Devices) and found.is_software else asked


@pytest.fixture(scope="session")
def choice(
    subject: Subject, machine: Machine, nvidia: Nvidia, suite: Suite, tmp_path_factory: pytest.TempPathFactory
) -> Devices | Absent:
    """The card that the image runs on, or why there is none.

    A driver in software compiles shaders for a minute; the containers of a cell share what it has compiled.
    """
    if suite.served:
        return Devices(name=suite.served.device)
    found = _choose(subject, machine, nvidia)
    if isinstance(found, Devices) and found.is_software:
        return keeping_shaders(found, tmp_path_factory.mktemp("shaders"))
    return found


@pytest.fixture
def _write_line(request: pytest.FixtureRequest) -> Say:
    """Past pytest's capture and from any worker, to the process that runs the suite."""
    capture = request.config.pluginmanager.get_plugin("capturemanager")

    def write(line: str) -> None:
        with capture.global_and_fixture_disabled() if capture else contextlib.nullcontext():
            print(line, file=sys.stderr, flush=True)  # noqa: T201

    return write


@pytest.fixture
def say(_write_line: Say) -> Say:
    """Tell the person at the terminal at once."""
    return lambda text: _write_line(f"{SAID}{text}")


@pytest.fixture(autouse=True)
def _shared_cpu(request: pytest.FixtureRequest, session: Session, say: Say) -> Iterator[None]:
    """Hold the CPU's lease, shared, unless the test measures and holds it alone."""
    if "lease" in request.fixturenames:
        yield
        return
    with hold("cpu", folder=session.leases, run=session.suite.run, exclusive=False, timeout=LEASE_TIMEOUT, say=say):
        yield


@pytest.fixture
def devices(choice: Devices | Absent) -> Devices:
    """The accelerator that the container gets; where this machine has none, the server falls back to the CPU."""
    return CPU if isinstance(choice, Absent) else choice


@pytest.fixture
def accelerator(choice: Devices | Absent) -> Devices:
    """The accelerator that the image is for. Skips where this machine lacks it."""
    if isinstance(choice, Absent):
        pytest.skip(f"it can be started here, but not run: {choice.reason}")
    return choice


@pytest.fixture
def lease(accelerator: Devices, session: Session, say: Say) -> Iterator[Devices]:
    """Hold the CPU and, for an accelerator, its device alone. Skips where this machine lacks the device."""
    found = accelerator
    session.close_shared()
    with contextlib.ExitStack() as stack:
        for name in sorted({"cpu", found.lease}):
            stack.enter_context(
                hold(
                    name,
                    folder=session.leases,
                    run=session.suite.run,
                    exclusive=True,
                    timeout=LEASE_TIMEOUT,
                    say=say,
                )
            )
        yield found


@pytest.fixture
def ask(request: pytest.FixtureRequest, subject: Subject, session: Session) -> Callable[[Sequence[str]], Finished]:
    """Run the image with some arguments to its end."""

    def run(args: Sequence[str]) -> Finished:
        launch = bare(subject, run=session.suite.run, args=tuple(args))
        log = session.log_path(subject.cell, request.node.nodeid)
        return run_once(session.engine, launch, log=log, timeout=ONE_SHOT_TIMEOUT)

    return run


@pytest.fixture
def run_program(
    request: pytest.FixtureRequest, subject: Subject, session: Session
) -> Callable[[tuple[str, ...]], Finished]:
    """Run a program of the image, with its arguments, to its end."""

    def run(words: tuple[str, ...]) -> Finished:
        launch = bare(subject, run=session.suite.run, args=words[1:], entrypoint=words[0])
        log = session.log_path(subject.cell, request.node.nodeid)
        return run_once(session.engine, launch, log=log, timeout=ONE_SHOT_TIMEOUT)

    return run


@pytest.fixture
def program_folder(request: pytest.FixtureRequest, subject: Subject, session: Session) -> list[str]:
    """Names of the files beside the program of the image."""
    program = PurePosixPath(Docker(session.engine).image(subject.reference).entrypoint[0])
    launch = bare(subject, run=session.suite.run, args=(str(program.parent),), entrypoint="ls")
    log = session.log_path(subject.cell, request.node.nodeid)
    return run_once(session.engine, launch, log=log, timeout=ONE_SHOT_TIMEOUT).output.split()


@pytest.fixture
def start_container(
    request: pytest.FixtureRequest, subject: Subject, session: Session
) -> Iterator[Callable[[Launch], Container]]:
    """Start containers that end with the test. They may not answer yet."""
    with contextlib.ExitStack() as stack:

        def run(launch: Launch) -> Container:
            log = session.log_path(subject.cell, request.node.nodeid)
            return stack.enter_context(start(session.engine, launch, log=log))

        yield run


@pytest.fixture
def start_server(
    subject: Subject, session: Session, devices: Devices, start_container: Callable[[Launch], Container]
) -> Callable[..., Server]:
    """Start a server of the test's own and wait until it answers. Takes what `serving` takes."""

    def run(**how: Any) -> Server:
        session.require_startable(subject.cell)
        container = start_container(serving(subject, run=session.suite.run, **({"devices": devices} | how)))
        startup = wait_serving(container, subject.health, memory_limit=subject.memory_limit)
        return Server(container=container, startup=startup)

    return run


@pytest.fixture
def server(request: pytest.FixtureRequest, subject: Subject, devices: Devices, session: Session) -> Server:
    """A server that is ready, shared by the tests of a cell: leave it as you found it."""
    return session.shared_server(subject, devices, request.node.nodeid)


@pytest.fixture
def device_log(subject: Subject) -> DeviceLog:
    """How the server's log speaks of devices. Skips where nothing is known of that."""
    server = SERVERS[subject.server]
    if server.device_log is None:
        pytest.skip(f"{server.title} logs nothing of devices; the recipe's cases ask it")
    return server.device_log


@pytest.fixture(scope="session")
def _verbose_servers() -> dict[str, VerboseServer | ProbeFailed]:
    """What each cell's server said, also if it did not serve: to start it again would say the same."""
    return {}


@pytest.fixture
def verbose(
    request: pytest.FixtureRequest,
    subject: Subject,
    session: Session,
    device_log: DeviceLog,
    accelerator: Devices,
    _verbose_servers: dict[str, VerboseServer | ProbeFailed],
) -> VerboseServer:
    """What a verbose server said that served one request on the accelerator."""
    if subject.cell not in _verbose_servers:
        path = session.log_path(subject.cell, request.node.nodeid)
        try:
            _verbose_servers[subject.cell] = observe(
                session.engine,
                subject,
                device_log,
                accelerator,
                run=session.suite.run,
                log=path,
                nvml=load_libraries().nvml,
            )
        except ProbeFailed as error:
            _verbose_servers[subject.cell] = error
    found = _verbose_servers[subject.cell]
    if isinstance(found, ProbeFailed):
        raise found
    session.logs[request.node.nodeid] = found.path
    return found


@pytest.fixture
def watch(
    request: pytest.FixtureRequest, subject: Subject, session: Session, device_log: DeviceLog, accelerator: Devices
) -> Callable[..., VerboseServer]:
    """Start a verbose server of the test's own, in another environment or with other devices. See `observe`."""

    def run(*, devices: Devices = accelerator, env: Mapping[str, str] | None = None) -> VerboseServer:
        log = session.log_path(subject.cell, request.node.nodeid)
        return observe(session.engine, subject, device_log, devices, run=session.suite.run, log=log, env=env)

    return run


@pytest.fixture
def listing(
    request: pytest.FixtureRequest, subject: Subject, session: Session, device_log: DeviceLog, accelerator: Devices
) -> Finished:
    """What the server's list of devices says in a container that has the accelerator."""
    args = device_log.verbose_list_arguments
    launch = bare(subject, run=session.suite.run, args=args, devices=accelerator)
    log = session.log_path(subject.cell, request.node.nodeid)
    return run_once(session.engine, launch, log=log, timeout=ONE_SHOT_TIMEOUT)


@pytest.fixture
def image_environment(subject: Subject, session: Session) -> tuple[str, ...]:
    """Lines `NAME=VALUE` that the image sets."""
    return Docker(session.engine).image(subject.reference).env


@pytest.fixture
def note(request: pytest.FixtureRequest, session: Session) -> Callable[[str], None]:
    """Say something worth knowing of a test that passes; it becomes the result's message."""
    return session.notes.setdefault(request.node.nodeid, []).append


def _choose(subject: Subject, machine: Machine, nvidia: Nvidia) -> Devices | Absent:
    name = AcceleratorName(subject.accelerator)
    return choose(name, machine, nvidia=nvidia, unfit=lambda card: unfit(subject, card))
