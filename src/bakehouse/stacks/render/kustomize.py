"""Folders of kustomize: the base without cards, an overlay for each vendor, and one with resource claims. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import PurePosixPath
from typing import Any

from bakehouse.stacks.plan import Planned, StackPlan
from bakehouse.stacks.render import claims, kubernetes, monitors, pods_on_cards
from bakehouse.stacks.render.header import as_yaml, header, several_yaml
from bakehouse.stacks.render.kubernetes import config_name
from bakehouse.stacks.render.pods_on_cards import of_deployment
from bakehouse.stacks.vendors import VENDORS, Vendor

FOLDER = "k8s"
MIXED = "mixed"
DRA = "dra"
MONITORING = "monitoring"
_API = "kustomize.config.k8s.io/v1beta1"
_COMPONENT = "kustomize.config.k8s.io/v1alpha1"


@dataclass(frozen=True, kw_only=True, slots=True)
class Overlays:
    """What could be rendered, and why the rest could not."""

    files: Mapping[str, str]
    refused: Mapping[str, str]
    """Overlay to the reason."""


def render(
    plan: StackPlan, others: Mapping[str, StackPlan | str], rendered: Mapping[str, str], *, again: str
) -> Overlays:
    """`others`: vendor to the plan with the images that its cards would get. `rendered`: files that services mount."""
    found = _base(plan, rendered)
    refused: dict[str, str] = {}
    for vendor in VENDORS.values():
        made = _overlay(vendor, plan, others.get(vendor.name))
        if isinstance(made, str):
            refused[vendor.name] = made
        else:
            found |= made
    kinds = {slot.accelerator for service in plan.services for slot in service.slots}
    if len(kinds) > 1:
        found |= _mixed(plan, refused)
    claimed = claims.render(plan)
    if claimed:
        found |= {f"overlays/{DRA}/{name}": text for name, text in claimed.items()}
    else:
        refused[DRA] = "no service of this stack computes on a card"
    top = header(plan, again=again)
    return Overlays(files={f"{FOLDER}/{name}": top + text for name, text in found.items()}, refused=refused)


# ---------------------------------------------------------------------------------------------- the base


def _base(plan: StackPlan, rendered: Mapping[str, str]) -> dict[str, str]:
    always = [service for service in plan.services if service.profile is None]
    found = {
        "base/namespace.yaml": as_yaml(kubernetes.namespace(plan)),
        "base/shared.yaml": several_yaml(kubernetes.shared(plan)),
        **_services("base", always, plan, rendered),
    }
    names = _resources(found)
    found["base/kustomization.yaml"] = as_yaml(
        {
            "apiVersion": _API,
            "kind": "Kustomization",
            "namespace": plan.name,
            "labels": [{"pairs": {"app.kubernetes.io/managed-by": "bakehouse"}, "includeSelectors": False}],
            "resources": names,
            **_generated(always),
        }
    )
    for profile in plan.profiles:
        folder = f"profiles/{profile}"
        asked = [service for service in plan.services if service.profile == profile]
        made = _services(folder, asked, plan, rendered)
        resources = _resources(made)
        found |= made
        found[f"{folder}/kustomization.yaml"] = as_yaml(
            {"apiVersion": _COMPONENT, "kind": "Component", "resources": resources, **_generated(asked)}
        )
    watched = monitors.render(plan)
    return found | {f"{MONITORING}/{name}": text for name, text in watched.items()}


def _services(folder: str, services: list[Planned], plan: StackPlan, rendered: Mapping[str, str]) -> dict[str, str]:
    found = {f"{folder}/{one.name}.yaml": several_yaml(kubernetes.of_service(one, plan)) for one in services}
    for service in services:
        for source in _mounted(service):
            found[f"{folder}/files/{PurePosixPath(source).name}"] = rendered[source]
    return found


def _resources(files: Mapping[str, str]) -> list[str]:
    """Names of the objects' files; what services mount lies in `files/`."""
    return [PurePosixPath(name).name for name in files if PurePosixPath(name).parent.name != "files"]


def _mounted(service: Planned) -> list[str]:
    return [mount.source for mount in service.mounts if mount.kind == "rendered"]


def _generated(services: list[Planned]) -> dict[str, Any]:
    made = [
        {
            "name": config_name(service.name),
            "files": [f"files/{PurePosixPath(source).name}" for source in _mounted(service)],
        }
        for service in services
        if _mounted(service)
    ]
    return {"configMapGenerator": made} if made else {}


# ---------------------------------------------------------------------------------------------- overlays


def _overlay(vendor: Vendor, plan: StackPlan, other: StackPlan | str | None) -> dict[str, str] | str:
    """Its files, or why there are none."""
    for source in (plan, other):
        if source is None or isinstance(source, str):
            continue
        services = [one for one in source.services if any(VENDORS[slot.accelerator] is vendor for slot in one.slots)]
        if not services:
            continue
        if source is plan and (refusal := pods_on_cards.cannot_share(vendor, plan)):
            return refusal
        return _patched(vendor.name, services, source)
    return other if isinstance(other, str) else f"no service of this stack computes on cards of {vendor.name}"


def _mixed(plan: StackPlan, refused: dict[str, str]) -> dict[str, str]:
    """Cards of several vendors, each service on its own."""
    on_cards = [service for service in plan.services if service.slots]
    vendors = {VENDORS[slot.accelerator].name: VENDORS[slot.accelerator] for one in on_cards for slot in one.slots}
    reasons = [reason for vendor in vendors.values() if (reason := pods_on_cards.cannot_share(vendor, plan))]
    if reasons:
        refused[MIXED] = "; ".join(reasons)
        return {}
    return _patched(MIXED, on_cards, plan)


def _patched(name: str, services: list[Planned], plan: StackPlan) -> dict[str, str]:
    patches = [of_deployment(service.name) for service in services]
    document = {"apiVersion": _API, "kind": "Kustomization", "resources": ["../../base"], "patches": patches}
    found = {f"overlays/{name}/kustomization.yaml": as_yaml(document)}
    for service in services:
        found[f"overlays/{name}/{service.name}.yaml"] = as_yaml(pods_on_cards.patch(service, plan))
    if config := pods_on_cards.plugin_config(services, plan):
        found[f"overlays/{name}/device-plugin-config.txt"] = as_yaml(config)
    return found
