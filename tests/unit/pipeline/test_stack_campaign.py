"""A service is killed and started again while load runs: what is said of it. Small servers on the loopback play it."""

from __future__ import annotations

import http.server
import json
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, cast

import pytest

from bakehouse.engine.objects import State
from bakehouse.measure.cpu_usage import usable_cores
from bakehouse.model.enums import Verdict
from bakehouse.model.stack import StackLoad
from bakehouse.pipeline import stack_campaign
from bakehouse.pipeline.stack_campaign import kill_and_restart
from bakehouse.pipeline.stack_load import Load, under_load
from bakehouse.pipeline.stack_other_work import Moment
from bakehouse.pipeline.stack_start import Running
from bakehouse.stacks.plan import StackPlan
from tests.unit.stacks.sample import plan

STACK = """\
    version: 1
    summary: two behind a gateway
    services:
      gateway: {recipe: gate, publish: {port: 1}}
      one: {recipe: llm, serves: one}
      two: {recipe: llm, serves: two}
    gateway: {service: gateway, routes: [one, two], probe_every: 1}
    metrics: {every: 1}
    """
HOW = StackLoad(users=1, prompt_words=2, output_tokens=2, seconds=1.0)


QUIET = lambda _: None  # noqa: E731 - nobody can tell what else this machine does


class Play:
    """Backends that are there or not, and a gateway before them; as `Docker`, too."""

    def __init__(self) -> None:
        self.away: set[str] = set()
        self.never_comes_back: set[str] = set()
        self.breaks_others = False
        self.killed: list[str] = []
        play = self

        class Handler(http.server.BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                name = self.headers["Host"].partition(":")[0]
                self.send_response(503 if name in play.away else 200)
                self.end_headers()

            def do_POST(self) -> None:
                body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
                gone = body["model"] in play.away or (play.breaks_others and play.away)
                self.send_response(503 if gone else 200)
                self.send_header("Content-Type", "application/json" if gone else "text/event-stream")
                self.end_headers()
                if gone:
                    self.wfile.write(b'{"error": {"message": "no worker"}}')
                    return
                chunk = {"choices": [{"delta": {"content": "x"}, "finish_reason": "stop"}]}
                self.wfile.write(f"data: {json.dumps(chunk)}\n\ndata: [DONE]\n\n".encode())

            def log_message(self, format: str, *args: object) -> None:  # noqa: A002
                pass

        self.server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        threading.Thread(target=self.server.serve_forever, daemon=True).start()

    def kill(self, name: str, *, signal: str) -> None:
        self.killed.append(f"{signal} {name}")
        self.away.add(name)

    def start(self, name: str) -> None:
        if name not in self.never_comes_back:
            self.away.discard(name)

    def state(self, name: str) -> State:  # noqa: ARG002 - as Docker has it
        return State(status="running", running=True, exit_code=0, oom_killed=False, pid=1, address="127.0.0.1")


class Stage(Running):
    """The stack as it is played: a service's name stands in its address."""

    def container(self, service: str) -> str:
        return service

    def url(self, service: str) -> str:
        port = cast("Play", self.docker).server.server_port
        return f"http://{'127.0.0.1' if service == 'gateway' else service + '.localhost'}:{port}"


@pytest.fixture
def play(monkeypatch: pytest.MonkeyPatch) -> Iterator[Play]:
    monkeypatch.setattr(stack_campaign, "_CALM", 0.2)
    monkeypatch.setattr(stack_campaign, "_PATIENCE", 1.0)
    monkeypatch.setattr("requests.get", _by_name)
    found = Play()
    yield found
    found.server.shutdown()
    found.server.server_close()


def _by_name(url: str, *, timeout: float) -> Any:
    """`one.localhost` is this machine; the server is told the name."""
    import requests  # noqa: PLC0415 - the real one

    host, _, rest = url.removeprefix("http://").partition(":")
    name = host.removesuffix(".localhost")
    return requests.request("GET", f"http://127.0.0.1:{rest}", headers={"Host": f"{name}:1"}, timeout=timeout)


def stage(play: Play) -> Stage:
    return Stage(plan=_plan(), compose=cast("Any", None), docker=cast("Any", play), folder=Path(), is_here=True)


def _plan() -> StackPlan:
    return plan(STACK)


def loaded(play: Play) -> Any:
    return under_load(f"http://127.0.0.1:{play.server.server_port}", ["one", "two"], HOW, key=None)


def test_a_killed_service_is_served_again_and_others_never_stop(play: Play) -> None:
    running = stage(play)
    with loaded(play) as load:
        found = kill_and_restart(running.plan.service("one"), running, load, look=QUIET)

    assert found.verdict is Verdict.PASSED, found.reason
    assert play.killed == ["SIGKILL one"]
    assert found.failed["one"] >= 1
    assert found.served["two"] >= 1
    assert "two" not in found.failed
    assert found.served_after is not None
    assert any("503" in reason for reason in found.errors)


def test_failures_of_other_models_are_failures_of_the_stack(play: Play) -> None:
    play.breaks_others = True
    running = stage(play)
    with loaded(play) as load:
        found = kill_and_restart(running.plan.service("one"), running, load, look=QUIET)

    assert found.verdict is Verdict.FAILED
    assert "requests for other models failed" in found.reason


def test_failures_while_other_work_had_the_cores_are_no_failures_of_the_stack(play: Play) -> None:
    play.breaks_others = True
    running = stage(play)
    with loaded(play) as load:
        found = kill_and_restart(running.plan.service("one"), running, load, look=busy(0.9))

    assert found.verdict is Verdict.ERRORED
    assert "but other work took 90% of this machine's CPU meanwhile" in found.reason


def busy(others: float) -> Callable[[Running], Moment | None]:
    """Two looks, a second apart by their clock, between which others had that share of the machine."""
    clock = iter(range(2))

    def look(_: Running) -> Moment | None:
        second = float(next(clock))
        return Moment(clock=second, machine=second * others * usable_cores(), own=0.0, containers={})

    return look


def test_one_that_does_not_come_back(play: Play) -> None:
    play.never_comes_back.add("one")
    running = stage(play)
    running = Stage(
        plan=_impatient(running.plan), compose=running.compose, docker=running.docker, folder=Path(), is_here=True
    )
    with loaded(play) as load:
        found = kill_and_restart(running.plan.service("one"), running, load, look=QUIET)

    assert found.verdict is Verdict.FAILED
    assert "did not answer within 1 s" in found.reason


def _impatient(plan_: StackPlan) -> StackPlan:
    from dataclasses import replace  # noqa: PLC0415 - of this function alone

    services = tuple(replace(one, health=replace(one.health, start_period=1)) for one in plan_.services)
    return replace(plan_, services=services)


def test_load_stops_when_it_is_told_to(play: Play) -> None:
    with loaded(play) as load:
        time.sleep(0.3)
    before = len(load.asked)
    time.sleep(0.3)

    assert before == len(load.asked) > 0
    assert isinstance(load, Load)
