"""A server says truthfully when it can serve, follows its configured port, and ends when it is told to."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from bakehouse.engine.container import Container, Launch
from bakehouse.engine.devices import Devices
from bakehouse.measure.loadgen.client import complete
from bakehouse.measure.loadgen.workloads import Request
from bakehouse.model.suite import Subject, Suite
from bakehouse.probes import cases, health, stopping
from bakehouse.probes.serving import PortFrom, serving
from bakehouse.servers import SERVERS
from bakehouse.servers.server import OPENAI
from bakehouse.suite.session import Server

Note = Callable[[str], None]
StartServer = Callable[..., Server]
StartContainer = Callable[[Launch], Container]

A_TENTH_OF_A_CORE = 0.1
OTHER_PORT = 9099
OK = 200


def test_becomes_ready(server: Server, suite: Suite, subject: Subject, note: Note) -> None:
    asked = " of asking" if suite.served else ""
    note(f"ready after {server.startup.healthy:.2f} s{asked}")


def test_says_that_it_loads(subject: Subject, server: Server, start_server: StartServer, note: Note) -> None:
    if subject.model_path is None:
        pytest.skip("it is served without a model, so there is none to load")
    if subject.health.loading is None:
        pytest.skip(f"{SERVERS[subject.server].title} opens its port when its model is loaded")
    if health.says_loading(server.startup, subject.health):
        note(f"{subject.health.loading} was seen {server.startup.loading} times")
        return
    slowed = start_server(cpus=A_TENTH_OF_A_CORE)
    if not health.says_loading(slowed.startup, subject.health):
        pytest.skip("it loads so quickly, even with a tenth of a core, that nobody can see it load")
    note(f"{subject.health.loading} was seen {slowed.startup.loading} times, with a tenth of a core")


def test_can_answer_as_soon_as_it_says_200(subject: Subject, start_server: StartServer) -> None:
    fresh = start_server()
    if SERVERS[subject.server].api not in (None, OPENAI):
        assert complete(fresh.url, Request(prompt=(1,), output_tokens=1)).timings is not None
    else:
        _question(subject, fresh)()


def test_docker_sees_it_healthy(
    subject: Subject, start_container: StartContainer, suite: Suite, devices: Devices, note: Note
) -> None:
    container = start_container(serving(subject, run=suite.run, devices=devices))
    took = health.wait_docker_healthy(container, subject.health, memory_limit=subject.memory_limit)
    note(f"healthy after {took:.1f} s")


@pytest.mark.parametrize("port_from", ["environment", "argument"])
def test_healthcheck_follows_the_port(
    subject: Subject, port_from: PortFrom, start_server: StartServer, start_container: StartContainer
) -> None:
    told = subject.start.port
    if told and getattr(told, port_from) is None:
        pytest.skip(f"it takes no port from {'an' if port_from[0] in 'ae' else 'a'} {port_from}")
    elsewhere = start_server(port=OTHER_PORT, port_from=port_from, health_interval=1)
    health.wait_docker_healthy(elsewhere.container, subject.health)


def test_stays_ready(subject: Subject, server: Server) -> None:
    health.stays_ready(server.container, subject.health, seconds=2)


def test_ends_on_sigterm(subject: Subject, start_server: StartServer, note: Note) -> None:
    stopped = stopping.stops(start_server().container, subject.health)
    note(f"ended {stopped.seconds:.2f} s after SIGTERM with status {stopped.state.exit_code}")


def test_ends_on_sigterm_while_it_answers(subject: Subject, start_server: StartServer, note: Note) -> None:
    server = start_server()
    if SERVERS[subject.server].api not in (None, OPENAI):
        stopped = stopping.stops_while_answering(server.container, subject.health)
    else:
        stopped = stopping.stops_under_load(server.container, subject.health, ask=_question(subject, server))
    note(f"ended {stopped.seconds:.2f} s after SIGTERM")


def _question(subject: Subject, server: Server) -> Callable[[], None]:
    """Sends the first request that the recipe declares and that its server answers well. Skips without one."""
    found = [case for case in subject.cases if case.http and case.http.method == "POST" and case.expect.status == OK]
    if not found:
        pytest.skip("the recipe declares no POST that its server answers with 200")

    def ask() -> None:
        facts = {"version": subject.version, "cell": subject.cell}
        cases.asks(found[0], url=server.url, folder=Path(subject.recipe_folder), facts=facts)

    return ask
