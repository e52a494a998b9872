"""All files of a stack, by their path in the folder that it is rendered to. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from bakehouse.stacks.plan import StackPlan
from bakehouse.stacks.render import compose, grafana, kustomize, prometheus, quadlet

Vendor = str


@dataclass(frozen=True, kw_only=True, slots=True)
class Rendered:
    files: Mapping[str, str]
    """Path to text."""
    refused: Mapping[str, str]
    """What could not be rendered, `k8s/overlays/amd`, and why."""


def render(
    plan: StackPlan, others: Mapping[Vendor, StackPlan | str] | None = None, *, again: str | None = None
) -> Rendered:
    """Every target. `others`: vendor to the plan with the images that its cards would get in a cluster."""
    command = again or f"bakehouse stack {plan.name} --render FOLDER"
    watched = prometheus.render(plan, again=command)
    cluster = kustomize.render(plan, others or {}, watched, again=command)
    files = {
        compose.FILE: compose.render(plan, again=command),
        **quadlet.render(plan, again=command),
        **watched,
        grafana.FILE: grafana.render(plan),
        **cluster.files,
    }
    refused = {f"{kustomize.FOLDER}/overlays/{name}": why for name, why in cluster.refused.items()}
    return Rendered(files=dict(sorted(files.items())), refused=refused)
