"""A server says truthfully when it can serve."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol

import requests

from bakehouse.engine.container import Stopped, last_lines
from bakehouse.engine.objects import State
from bakehouse.model.recipe import Health
from bakehouse.probes import ProbeFailed

READY = 200
POLL = 0.01
_LOOK = 0.25
"""Between two questions to the engine, which cost a process each."""
_ANSWER = 2.0
"""A health endpoint that takes longer is as good as silent."""
_SAID = 300
"""Characters of an answer that a message holds."""
SEEN_FOR_SURE = 1.0
"""Seconds. A server that takes longer to be ready, and is asked every POLL seconds, is seen loading."""
_NO_PORT = ("couldn't bind", "address already in use", "bind: ")


class RunningContainer(Protocol):
    """What a probe needs of a container."""

    @property
    def url(self) -> str: ...

    @property
    def started_at(self) -> float: ...

    def state(self) -> State: ...

    def logs(self) -> str: ...

    def stop(self, *, grace: float) -> Stopped: ...


@dataclass(frozen=True, kw_only=True, slots=True)
class Startup:
    """How a server became ready. Seconds count from the moment the engine was told to start it."""

    healthy: float
    """Until the first 200."""
    first_answer: float
    """Until the first answer of any kind: the port is open."""
    loading: int
    """How often it said before that its model loads."""
    polls: int
    """How often we asked before the first 200, also while no port was open."""


def wait_serving(
    server: RunningContainer,
    health: Health,
    *,
    memory_limit: str = "",
    clock: Callable[[], float] = time.perf_counter,
    sleep: Callable[[float], None] = time.sleep,
) -> Startup:
    """Ask the health path without pause until it says 200.

    Raises ProbeFailed when the container ends, when it is not ready within `start_period`, and when it answers
    anything else than `loading` and 200.
    """
    watch = _Watch(server=server, memory_limit=memory_limit, clock=clock)
    deadline = server.started_at + health.start_period
    first_answer: float | None = None
    loading = polls = 0
    with requests.Session() as session:
        while True:
            status, said = _ask(session, server.url + health.path)
            now = clock()
            if status is not None and first_answer is None:
                first_answer = now - server.started_at
            match status:
                case 200:
                    healthy = now - server.started_at
                    return Startup(healthy=healthy, first_answer=first_answer or 0.0, loading=loading, polls=polls)
                case None:
                    watch.look()
                case health.loading:
                    loading += 1
                case _:
                    raise ProbeFailed(f"{health.path} answered {status} {_cut(said)}; {_expected(health)}")
            polls += 1
            if now > deadline:
                raise watch.too_late(health, last=status, said=said)
            sleep(POLL)


def says_loading(startup: Startup, health: Health) -> bool:
    """Whether `loading` came before 200. False: it was ready so soon that nobody could have seen it; slow it down.

    Raises ProbeFailed when there was time enough to see it: it opened its port only when the model was loaded, so that
    a client cannot tell a loading server from a dead one.
    """
    if startup.loading:
        return True
    if startup.healthy < SEEN_FOR_SURE:
        return False
    raise ProbeFailed(
        f"it never answered {health.loading} while it loaded: it was ready after {startup.healthy:.2f} s, "
        f"and we had asked {startup.polls} times",
        hint="A client cannot tell a server that loads from one that is dead.",
    )


def stays_ready(
    server: RunningContainer, health: Health, *, seconds: float, sleep: Callable[[float], None] = time.sleep
) -> None:
    """After the first 200 it goes on saying 200, is not started again and does not end."""
    before = server.state()
    with requests.Session() as session:
        for _ in range(max(1, round(seconds / _LOOK))):
            status, _ = _ask(session, server.url + health.path)
            if status != READY:
                state = server.state()
                if not state.running:
                    raise ProbeFailed(_ended(state, server.logs(), memory_limit=""))
                raise ProbeFailed(f"it was ready, and then {health.path} answered {status or 'nothing'}")
            sleep(_LOOK)
    after = server.state()
    if after.restarts > before.restarts or after.pid != before.pid:
        raise ProbeFailed(f"it was started again while it was probed ({after.restarts} restarts)")


def wait_docker_healthy(
    server: RunningContainer,
    health: Health,
    *,
    memory_limit: str = "",
    clock: Callable[[], float] = time.perf_counter,
    sleep: Callable[[float], None] = time.sleep,
) -> float:
    """Wait until the image's own HEALTHCHECK says healthy within `start_period`. Returns the seconds it took."""
    while True:
        state = server.state()
        took = clock() - server.started_at
        if not state.running:
            raise ProbeFailed(_ended(state, server.logs(), memory_limit=memory_limit))
        said = f"; it printed: {state.health_said[-1]}" if state.health_said and state.health_said[-1] else ""
        match state.health:
            case "healthy":
                return took
            case None:
                raise ProbeFailed("the image has no HEALTHCHECK", hint="Docker and Compose cannot see when it serves.")
            case "unhealthy":
                raise ProbeFailed(f"its HEALTHCHECK says unhealthy after {took:.1f} s{said}")
        if took > health.start_period:
            raise ProbeFailed(f"its HEALTHCHECK still says {state.health} after {took:.1f} s{said}")
        sleep(_LOOK)


class _Watch:
    """Looks now and then whether the container still runs, while its port does not answer."""

    def __init__(self, *, server: RunningContainer, memory_limit: str, clock: Callable[[], float]) -> None:
        self._server = server
        self._memory_limit = memory_limit
        self._clock = clock
        self._next = 0.0

    def look(self) -> None:
        if self._clock() < self._next:
            return
        state = self._server.state()
        if not state.running:
            raise ProbeFailed(_ended(state, self._server.logs(), memory_limit=self._memory_limit))
        self._next = self._clock() + _LOOK

    def too_late(self, health: Health, *, last: int | None, said: str) -> ProbeFailed:
        state, log = self._server.state(), self._server.logs()
        if not state.running:
            return ProbeFailed(_ended(state, log, memory_limit=self._memory_limit))
        answered = f"answered {last} {_cut(said)}".rstrip() if last else "did not answer"
        return ProbeFailed(
            f"it was not ready within {health.start_period:g} s: {health.path} {answered}; "
            f"its last lines:\n{last_lines(log) or '(it said nothing)'}",
            hint="Does it listen on 0.0.0.0 and on the port that the recipe names?" if last is None else None,
        )


def _ended(state: State, log: str, *, memory_limit: str) -> str:
    said = last_lines(log) or "(it said nothing)"
    if state.oom_killed:
        limit = f" of {memory_limit}" if memory_limit else ""
        return f"it was killed because it reached the memory limit{limit}; its last lines:\n{said}"
    if any(phrase in log.lower() for phrase in _NO_PORT):
        return f"it could not open its port, which something else in the container uses:\n{said}"
    restarts = f" (after {state.restarts} restarts)" if state.restarts else ""
    return f"it ended with status {state.exit_code}{restarts} instead of serving; its last lines:\n{said}"


def _expected(health: Health) -> str:
    if health.loading is None:
        return "it should open its port when its model is loaded"
    return f"while it loads it should answer {health.loading}"


def _cut(said: str) -> str:
    """An answer in a line of a message."""
    return " ".join(said.split())[:_SAID]


def _ask(session: requests.Session, address: str) -> tuple[int | None, str]:
    """HTTP status and what was said with it; None when nobody answers (Docker's proxy accepts and resets while the
    server is not there).
    """
    try:
        answer = session.get(address, timeout=_ANSWER)
    except requests.RequestException:
        return None, ""
    return answer.status_code, answer.text
