"""What a gateway and a Prometheus of the stack are told of the other services. Pure.

A gateway's recipe takes these variables: `BACKENDS`, addresses with blanks between them, each of which says itself
which models it has; `HEALTH_INTERVAL_S` and `BREAKER_S`, how often it looks and how long it leaves alone what failed;
and `API_KEY_FILE`, or `AUTH=none`.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import replace
from pathlib import PurePosixPath

from bakehouse.model.stack import Gateway, Metrics
from bakehouse.stacks.plan import Mount, Planned

PROMETHEUS = "prometheus/prometheus.yml"
RULES = "prometheus/rules.yml"
VARIABLES = ("BACKENDS", "HEALTH_INTERVAL_S", "BREAKER_S", "API_KEY_FILE", "AUTH")
"""What a gateway is told by its environment."""
_SECRETS = "/run/secrets"
_SETTINGS = "/etc/prometheus"


def told(services: Sequence[Planned], gateway: Gateway | None, metrics: Metrics) -> tuple[Planned, ...]:
    """The same services; the gateway and Prometheus know the others."""
    found = []
    for service in services:
        one = service
        if gateway and service.name == gateway.service:
            one = _gateway(one, gateway, services)
        if service.name == metrics.service:
            one = _prometheus(one)
        found.append(one)
    return tuple(found)


def _gateway(service: Planned, gateway: Gateway, services: Sequence[Planned]) -> Planned:
    ports = {one.name: one.port for one in services}
    env = {
        "BACKENDS": " ".join(f"http://{name}:{ports[name]}" for name in gateway.routes),
        "HEALTH_INTERVAL_S": str(_seconds(gateway)),
        "BREAKER_S": str(_seconds(gateway)),
    }
    if gateway.key is None:
        return replace(service, env={**service.env, **env, "AUTH": "none"})
    target = f"{_SECRETS}/{PurePosixPath(gateway.key).name}"
    mount = Mount(source=gateway.key, target=target, kind="secret")
    return replace(service, env={**service.env, **env, "API_KEY_FILE": target}, mounts=(*service.mounts, mount))


def _seconds(gateway: Gateway) -> int:
    return max(1, math.ceil(gateway.probe_every))


def _prometheus(service: Planned) -> Planned:
    mounts = tuple(
        Mount(source=source, target=f"{_SETTINGS}/{PurePosixPath(source).name}", kind="rendered")
        for source in (PROMETHEUS, RULES)
    )
    return replace(service, mounts=(*service.mounts, *mounts))
