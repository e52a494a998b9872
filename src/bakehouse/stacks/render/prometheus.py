"""Prometheus: what is scraped, rules with one name for every family's metrics, and tests of the rules. Pure."""

from __future__ import annotations

from typing import Any

from bakehouse.servers import SERVERS
from bakehouse.servers.deployment import DEPLOYMENTS
from bakehouse.stacks.gateway import PROMETHEUS, RULES
from bakehouse.stacks.plan import Planned, StackPlan
from bakehouse.stacks.render.header import as_yaml, header

TESTS = "prometheus/rules_test.yml"
JOB = "bakehouse"
TOKENS = "bakehouse:tokens_per_second:rate1m"
WAITING = "bakehouse:requests_waiting"
RUNNING = "bakehouse:requests_running"
CACHE = "bakehouse:cache_used:ratio"
_LONG_QUEUE = 8
_FULL = 0.95


def render(plan: StackPlan, *, again: str) -> dict[str, str]:
    """The configuration, the rules, and their tests."""
    top = header(plan, again=again)
    return {
        PROMETHEUS: top + as_yaml(_configuration(plan)),
        RULES: top + as_yaml(rules(plan)),
        TESTS: top + as_yaml(_tests(plan)),
    }


def _configuration(plan: StackPlan) -> dict[str, Any]:
    every = plan.metrics.every
    settings = {
        "scrape_interval": f"{every}s",
        "scrape_timeout": f"{min(every, 5)}s",
        "evaluation_interval": f"{every}s",
    }
    jobs = [_job(path, services) for path, services in _by_path(plan).items()]
    return {"global": settings, "rule_files": ["rules.yml"], "scrape_configs": jobs}


def _by_path(plan: StackPlan) -> dict[str, list[Planned]]:
    found: dict[str, list[Planned]] = {}
    for service in plan.services:
        if service.scrape and service.name != plan.metrics.service:
            found.setdefault(service.scrape.path, []).append(service)
    return found


def _job(path: str, services: list[Planned]) -> dict[str, Any]:
    """All services with figures at one path; a job's name may stand once."""
    name = JOB if path == "/metrics" else f"{JOB}{path.replace('/', '-')}"
    targets = [{"targets": [f"{one.name}:{one.scrape.port}"], "labels": labels(one)} for one in services if one.scrape]
    return {"job_name": name, "metrics_path": path, "static_configs": targets}


def labels(service: Planned) -> dict[str, str]:
    """What each figure of a service carries."""
    return {"service": service.name, "server": service.server, "cell": service.cell}


def rules(plan: StackPlan) -> dict[str, Any]:
    """Recording rules of the families that are in the stack, and alerts on them."""
    return {"groups": [{"name": "bakehouse", "rules": [*_records(plan), *_alerts(plan)]}]}


def _records(plan: StackPlan) -> list[dict[str, str]]:
    families = sorted({service.server for service in plan.services})
    tokens = [
        f"sum by (service) (rate({name}[1m]))" for one in families if (name := SERVERS[one].metrics.tokens_generated)
    ]
    waiting = [f"max by (service) ({name})" for one in families if (name := SERVERS[one].metrics.requests_waiting)]
    running = [f"max by (service) ({name})" for one in families if (name := SERVERS[one].metrics.requests_running)]
    cache = [f"max by (service) ({name})" for one in families if (name := DEPLOYMENTS[one].cache_used)]
    found = {TOKENS: tokens, WAITING: waiting, RUNNING: running, CACHE: cache}
    return [{"record": name, "expr": " or ".join(parts)} for name, parts in found.items() if parts]


def _alerts(plan: StackPlan) -> list[dict[str, Any]]:
    known = {record["record"] for record in _records(plan)}
    down = max(60, 4 * plan.metrics.every)
    alerts = [_alert("ServiceDown", f'up{{job=~"{JOB}.*"}} == 0', f"{down}s", "critical", "is not reached")]
    if WAITING in known:
        alerts.append(
            _alert("QueueLong", f"{WAITING} > {_LONG_QUEUE}", "2m", "warning", "has {{ $value }} requests waiting")
        )
    if CACHE in known:
        said = "has used {{ $value | humanizePercentage }} of its cache"
        alerts.append(_alert("CacheFull", f"{CACHE} > {_FULL}", "5m", "warning", said))
    if TOKENS in known and RUNNING in known:
        alerts.append(
            _alert(
                "NoTokens",
                f"{TOKENS} == 0 and {RUNNING} > 0",
                "3m",
                "critical",
                "works on requests and makes no tokens",
            )
        )
    return alerts


def _alert(name: str, expression: str, wait: str, severity: str, said: str) -> dict[str, Any]:
    return {
        "alert": name,
        "expr": expression,
        "for": wait,
        "labels": {"severity": severity},
        "annotations": {"summary": f"{{{{ $labels.service }}}} {said}"},
    }


# ---------------------------------------------------------------------------------------------- tests of the rules


def _tests(plan: StackPlan) -> dict[str, Any]:
    """Each alert fires for what it is for, and not before its time."""
    every = plan.metrics.every
    series = [one for services in _by_path(plan).values() for one in services]
    cases: list[dict[str, Any]] = [_down(series[0], every)] if series else []
    for service in series:
        metrics = SERVERS[service.server].metrics
        if metrics.requests_waiting:
            cases.append(_queue(service, metrics.requests_waiting))
            break
    for service in series:
        metrics = SERVERS[service.server].metrics
        if metrics.requests_running and metrics.tokens_generated:
            cases.append(_stuck(service, metrics.tokens_generated, metrics.requests_running))
            break
    return {"rule_files": ["rules.yml"], "evaluation_interval": "15s", "tests": cases}


def _series(metric: str, labels_: dict[str, str], values: str) -> dict[str, str]:
    inside = ",".join(f'{name}="{value}"' for name, value in labels_.items())
    return {"series": f"{metric}{{{inside}}}", "values": values}


def _down(service: Planned, every: int) -> dict[str, Any]:
    """It is up for a minute, then away; the alert waits for its time."""
    of_target = {"job": JOB, "instance": f"{service.name}:{service.scrape.port if service.scrape else 0}"}
    of_target |= labels(service)
    wait = max(60, 4 * every)
    fired = {
        "exp_labels": {"severity": "critical", **of_target},
        "exp_annotations": {"summary": f"{service.name} is not reached"},
    }
    return {
        "interval": "15s",
        "input_series": [_series("up", of_target, "1x4 0x60")],
        "alert_rule_test": [
            {"eval_time": "1m", "alertname": "ServiceDown", "exp_alerts": []},
            {"eval_time": f"{75 + wait + 15}s", "alertname": "ServiceDown", "exp_alerts": [fired]},
        ],
    }


def _queue(service: Planned, metric: str) -> dict[str, Any]:
    fired = {
        "exp_labels": {"severity": "warning", "service": service.name},
        "exp_annotations": {"summary": f"{service.name} has 9 requests waiting"},
    }
    return {
        "interval": "15s",
        "input_series": [_series(metric, {"service": service.name}, "9x40")],
        "alert_rule_test": [
            {"eval_time": "1m", "alertname": "QueueLong", "exp_alerts": []},
            {"eval_time": "4m", "alertname": "QueueLong", "exp_alerts": [fired]},
        ],
    }


def _stuck(service: Planned, tokens: str, running: str) -> dict[str, Any]:
    named = {"service": service.name}
    fired = {
        "exp_labels": {"severity": "critical", "service": service.name},
        "exp_annotations": {"summary": f"{service.name} works on requests and makes no tokens"},
    }
    return {
        "interval": "15s",
        "input_series": [_series(tokens, named, "100x40"), _series(running, named, "1x40")],
        "promql_expr_test": [
            {
                "expr": f"{TOKENS}",
                "eval_time": "3m",
                "exp_samples": [{"labels": f'{TOKENS}{{service="{service.name}"}}', "value": 0}],
            }
        ],
        "alert_rule_test": [{"eval_time": "6m", "alertname": "NoTokens", "exp_alerts": [fired]}],
    }
