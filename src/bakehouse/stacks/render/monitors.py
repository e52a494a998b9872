"""Objects of the Prometheus operator: what it scrapes, and its rules. For clusters that have the operator. Pure."""

from __future__ import annotations

from bakehouse.stacks.plan import StackPlan
from bakehouse.stacks.render.header import as_yaml
from bakehouse.stacks.render.kubernetes import SCRAPE, Object
from bakehouse.stacks.render.prometheus import rules

_API = "monitoring.coreos.com/v1"


def render(plan: StackPlan) -> dict[str, str]:
    """Files of the component."""
    document = {
        "apiVersion": "kustomize.config.k8s.io/v1alpha1",
        "kind": "Component",
        "resources": ["servicemonitor.yaml", "rules.yaml"],
    }
    return {
        "kustomization.yaml": as_yaml(document),
        "servicemonitor.yaml": as_yaml(_monitor(plan)),
        "rules.yaml": as_yaml(_rules(plan)),
    }


def _monitor(plan: StackPlan) -> Object:
    """Each Service with the label, at the port and path of its figures."""
    ways = sorted({_way(one.port, one.scrape.port, one.scrape.path) for one in plan.services if one.scrape})
    endpoints = [
        {
            "port": port,
            "path": path,
            "interval": f"{plan.metrics.every}s",
            "relabelings": [
                {"sourceLabels": ["__meta_kubernetes_service_name"], "targetLabel": "service"},
                {"targetLabel": "job", "replacement": "bakehouse"},
            ],
        }
        for port, path in ways
    ]
    spec = {"selector": {"matchLabels": {SCRAPE: "true"}}, "endpoints": endpoints}
    return {"apiVersion": _API, "kind": "ServiceMonitor", "metadata": {"name": plan.name}, "spec": spec}


def _way(served: int, port: int, path: str) -> tuple[str, str]:
    return ("http" if port == served else "metrics"), path


def _rules(plan: StackPlan) -> Object:
    return {"apiVersion": _API, "kind": "PrometheusRule", "metadata": {"name": plan.name}, "spec": rules(plan)}
