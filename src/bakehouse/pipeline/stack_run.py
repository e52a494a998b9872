"""A stack's run, step by step: start, probe, load, kill each service in turn, report, stop."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from pathlib import Path

import requests

from bakehouse import formatting
from bakehouse.engine.connection import Engine
from bakehouse.errors import InfrastructureError
from bakehouse.measure.loadgen.replies import Failure
from bakehouse.model.enums import Verdict
from bakehouse.model.report import Measurement, RunReport, TestResult
from bakehouse.model.stack import StackLoad
from bakehouse.pipeline.context import Context
from bakehouse.pipeline.run_folder import new_run
from bakehouse.pipeline.stack_campaign import kill_and_restart, least_seconds
from bakehouse.pipeline.stack_load import Asked, Load, under_load
from bakehouse.pipeline.stack_plan import Made
from bakehouse.pipeline.stack_report import of_kill, of_load, of_memory, report_of
from bakehouse.pipeline.stack_start import (
    Running,
    StackDidNotStartError,
    active,
    start,
    stopped_after,
)
from bakehouse.probes import ProbeFailed
from bakehouse.probes.stack import run_probe
from bakehouse.reporters.latest import update_latest
from bakehouse.reporters.registry import write_all
from bakehouse.servers import SERVERS
from bakehouse.stacks.gateway import PROMETHEUS
from bakehouse.stacks.plan import Planned

FINGERPRINT = "stack00"
_MODEL_PATIENCE = 60.0
"""Seconds until a gateway knows all its backends."""
_LOOK = 0.5


def run_stack(made: Made, running: Running, context: Context, engine: Engine) -> tuple[RunReport, Path]:
    """Everything that is tried of a stack. Only what keeps it from being tried is raised."""
    folder = new_run(context.reports, started=context.started, fingerprint=FINGERPRINT)
    tests: list[TestResult] = []
    measurements: list[Measurement] = []
    with stopped_after(running, log=folder.logs / "stack.log"):
        if _try("start", "start", lambda: _start(running, context), tests, context):
            _probes(made, running, context, tests)
            _load_and_kill(made, running, context, tests, measurements)
            _watched(running, context, tests)
    run = report_of(made, context, engine, run=folder.name, tests=tests, measurements=measurements)
    write_all(run, folder.path)
    update_latest(context.reports, run.run)
    return run, folder.path


def _try(name: str, probe: str, act: Callable[[], str], tests: list[TestResult], context: Context) -> bool:
    """Run one thing and record its outcome. Returns whether it passed."""
    began = time.perf_counter()
    verdict, said = Verdict.PASSED, ""
    try:
        said = act()
    except (ProbeFailed, StackDidNotStartError) as error:
        verdict, said = Verdict.FAILED, str(error)
    except InfrastructureError as error:
        verdict, said = Verdict.ERRORED, str(error)
    seconds = time.perf_counter() - began
    tests.append(TestResult(name=f"{probe}::{name}", probe=probe, verdict=verdict, seconds=seconds, message=said))
    context.say(f"{probe} {name}: {verdict}, {said.splitlines()[0] if said else ''}")
    return verdict is Verdict.PASSED


def _start(running: Running, context: Context) -> str:
    began = time.perf_counter()
    start(running, context)
    healthy = time.perf_counter() - began
    _await_backends(running)
    return f"healthy after {healthy:.1f} s, all backends known after {time.perf_counter() - began:.1f} s"


def _await_backends(running: Running) -> None:
    """Until the gateway lists every model. Raises ProbeFailed."""
    gateway = running.plan.gateway
    if gateway is None:
        return
    wanted = {running.plan.service(name).serves for name in gateway.routes}
    url, headers = _where(running)(gateway.service)
    deadline = time.monotonic() + _MODEL_PATIENCE
    listed: set[str] = set()
    while time.monotonic() < deadline:
        try:
            answer = requests.get(f"{url}/v1/models", headers=headers, timeout=5)
            listed = {str(row.get("id")) for row in answer.json().get("data", [])} if answer.ok else set()
        except (requests.RequestException, ValueError):
            listed = set()
        if wanted <= listed:
            return
        time.sleep(_LOOK)
    missing = ", ".join(sorted(str(one) for one in wanted - listed))
    raise ProbeFailed(f"the gateway does not list {missing} after {_MODEL_PATIENCE:g} s; it lists {sorted(listed)}")


def _where(running: Running) -> Callable[[str], tuple[str, Mapping[str, str]]]:
    def where(service: str) -> tuple[str, Mapping[str, str]]:
        gateway = running.plan.gateway
        wants = gateway is not None and service == gateway.service and running.key
        return running.url(service), {"Authorization": f"Bearer {running.key}"} if wants else {}

    return where


def _probes(made: Made, running: Running, context: Context, tests: list[TestResult]) -> None:
    where, folder = _where(running), made.root
    for probe in made.plan.probes:
        asked = {step.to for step in probe.steps}
        if asked <= {one.name for one in active(made.plan)}:
            _try(probe.name, "probe", partial(run_probe, probe, where, folder=folder), tests, context)


def _load_and_kill(
    made: Made, running: Running, context: Context, tests: list[TestResult], measurements: list[Measurement]
) -> None:
    """The load alone first, for its figures; then each service is killed under it."""
    plan = made.plan
    how = plan.load or StackLoad()
    if plan.gateway is None:
        _kill_each(running, None, context, tests)
        return
    chat = [one.serves for name in plan.gateway.routes if (one := plan.service(name)).serves and _chats(one)]
    url = running.url(plan.gateway.service)
    context.say(_coming(running, chat, how))
    with under_load(url, chat, how, key=running.key) as load:
        began = time.perf_counter()
        time.sleep(how.seconds)
        seconds = time.perf_counter() - began
        alone = {model: load.of(model, until=began + seconds) for model in chat}
        measurements += [one for model, asked in alone.items() for one in of_load(model, asked, how, seconds)]
        measurements += _memory(made, running)
        refused = [one for asked in alone.values() for one in asked if not one.ok]
        _try("alone", "load", lambda: _said_of_load(alone, refused, seconds), tests, context)
        _kill_each(running, load, context, tests)
    _try("nothing is lost", "load", lambda: _nothing_hung(load), tests, context)


def _coming(running: Running, chat: Sequence[str | None], how: StackLoad) -> str:
    """Says what is done in the next minutes, in which there is little output."""
    services = len(active(running.plan))
    seconds = how.seconds + services * least_seconds(running)
    return (
        f"loads {', '.join(str(one) for one in chat)} for {how.seconds:g} s, then kills each of "
        f"{services} services in turn: at least {formatting.seconds(seconds)}"
    )


def _chats(service: Planned) -> bool:
    """Whether its family answers conversations."""
    return SERVERS[service.server].api is not None


def _said_of_load(alone: Mapping[str, Sequence[Asked]], refused: Sequence[Asked], seconds: float) -> str:
    if refused:
        said = refused[0].result.reason if isinstance(refused[0].result, Failure) else ""
        raise ProbeFailed(f"{len(refused)} requests failed while nothing was killed: {said}")
    return f"{', '.join(f'{model}: {len(asked)} answered' for model, asked in alone.items())} in {seconds:.0f} s"


def _memory(made: Made, running: Running) -> list[Measurement]:
    """What each container uses under load; of services on a card, their part in the machine's memory."""
    found = []
    for service in active(made.plan):
        written = made.inputs.service(service.name)
        facts = made.inputs.facts.get(service.name)
        settings: dict[str, object] = {
            "cell": service.cell,
            "model": facts.digest if facts else "",
            "arguments": list(written.args),
            "on": "card" if service.on_card else "processor",
        }
        used = running.docker.memory(running.container(service.name))
        found.append(of_memory(service, used, settings))
    return found


def _kill_each(running: Running, load: Load | None, context: Context, tests: list[TestResult]) -> None:
    """One after the other. What watches them is asked what it saw before it is killed itself, and forgets it."""
    watcher = _watcher(running)
    for service in sorted(active(running.plan), key=lambda one: one.name == watcher):
        if service.name == watcher:
            _try("saw every service go", "metrics", partial(_saw_all_go, running, service.name), tests, context)
        _kill(service.name, running, load, context, tests)


def _kill(service: str, running: Running, load: Load | None, context: Context, tests: list[TestResult]) -> None:
    began = time.perf_counter()
    try:
        killed = kill_and_restart(running.plan.service(service), running, load)
    except InfrastructureError as error:
        seconds = time.perf_counter() - began
        tests.append(
            TestResult(
                name=f"kill::{service}", probe="kill", verdict=Verdict.ERRORED, seconds=seconds, message=str(error)
            )
        )
        return
    tests.append(of_kill(killed, time.perf_counter() - began))
    context.say(f"kill {service}: {tests[-1].verdict}, {tests[-1].message.splitlines()[0]}")


def _nothing_hung(load: Load) -> str:
    """Every request has an answer or an error."""
    hung = [one for one in load.asked if one.hung]
    if hung:
        raise ProbeFailed(f"{len(hung)} of {len(load.asked)} requests got neither an answer nor an error")
    refused = sum(not one.ok for one in load.asked)
    return f"{len(load.asked)} requests: {len(load.asked) - refused} answered, {refused} refused with an error, 0 hung"


def _watched(running: Running, context: Context, tests: list[TestResult]) -> None:
    """Prometheus, which was killed as well, reaches each other service again."""
    if watcher := _watcher(running):
        _try("reaches every service", "metrics", partial(_up, running, watcher), tests, context)


def _watcher(running: Running) -> str | None:
    """The service that scrapes the others, where that is a Prometheus of this stack."""
    name = running.plan.metrics.service
    if name is None or not any(mount.source == PROMETHEUS for mount in running.plan.service(name).mounts):
        return None
    return name


def _scraped(running: Running, prometheus: str) -> set[str]:
    return {one.name for one in active(running.plan) if one.scrape and one.name != prometheus}


def _saw_all_go(running: Running, prometheus: str) -> str:
    """Each service was away longer than Prometheus waits between two looks. Raises ProbeFailed."""
    seen = _query(running.url(prometheus), "min_over_time(up[30m])")
    scraped = sorted(_scraped(running, prometheus))
    if missed := [name for name in scraped if seen.get(name) != 0.0]:
        raise ProbeFailed(f"Prometheus did not see {', '.join(missed)} go; it has {seen}")
    return f"seen away: {', '.join(scraped)}"


def _up(running: Running, prometheus: str) -> str:
    """All targets are up again. Raises ProbeFailed."""
    scraped = _scraped(running, prometheus)
    deadline = time.monotonic() + 4 * running.plan.metrics.every + 10
    while True:
        found = _query(running.url(prometheus), "up")
        if scraped <= {name for name, value in found.items() if value == 1.0}:
            break
        if time.monotonic() > deadline:
            raise ProbeFailed(f"Prometheus does not reach {', '.join(sorted(scraped - set(found)))}; it has {found}")
        time.sleep(1)
    return f"{len(found)} targets up"


def _query(url: str, expression: str) -> dict[str, float]:
    """Service to value. Raises ProbeFailed."""
    try:
        answer = requests.get(f"{url}/api/v1/query", params={"query": expression}, timeout=10)
        rows = answer.json()["data"]["result"]
        return {row["metric"].get("service", "?"): float(row["value"][1]) for row in rows}
    except (requests.RequestException, ValueError, KeyError) as error:
        raise ProbeFailed(f"Prometheus does not answer: {error}") from None
