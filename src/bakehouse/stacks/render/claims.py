"""Dynamic resource allocation: claims of cards, which pods may share by name. Kubernetes 1.34 or later. Pure."""

from __future__ import annotations

from typing import Any

from bakehouse.stacks.plan import Planned, Slot, StackPlan
from bakehouse.stacks.render import pods_on_cards
from bakehouse.stacks.render.header import as_yaml, several_yaml
from bakehouse.stacks.render.kubernetes import CONTAINER, Object, arguments
from bakehouse.stacks.vendors import NVIDIA, VENDORS

_API = "resource.k8s.io/v1"


def render(plan: StackPlan) -> dict[str, str]:
    """Files of the overlay; none where no service is on a card."""
    used = [slot for slot in plan.machine.slots if plan.on(slot)]
    if not used:
        return {}
    claims = [_claim(slot, plan) for slot in used]
    services = [service for service in plan.services if service.slots]
    document: dict[str, Any] = {
        "apiVersion": "kustomize.config.k8s.io/v1beta1",
        "kind": "Kustomization",
        "namespace": plan.name,
        "resources": ["../../base", "claims.yaml"],
        "patches": [pods_on_cards.of_deployment(service.name) for service in services],
    }
    patches = {f"{service.name}.yaml": as_yaml(_patch(service, plan)) for service in services}
    return {"claims.yaml": several_yaml(claims), "kustomization.yaml": as_yaml(document), **patches}


def _name(slot: Slot) -> str:
    return f"card-{slot.index}"


def _claim(slot: Slot, plan: StackPlan) -> Object:
    """One claim for each card of the plan: the pods that name it are put on the same one."""
    vendor = VENDORS[slot.accelerator]
    exactly: Object = {"deviceClassName": vendor.device_class, "allocationMode": "ExactCount", "count": 1}
    if vendor is NVIDIA:
        exactly["selectors"] = [{"cel": {"expression": _nvidia(slot, plan)}}]
    return {
        "apiVersion": _API,
        "kind": "ResourceClaim",
        "metadata": {"name": _name(slot)},
        "spec": {"devices": {"requests": [{"name": "card", "exactly": exactly}]}},
    }


def _nvidia(slot: Slot, plan: StackPlan) -> str:
    """Of the arch, with the memory that its services take together."""
    driver = "gpu.nvidia.com"
    taken = sum(service.need.bytes for service in plan.on(slot))
    terms = [f"device.capacity['{driver}'].memory.compareTo(quantity('{-(-taken // 2**20)}Mi')) >= 0"]
    if slot.arch and (code := slot.arch.removeprefix("sm_").rstrip("af")).isdigit():
        version = f"{code[:-1]}.{code[-1]}.0"
        terms.append(f"device.attributes['{driver}'].cudaComputeCapability.compareTo(semver('{version}')) == 0")
    return " && ".join(terms)


def _patch(service: Planned, plan: StackPlan) -> Object:
    names = [_name(slot) for slot in service.slots]
    placed = pods_on_cards.place(service, plan)
    pod: Object = {
        "containers": [
            {
                "name": CONTAINER,
                "image": service.image,
                "args": arguments(service),
                "resources": {"claims": [{"name": name} for name in names]},
            }
        ],
        "resourceClaims": [{"name": name, "resourceClaimName": name} for name in names],
        **{key: value for key, value in placed.items() if key == "securityContext"},
    }
    return {
        "apiVersion": "apps/v1",
        "kind": "Deployment",
        "metadata": {"name": service.name},
        "spec": {"template": {"spec": pod}},
    }
