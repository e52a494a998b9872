"""Kill each service of a stack in turn while load runs: what fails, for how long, and that nothing hangs."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace

import requests

from bakehouse.errors import InfrastructureError
from bakehouse.measure.loadgen.replies import Failure
from bakehouse.model.enums import Verdict
from bakehouse.pipeline.stack_load import Asked, Load
from bakehouse.pipeline.stack_other_work import LIMIT, Moment, now, share
from bakehouse.pipeline.stack_start import Running
from bakehouse.stacks.plan import Planned

_POLL = 0.1
_LOOK_TIMEOUT = 2.0
_CHECK = 4.0
"""Seconds beyond a gateway's interval: a look takes up to 3, and a request has to be sent."""
_CALM = 2.0
"""Seconds of load before a kill, so that requests are under way."""
_PATIENCE = 60.0


@dataclass(frozen=True, kw_only=True, slots=True)
class Killed:
    """What became of a stack while one of its services was away. Times are seconds."""

    service: str
    verdict: Verdict
    reason: str
    down: float
    """Between the kill and the start."""
    healthy_after: float
    """From the start until the service answered itself."""
    served_after: float | None
    """From then until the gateway served its model again; None: no route leads to it."""
    failed: dict[str, int]
    """Model to requests that failed with an error."""
    served: dict[str, int]
    """Model to requests that were answered meanwhile."""
    hung: int
    errors: dict[str, int]
    """What the failures said, and how often."""

    def describe(self) -> str:
        parts = [f"away for {self.down:.1f} s, answers {self.healthy_after:.1f} s after its start"]
        if self.served_after is not None:
            parts.append(f"served again {self.served_after:.1f} s later")
        parts += [
            f"{model}: {self.served.get(model, 0)} answered, {self.failed.get(model, 0)} refused"
            for model in sorted({*self.failed, *self.served})
        ]
        parts += [f"{count} x {reason}" for reason, count in sorted(self.errors.items(), key=lambda one: -one[1])]
        return "; ".join(parts)


def least_seconds(running: Running) -> float:
    """What the campaign takes for one service, beside its own start."""
    return 2 * _CALM + _away(running)


def _away(running: Running) -> float:
    """Seconds until gateway and Prometheus have seen that a service is gone."""
    interval = running.plan.gateway.probe_every if running.plan.gateway else 1
    return max(2 * interval, running.plan.metrics.every) + 1


def kill_and_restart(
    service: Planned,
    running: Running,
    load: Load | None,
    *,
    clock: Callable[[], float] = time.perf_counter,
    look: Callable[[Running], Moment | None] = now,
) -> Killed:
    """SIGKILL, wait until gateway and Prometheus have seen it, start it again, and wait until it is served again."""
    gateway = running.plan.gateway
    interval = gateway.probe_every if gateway else 1
    name = running.container(service.name)
    time.sleep(_CALM)
    killed = clock()
    running.docker.kill(name, signal="SIGKILL")
    before = look(running)
    time.sleep(_away(running))
    begun = clock()
    running.docker.start(name)
    healthy = _wait_until_it_answers(service, running, begun, clock)
    model = service.serves if load and service.serves in load.models else None
    served = _wait_until_served(load, model, healthy, interval, clock) if load and healthy is not None else None
    time.sleep(_CALM)
    times = _Times(killed=killed, begun=begun, healthy=healthy, served=served)
    return _excused(_judged(service, running, load, times, model), share(before, look(running)))


def _excused(killed: Killed, others: float | None) -> Killed:
    """What failed while other work had the cores says little of the stack. A request that hung says enough."""
    if killed.verdict is not Verdict.FAILED or killed.hung or others is None or others <= LIMIT:
        return killed
    reason = f"{killed.reason}; but other work took {others:.0%} of this machine's CPU meanwhile"
    return replace(killed, verdict=Verdict.ERRORED, reason=reason)


@dataclass(frozen=True, kw_only=True, slots=True)
class _Times:
    killed: float
    begun: float
    healthy: float | None
    served: float | None


def _wait_until_it_answers(
    service: Planned, running: Running, begun: float, clock: Callable[[], float]
) -> float | None:
    """Asked by itself, past the gateway; None: it did not come in the time that it has to start."""
    deadline = begun + service.health.start_period
    while clock() < deadline:
        try:
            url = running.url(service.name)
            if requests.get(url + service.health.path, timeout=_LOOK_TIMEOUT).ok:
                return clock()
        except (requests.RequestException, InfrastructureError):
            pass
        time.sleep(_POLL)
    return None


def _wait_until_served(
    load: Load, model: str | None, since: float, interval: int, clock: Callable[[], float]
) -> float | None:
    """When the first request was sent that the gateway had answered; None: none was, or no route leads there."""
    if model is None:
        return None
    deadline = since + interval + _PATIENCE
    while clock() < deadline:
        if answered := [one.sent for one in load.of(model, since=since) if one.ok]:
            return min(answered)
        time.sleep(_POLL)
    return None


def _judged(service: Planned, running: Running, load: Load | None, times: _Times, model: str | None) -> Killed:
    gateway = running.plan.gateway
    asked = [one for one in list(load.asked) if one.sent >= times.killed - _CALM] if load else []
    others = [one for one in asked if one.model != model and one.sent >= times.killed]
    is_gateway = gateway is not None and service.name == gateway.service
    reason = _reason(service, times, model, gateway.probe_every if gateway else 1, asked)
    broken = [one for one in others if not one.ok]
    if not reason and broken and not is_gateway:
        reason = f"{len(broken)} requests for other models failed: {_words(broken[0])}"
    return Killed(
        service=service.name,
        verdict=Verdict.FAILED if reason else Verdict.PASSED,
        reason=reason,
        down=times.begun - times.killed,
        healthy_after=(times.healthy or times.begun) - times.begun,
        served_after=times.served - times.healthy if times.served and times.healthy else None,
        failed=_count(one.model for one in asked if not one.ok),
        served=_count(one.model for one in asked if one.ok and one.sent >= times.killed),
        hung=sum(one.hung for one in asked),
        errors=_count(_words(one) for one in asked if not one.ok),
    )


def _reason(service: Planned, times: _Times, model: str | None, interval: int, asked: list[Asked]) -> str:
    """Why it has not passed; empty: it has."""
    hung = [one for one in asked if one.hung]
    if hung:
        return f"{len(hung)} requests hung: {_words(hung[0])}"
    if times.healthy is None:
        return f"{service.name} did not answer within {service.health.start_period} s of its start"
    if model is None:
        return ""
    if times.served is None:
        return f"the gateway did not serve {model} again within {interval + _PATIENCE:.0f} s"
    if times.served - times.healthy > interval + _CHECK:
        late = times.served - times.healthy
        return f"the gateway served {model} again after {late:.1f} s, and looks every {interval} s"
    return ""


def _words(one: Asked) -> str:
    return one.result.reason.splitlines()[0][:100] if isinstance(one.result, Failure) else ""


def _count(values: Iterable[str]) -> dict[str, int]:
    found: dict[str, int] = {}
    for value in values:
        found[value] = found.get(value, 0) + 1
    return found
