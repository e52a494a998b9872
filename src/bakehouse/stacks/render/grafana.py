"""A Grafana dashboard: is everything up, how fast is it, what waits, and the level that was measured. Pure.

The JSON model of Grafana 10 and later (schema 38), for a Prometheus data source that whoever imports it chooses.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from bakehouse.servers import SERVERS
from bakehouse.stacks.plan import StackPlan
from bakehouse.stacks.render.header import as_json
from bakehouse.stacks.render.prometheus import CACHE, JOB, RUNNING, TOKENS, WAITING, rules

FILE = "grafana/dashboard.json"
_WIDTH, _HEIGHT, _COLUMNS = 12, 8, 2


@dataclass(frozen=True, kw_only=True, slots=True)
class _Panel:
    title: str
    expressions: Sequence[tuple[str, str]]
    """Expression and legend."""
    unit: str = "short"
    kind: str = "timeseries"
    levels: Sequence[tuple[str, float]] = ()
    """Dashed lines: whose it is, and where."""


def render(plan: StackPlan) -> str:
    panels = [_panel(number, panel) for number, panel in enumerate(_panels(plan), start=1)]
    return as_json(
        {
            "uid": f"bakehouse-{plan.name}",
            "title": f"bakehouse: {plan.name}",
            "description": plan.summary,
            "tags": ["bakehouse", plan.name],
            "schemaVersion": 38,
            "editable": True,
            "refresh": "30s",
            "time": {"from": "now-1h", "to": "now"},
            "timezone": "browser",
            "templating": {"list": [_source()]},
            "annotations": {"list": []},
            "panels": panels,
        }
    )


def _source() -> dict[str, Any]:
    return {"name": "source", "type": "datasource", "query": "prometheus", "label": "Prometheus"}


def _panels(plan: StackPlan) -> list[_Panel]:
    known = {rule["record"] for rule in rules(plan)["groups"][0]["rules"] if "record" in rule}
    named = "{{service}}"
    found = [_Panel(title="Services that answer", expressions=[(f'up{{job=~"{JOB}.*"}}', named)], kind="stat")]
    if TOKENS in known:
        levels = [(name, rate) for name, rate in plan.metrics.expected.items()]
        found.append(_Panel(title="Tokens a second", expressions=[(TOKENS, named)], levels=levels))
    if WAITING in known:
        found.append(_Panel(title="Requests that wait", expressions=[(WAITING, named)]))
    if RUNNING in known:
        found.append(_Panel(title="Requests in work", expressions=[(RUNNING, named)]))
    if CACHE in known:
        found.append(_Panel(title="Cache in use", expressions=[(CACHE, named)], unit="percentunit"))
    prompts = sorted({name for one in plan.services if (name := SERVERS[one.server].metrics.tokens_prompt)})
    if prompts:
        found.append(
            _Panel(
                title="Prompt tokens a second",
                expressions=[(f"sum by (service) (rate({name}[1m]))", named) for name in prompts],
            )
        )
    return found


def _panel(number: int, panel: _Panel) -> dict[str, Any]:
    row, column = divmod(number - 1, _COLUMNS)
    targets = [_target(position, expression, legend) for position, (expression, legend) in enumerate(panel.expressions)]
    targets += [
        _target(len(targets) + position, f"vector({level:g})", f"{name}, as it was measured")
        for position, (name, level) in enumerate(panel.levels)
    ]
    dashed = [
        {
            "matcher": {"id": "byRegexp", "options": ".*, as it was measured"},
            "properties": [{"id": "custom.lineStyle", "value": {"fill": "dash", "dash": [10, 10]}}],
        }
    ]
    return {
        "id": number,
        "type": panel.kind,
        "title": panel.title,
        "datasource": {"type": "prometheus", "uid": "${source}"},
        "gridPos": {"h": _HEIGHT, "w": _WIDTH, "x": column * _WIDTH, "y": row * _HEIGHT},
        "fieldConfig": {"defaults": {"unit": panel.unit, "min": 0}, "overrides": dashed if panel.levels else []},
        "targets": targets,
    }


def _target(position: int, expression: str, legend: str) -> dict[str, Any]:
    return {
        "refId": chr(ord("A") + position),
        "datasource": {"type": "prometheus", "uid": "${source}"},
        "expr": expression,
        "legendFormat": legend,
    }
