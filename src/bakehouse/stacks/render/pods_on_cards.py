"""What a pod needs for a card of each vendor: resource, nodes, groups; and what cannot be shared. Pure."""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import Any

from bakehouse.model.enums import AcceleratorName
from bakehouse.stacks.plan import Planned, Slot, StackPlan
from bakehouse.stacks.render.compose import nodes_of
from bakehouse.stacks.render.kubernetes import CONTAINER, Object, arguments, resources
from bakehouse.stacks.vendors import NVIDIA, VENDORS, Vendor

_CODE = re.compile(r"sm_(\d+)(\d)[af]?")
_MIB = 2**20


def patch(service: Planned, plan: StackPlan) -> Object:
    """A strategic merge of the Deployment: the image for the card, and the card."""
    pod: Object = {
        "containers": [
            {
                "name": CONTAINER,
                "image": service.image,
                "args": arguments(service),
                "resources": {"limits": {**resources(service)["limits"], **_limits(service, plan)}},
            }
        ],
        **place(service, plan),
    }
    return {
        "apiVersion": "apps/v1",
        "kind": "Deployment",
        "metadata": {"name": service.name},
        "spec": {"template": {"spec": pod}},
    }


def of_deployment(name: str) -> Object:
    """A patch in a file of the service's name; of a service that was left out, none."""
    return {"path": f"{name}.yaml", "target": {"kind": "Deployment", "name": name}}


def place(service: Planned, plan: StackPlan) -> Object:
    """On which nodes, and as whom."""
    vendor = VENDORS[service.slots[0].accelerator]
    found = nodes_with(vendor, _terms(service, vendor))
    if groups := nodes_of(service, plan)[1]:
        found["securityContext"] = {"supplementalGroups": groups}
    return found


def nodes_with(vendor: Vendor, terms: Iterable[Object]) -> Object:
    """What makes a pod run beside a vendor's cards. `terms` say which of them; any one may hold."""
    found: Object = {"runtimeClassName": "nvidia"} if vendor is NVIDIA else {}
    found["tolerations"] = [{"key": vendor.resource, "operator": "Exists", "effect": "NoSchedule"}]
    if vendor.node_labels:
        found["nodeSelector"] = dict(vendor.node_labels)
    if known := list(terms):
        wanted = {"requiredDuringSchedulingIgnoredDuringExecution": {"nodeSelectorTerms": known}}
        found["affinity"] = {"nodeAffinity": wanted}
    return found


def _limits(service: Planned, plan: StackPlan) -> dict[str, str]:
    """Whole numbers, as text: what a device plugin hands out."""
    found: dict[str, int] = {}
    for slot in service.slots:
        name = resource(slot, plan)
        found[name] = found.get(name, 0) + 1
    return {name: str(count) for name, count in found.items()}


def resource(slot: Slot, plan: StackPlan) -> str:
    vendor = VENDORS[slot.accelerator]
    if slot.mig:
        return f"{vendor.sharing['mig']}-{slot.mig}"
    return vendor.sharing[slot.sharing] if len(plan.on(slot)) > 1 else vendor.resource


def _terms(service: Planned, vendor: Vendor) -> Iterable[Object]:
    """Nodes whose cards run the image: one term for each arch, of which any may hold."""
    if vendor is NVIDIA:
        least = max(0, service.need.bytes // _MIB - 1)
        yield from nvidia_terms(service.archs, driver_floor=service.driver_floor, least=least)
    elif service.accelerator is AcceleratorName.ROCM:
        ids = sorted({one.partition(":")[2] for slot in service.slots for one in slot.pci})
        if ids:
            yield {"matchExpressions": [{"key": "amd.com/gpu.device-id", "operator": "In", "values": ids}]}


def nvidia_terms(archs: Iterable[str], *, driver_floor: str | None, least: int) -> Iterable[Object]:
    """Nodes of each arch, with a driver that is new enough, and more than `least` MiB on a card."""
    facts: list[Object] = []
    if driver_floor:
        below = int(driver_floor.partition(".")[0]) - 1
        facts.append({"key": "nvidia.com/cuda.driver-version.major", "operator": "Gt", "values": [str(below)]})
    facts.append({"key": "nvidia.com/gpu.memory", "operator": "Gt", "values": [str(least)]})
    for found in filter(None, map(_CODE.fullmatch, archs)):
        code: list[Object] = [
            {"key": "nvidia.com/gpu.compute.major", "operator": "In", "values": [found[1]]},
            {"key": "nvidia.com/gpu.compute.minor", "operator": "In", "values": [found[2]]},
        ]
        yield {"matchExpressions": [*code, *facts]}


# ---------------------------------------------------------------------------------------------- sharing


def cannot_share(vendor: Vendor, plan: StackPlan) -> str | None:
    """Why the vendor's device plugin cannot give these services one card; None: it can, or none is shared."""
    for slot in plan.machine.slots:
        there = [service.name for service in plan.on(slot)]
        if VENDORS[slot.accelerator] is not vendor or len(there) < 2 or slot.sharing in _shares(vendor):  # noqa: PLR2004
            continue
        ways = [way for way in _shares(vendor) if way != "mig"]
        how = f"write sharing: {' or '.join(ways)} for that card" if ways else "its device plugin cannot share one"
        return f"{', '.join(there)} share {slot}: {how}, give each a card, or use overlays/dra"
    return None


def _shares(vendor: Vendor) -> list[str]:
    return [way for way in vendor.sharing if way != "none"]


def plugin_config(services: Iterable[Planned], plan: StackPlan) -> dict[str, Any] | None:
    """Configuration of NVIDIA's device plugin that makes as many of a card as services share it; None: none does."""
    used = {slot.index for service in services for slot in service.slots}
    slicing = [slot for slot in plan.machine.slots if slot.index in used and slot.sharing in ("time-slicing", "mps")]
    shared = [slot for slot in slicing if len(plan.on(slot)) > 1]
    if not shared:
        return None
    replicas = max(len(plan.on(slot)) for slot in shared)
    way = "mps" if shared[0].sharing == "mps" else "timeSlicing"
    resources_ = [{"name": NVIDIA.resource, "replicas": replicas}]
    settings = {"renameByDefault": True, "failRequestsGreaterThanOne": True, "resources": resources_}
    return {"version": "v1", "sharing": {way: settings}}
