from __future__ import annotations

import itertools
import time
from collections.abc import Iterator
from dataclasses import dataclass, field, replace

import pytest

from bakehouse.engine.container import Stopped
from bakehouse.engine.objects import State
from bakehouse.model.recipe import Health
from bakehouse.probes import ProbeFailed, health
from bakehouse.probes.health import Startup
from tests.doubles.fake_server import Behaviour, fake_server

RUNS = State(status="running", running=True, exit_code=0, oom_killed=False, pid=7)
ENDED = replace(RUNS, status="exited", running=False, pid=0)
HEALTH = Health(start_period=5.0, stop_grace=1.0)
NOBODY = "http://127.0.0.1:9"


@dataclass(kw_only=True)
class FakeContainer:
    url: str = NOBODY
    states: Iterator[State] = field(default_factory=lambda: itertools.repeat(RUNS))
    log: str = "loading model\n"
    stopped: Stopped | None = None
    started_at: float = field(default_factory=time.perf_counter)

    def state(self) -> State:
        return next(self.states)

    def logs(self) -> str:
        return self.log

    def stop(self, *, grace: float) -> Stopped:
        assert grace > 0
        assert self.stopped is not None
        return self.stopped


class Clock:
    """Time passes only when somebody sleeps, or asks."""

    def __init__(self) -> None:
        self.now = 0.0

    def __call__(self) -> float:
        self.now += 0.001
        return self.now

    def sleep(self, seconds: float) -> None:
        self.now += seconds


def wait(container: FakeContainer, *, memory_limit: str = "4 GiB", wanted: Health = HEALTH) -> Startup:
    clock = Clock()
    container.started_at = 0.0
    return health.wait_serving(container, wanted, memory_limit=memory_limit, clock=clock, sleep=clock.sleep)


def failure(container: FakeContainer, wanted: Health = HEALTH) -> str:
    with pytest.raises(ProbeFailed) as caught:
        wait(container, wanted=wanted)
    return str(caught.value)


def states(*given: State) -> Iterator[State]:
    return itertools.chain(given, itertools.repeat(given[-1]))


def test_503_then_200_is_a_server_that_loads() -> None:
    with fake_server(Behaviour(loading=3)) as url:
        startup = wait(FakeContainer(url=url))
    assert (startup.loading, startup.polls) == (3, 3)
    assert 0 < startup.first_answer < startup.healthy
    assert health.says_loading(startup, HEALTH)


def test_a_server_that_never_says_503_is_judged_only_when_there_was_time_to_see_it() -> None:
    quick = Startup(healthy=0.4, first_answer=0.4, loading=0, polls=12)
    assert not health.says_loading(quick, HEALTH)
    with pytest.raises(
        ProbeFailed, match=r"never answered 503 while it loaded: it was ready after 7\.00 s.* asked 500"
    ):
        health.says_loading(replace(quick, healthy=7.0, polls=500), HEALTH)


def test_never_ready_while_loading() -> None:
    with fake_server(Behaviour(loading=10_000)) as url:
        said = failure(FakeContainer(url=url), Health(start_period=0.05))
    assert "it was not ready within 0.05 s: /health answered 503 {" in said
    assert "Loading model" in said
    assert "; its last lines:\nloading model" in said


def test_never_answers_at_all() -> None:
    said = failure(FakeContainer(), Health(start_period=0.2))
    assert "did not answer" in said
    assert "0.0.0.0" in said


def test_another_status_is_wrong_at_once() -> None:
    with fake_server(Behaviour(health=500)) as url:
        assert '/health answered 500 {"status": "ok"}; while it loads it should answer 503' in failure(
            FakeContainer(url=url)
        )


@pytest.mark.parametrize(
    ("state", "log", "message"),
    [
        (
            replace(ENDED, exit_code=1),
            "error: invalid argument: --mlock\n",
            "it ended with status 1 instead of serving",
        ),
        (replace(ENDED, exit_code=137, oom_killed=True), "loading\n", "reached the memory limit of 4 GiB"),
        (replace(ENDED, exit_code=1), "srv start: couldn't bind HTTP server socket\n", "could not open its port"),
        (replace(ENDED, exit_code=1, restarts=4), "", "(after 4 restarts)"),
    ],
    ids=["exits at once", "out of memory", "port in use", "restart loop"],
)
def test_a_container_that_ends_is_told_apart(state: State, log: str, message: str) -> None:
    said = failure(FakeContainer(states=states(state), log=log))
    assert message in said
    assert (log.strip() or "(it said nothing)") in said


def test_a_server_that_dies_while_it_loads_is_noticed_long_before_the_deadline() -> None:
    clock = Clock()
    container = FakeContainer(states=states(RUNS, replace(ENDED, exit_code=139)), started_at=0.0)
    with pytest.raises(ProbeFailed, match="status 139"):
        health.wait_serving(container, Health(start_period=600.0), clock=clock, sleep=clock.sleep)
    assert clock.now < 2


def docker_health(*given: str | None, said: tuple[str, ...] = ()) -> float:
    clock = Clock()
    seen = states(*(replace(RUNS, health=one, health_said=said) for one in given))
    container = FakeContainer(states=seen, started_at=0.0)
    return health.wait_docker_healthy(container, HEALTH, clock=clock, sleep=clock.sleep)


def test_dockers_healthcheck_becomes_healthy() -> None:
    assert 0.5 < docker_health("starting", "starting", "healthy") < 1


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ((None,), "the image has no HEALTHCHECK"),
        (("starting", "unhealthy"), "says unhealthy after .* it printed: connection refused"),
        (("starting",), r"still says starting after 5\.\d s; it printed: connection refused"),
    ],
)
def test_dockers_healthcheck_that_does_not(given: tuple[str | None, ...], message: str) -> None:
    with pytest.raises(ProbeFailed, match=message):
        docker_health(*given, said=("", "connection refused"))


def test_dockers_healthcheck_of_a_container_that_ended() -> None:
    with pytest.raises(ProbeFailed, match="ended with status 2"):
        health.wait_docker_healthy(FakeContainer(states=states(replace(ENDED, exit_code=2))), HEALTH)


def stay(container: FakeContainer) -> None:
    health.stays_ready(container, HEALTH, seconds=1, sleep=lambda _: None)


def test_stays_ready() -> None:
    with fake_server(Behaviour()) as url:
        stay(FakeContainer(url=url))


def test_a_server_that_was_started_again_did_not_stay_ready() -> None:
    with fake_server(Behaviour()) as url, pytest.raises(ProbeFailed, match="started again while it was probed"):
        stay(FakeContainer(url=url, states=states(RUNS, replace(RUNS, pid=8, restarts=1))))


def test_a_server_that_falls_back_to_503_did_not_stay_ready() -> None:
    with fake_server(Behaviour(loading=1)) as url, pytest.raises(ProbeFailed, match=r"was ready, and then .* 503"):
        stay(FakeContainer(url=url))


def test_a_server_that_crashes_did_not_stay_ready() -> None:
    with pytest.raises(ProbeFailed, match="ended with status 139"):
        stay(FakeContainer(states=states(RUNS, replace(ENDED, exit_code=139))))


def test_a_family_says_in_its_own_status_that_it_loads() -> None:
    with (
        fake_server(Behaviour(loading=2)) as url,
        pytest.raises(ProbeFailed, match=r"503 .*; while it loads it should answer 400"),
    ):
        wait(FakeContainer(url=url), wanted=HEALTH.model_copy(update={"loading": 400}))
