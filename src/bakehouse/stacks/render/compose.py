"""compose.yaml, for `docker compose` and for `podman-compose`. Pure.

One whole file for one machine: no tags (`!override` stops podman-compose 1.6), no `configs` (it leaves them out in
silence), limits in one place (`deploy.resources.limits`), NVIDIA's cards as reservations, which podman-compose turns
into CDI devices by itself.
"""

from __future__ import annotations

from typing import Any

from bakehouse.model.enums import AcceleratorName
from bakehouse.planning.render.labels import PREFIX
from bakehouse.stacks import hardening
from bakehouse.stacks.plan import Dependency, Mount, Planned, Slot, StackPlan
from bakehouse.stacks.render.header import as_yaml, comment, header
from bakehouse.stacks.vendors import RENDER_NODE, VENDORS

FILE = "compose.yaml"
FRONT, BACK = "front", "back"


def render(plan: StackPlan, *, again: str) -> str:
    """The file's text."""
    document = {
        "name": plan.name,
        "services": {service.name: _service(service, plan) for service in plan.services},
        "networks": _networks(plan),
        "volumes": {name: {} for name in _volumes(plan)},
    }
    rights = [f"{one.name} has {right}" for one in plan.services for right in hardening.comments(one)]
    text = header(plan, again=again) + "".join(map(comment, rights))
    return text + as_yaml({key: value for key, value in document.items() if value})


def _service(service: Planned, plan: StackPlan) -> dict[str, Any]:
    found: dict[str, Any] = {
        "image": service.image,
        "profiles": [service.profile] if service.profile else [],
        "command": [_escaped(word) for word in service.args],
        "environment": {name: _escaped(value) for name, value in sorted(service.env.items())},
        "networks": [FRONT, BACK] if service.publish else [BACK],
        "ports": [_port(service)] if service.publish else [],
        "volumes": [_mount(mount) for mount in service.mounts],
        **_hardened(service),
        **_devices(service, plan),
        "shm_size": service.shm or 0,
        "healthcheck": _health(service),
        "depends_on": {need.service: _need(need) for need in service.needs},
        "restart": "unless-stopped",
        "stop_grace_period": f"{service.stop_grace}s",
        "deploy": _deploy(service),
        "logging": {
            "driver": "json-file",
            "options": {"max-size": hardening.LOG_SIZE, "max-file": hardening.LOG_FILES},
        },
        "labels": {f"{PREFIX}.stack": plan.name, f"{PREFIX}.service": service.name, f"{PREFIX}.cell": service.cell},
    }
    return {key: value for key, value in found.items() if value not in ([], {}, 0, None)}


def _escaped(value: str) -> str:
    """Compose replaces variables in every text."""
    return value.replace("$", "$$")


def _port(service: Planned) -> str:
    assert service.publish
    address, port = service.publish
    host = f"[{address}]" if ":" in address else address
    return f"{host}:{port}:{service.port}"


def _mount(mount: Mount) -> dict[str, Any]:
    if mount.kind == "volume":
        return {"type": "volume", "source": mount.source, "target": mount.target, "read_only": not mount.writable}
    source = mount.source if mount.source.startswith(("/", "./", "../", "~/")) else f"./{mount.source}"
    return {
        "type": "bind",
        "source": _escaped(source),
        "target": mount.target,
        "read_only": True,
        "bind": {"create_host_path": False},
    }


def _hardened(service: Planned) -> dict[str, Any]:
    held = hardening.of(service)
    return {
        "user": held.user,
        "read_only": held.read_only,
        "tmpfs": [f"/tmp:{hardening.TMP_OPTIONS}"],  # noqa: S108 - a folder in the container
        "cap_drop": ["ALL"] if held.drop_capabilities else [],
        "security_opt": ["no-new-privileges:true"] if held.no_new_privileges else [],
        "ulimits": {"memlock": -1} if held.memory_lock else {},
        "ipc": "shareable" if held.shared_ipc else None,
    }


def _devices(service: Planned, plan: StackPlan) -> dict[str, Any]:
    """Nodes and groups of AMD's and Intel's cards; NVIDIA's are reservations."""
    nodes, groups = nodes_of(service, plan)
    return {"devices": [f"{node}:{node}" for node in nodes], "group_add": [str(group) for group in groups]}


def nodes_of(service: Planned, plan: StackPlan) -> tuple[list[str], list[int]]:
    """Device nodes that a service gets, and the numbers of the groups that own them."""
    nodes: list[str] = []
    groups: list[int] = []
    for slot in service.slots:
        vendor = VENDORS[slot.accelerator]
        if vendor.kfd and service.accelerator is AcceleratorName.ROCM:
            nodes.append("/dev/kfd")
            groups.append(plan.machine.video_group)
        if vendor.render:
            nodes.append(slot.render or RENDER_NODE)
            groups.append(plan.machine.render_group)
    return list(dict.fromkeys(nodes)), list(dict.fromkeys(groups))


def _health(service: Planned) -> dict[str, Any]:
    health = service.health
    return {
        "test": ["CMD", *map(_escaped, health.command)],
        "interval": f"{health.interval}s",
        "timeout": f"{health.timeout}s",
        "retries": health.retries,
        "start_period": f"{health.start_period}s",
        "start_interval": "2s",
    }


def _need(need: Dependency) -> dict[str, Any]:
    return {"condition": "service_healthy", **({} if need.required else {"required": False})}


def _deploy(service: Planned) -> dict[str, Any]:
    held = hardening.of(service)
    limits: dict[str, Any] = {"memory": service.memory}
    limits |= {"cpus": f"{service.cpus:g}"} if service.cpus else {}
    limits |= {"pids": held.pids} if held.pids else {}
    limits["memory"] = str(limits["memory"])
    reserved = [slot for slot in service.slots if slot.accelerator is AcceleratorName.CUDA]
    resources: dict[str, Any] = {"limits": limits}
    if reserved:
        resources["reservations"] = {"devices": [_reservation(reserved)]}
    return {"resources": resources}


def _reservation(slots: list[Slot]) -> dict[str, Any]:
    return {"driver": "nvidia", "device_ids": [slot.id for slot in slots], "capabilities": ["gpu"]}


def _networks(plan: StackPlan) -> dict[str, Any]:
    """What is published is on the one; all talk to each other on the other, which is internal."""
    front: dict[str, Any] = {FRONT: {}} if any(service.publish for service in plan.services) else {}
    return {**front, BACK: {"internal": True}}


def _volumes(plan: StackPlan) -> list[str]:
    mounts = [mount for service in plan.services for mount in service.mounts]
    return sorted({mount.source for mount in mounts if mount.kind == "volume"})
