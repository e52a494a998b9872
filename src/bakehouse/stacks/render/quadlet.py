"""Quadlet units, for Podman under systemd: containers, networks and volumes. Pure.

Facts of podman-systemd.unit(5). `Notify=healthy` (Podman 5.0) makes a unit active when its health check passes, so that
`Requires=` and `After=` wait for that. `Memory=` is not in Podman 5.4; `MemoryMax=` of the service bounds the
container, too. `%` and `$` are systemd's in a command and in variables, and are doubled.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from bakehouse.planning.render.labels import PREFIX
from bakehouse.stacks import hardening
from bakehouse.stacks.plan import Mount, Planned, StackPlan
from bakehouse.stacks.render.compose import BACK, FRONT, nodes_of
from bakehouse.stacks.render.header import comment, header
from bakehouse.stacks.vendors import VENDORS

FOLDER = "quadlet"
Line = tuple[str, str]
_PLAIN = re.compile(r"[A-Za-z0-9_./:@=+,-]+")
_START_MARGIN = 60
"""Seconds beyond the start period, before systemd gives up: an image may have to be unpacked."""


def render(plan: StackPlan, *, again: str) -> dict[str, str]:
    """File name to text."""
    found = {f"{plan.name}-{BACK}.network": _network(plan, BACK, internal=True)}
    if any(service.publish for service in plan.services):
        found[f"{plan.name}-{FRONT}.network"] = _network(plan, FRONT, internal=False)
    for volume in sorted({mount.source for one in plan.services for mount in one.mounts if mount.kind == "volume"}):
        found[f"{plan.name}-{volume}.volume"] = _unit({"Volume": [("VolumeName", f"{plan.name}-{volume}")]})
    for service in plan.services:
        text = "".join(comment(f"{service.name} has {right}") for right in hardening.comments(service))
        found[f"{plan.name}-{service.name}.container"] = text + _container(service, plan)
    return {f"{FOLDER}/{name}": header(plan, again=again) + text for name, text in found.items()}


def _network(plan: StackPlan, name: str, *, internal: bool) -> str:
    lines = [("NetworkName", f"{plan.name}-{name}"), *([("Internal", "true")] if internal else [])]
    return _unit({"Network": lines})


def _unit(sections: dict[str, list[Line]]) -> str:
    """Sections with lines of KEY=VALUE. A value is on one line, as every text of a plan."""
    parts = []
    for name, lines in sections.items():
        text = "".join(f"{key}={value}\n" for key, value in lines)
        parts.append(f"[{name}]\n{text}")
    return "\n".join(parts)


def _container(service: Planned, plan: StackPlan) -> str:
    return _unit(
        {
            "Unit": list(_of_unit(service, plan)),
            "Container": [
                *_identity(service, plan),
                *_reach(service, plan),
                *_mounts(service, plan),
                *_devices(service, plan),
                *_hardened(service),
                *_health(service),
            ],
            "Service": list(_of_service(service)),
            # What has a profile is started by hand: systemctl start NAME.
            **({} if service.profile else {"Install": [("WantedBy", "default.target")]}),
        }
    )


def _of_unit(service: Planned, plan: StackPlan) -> Iterator[Line]:
    yield "Description", _specifiers(f"{plan.name} {service.name}: {service.summary}")
    for need in service.needs:
        yield ("Requires" if need.required else "Wants"), f"{plan.name}-{need.service}.service"
        yield "After", f"{plan.name}-{need.service}.service"
    yield "After", "network-online.target"
    yield "StartLimitIntervalSec", "600"
    yield "StartLimitBurst", "5"
    for node in nodes_of(service, plan)[0]:
        yield "ConditionPathExists", node


def _identity(service: Planned, plan: StackPlan) -> Iterator[Line]:
    yield "ContainerName", f"{plan.name}-{service.name}"
    yield "Image", service.image
    if service.args:
        yield "Exec", " ".join(map(_word, service.args))
    for name, value in sorted(service.env.items()):
        yield "Environment", _word(f"{name}={value}")
    for name, value in (("stack", plan.name), ("service", service.name), ("cell", service.cell)):
        yield "Label", f"{PREFIX}.{name}={value}"


def _reach(service: Planned, plan: StackPlan) -> Iterator[Line]:
    if service.publish:
        yield "Network", f"{plan.name}-{FRONT}.network"
        address, port = service.publish
        yield "PublishPort", f"{f'[{address}]' if ':' in address else address}:{port}:{service.port}"
    yield "Network", f"{plan.name}-{BACK}.network:alias={service.name}"


def _mounts(service: Planned, plan: StackPlan) -> Iterator[Line]:
    for mount in service.mounts:
        options = "" if mount.writable else ":ro"
        yield "Volume", f"{_source(mount, plan)}:{mount.target}{options}"


def _source(mount: Mount, plan: StackPlan) -> str:
    """A relative path is one of the unit's own folder, as Quadlet reads `./`; `~/` is the user's home."""
    if mount.kind == "volume":
        return f"{plan.name}-{mount.source}.volume"
    path = mount.source
    if path.startswith("~/"):
        return f"%h/{_specifiers(path[2:])}"
    if path.startswith("/"):
        return _specifiers(path)
    return f"./{_specifiers(path.removeprefix('./'))}"


def _devices(service: Planned, plan: StackPlan) -> Iterator[Line]:
    for slot in service.slots:
        if cdi := VENDORS[slot.accelerator].cdi:
            yield "AddDevice", f"{cdi}={slot.id}"
    nodes, groups = nodes_of(service, plan)
    yield from (("AddDevice", node) for node in nodes)
    yield from (("GroupAdd", str(group)) for group in groups)


def _hardened(service: Planned) -> Iterator[Line]:
    held = hardening.of(service)
    user, _, group = held.user.partition(":")
    yield "User", user
    yield "Group", group
    if held.read_only:
        yield "ReadOnly", "true"
    yield "Tmpfs", f"/tmp:{hardening.TMP_OPTIONS}"  # noqa: S108 - a folder in the container
    if held.drop_capabilities:
        yield "DropCapability", "all"
    if held.no_new_privileges:
        yield "NoNewPrivileges", "true"
    if held.pids:
        yield "PidsLimit", str(held.pids)
    if held.memory_lock:
        yield "Ulimit", "memlock=-1:-1"
    if held.shared_ipc:
        yield "PodmanArgs", "--ipc=shareable"
    if service.shm:
        yield "ShmSize", str(service.shm)
    yield "StopTimeout", str(service.stop_grace)


def _health(service: Planned) -> Iterator[Line]:
    health = service.health
    yield "HealthCmd", " ".join(map(_word, health.command))
    yield "HealthInterval", f"{health.interval}s"
    yield "HealthTimeout", f"{health.timeout}s"
    yield "HealthRetries", str(health.retries)
    yield "HealthStartPeriod", f"{health.start_period}s"
    yield "HealthOnFailure", "kill"
    yield "Notify", "healthy"


def _of_service(service: Planned) -> Iterator[Line]:
    yield "Restart", "always"
    yield "RestartSec", "5"
    yield "TimeoutStartSec", str(service.health.start_period + _START_MARGIN)
    yield "MemoryMax", str(service.memory)
    if service.cpus:
        yield "CPUQuota", f"{round(100 * service.cpus)}%"


def _word(value: str) -> str:
    """A word of a command line or an assignment, as systemd takes it apart (systemd.syntax(7))."""
    text = _specifiers(value).replace("$", "$$")
    if _PLAIN.fullmatch(text):
        return text
    escaped = text.replace("\\", "\\\\").replace('"', '\\"')
    return f'"{escaped}"'


def _specifiers(value: str) -> str:
    return value.replace("%", "%%")
