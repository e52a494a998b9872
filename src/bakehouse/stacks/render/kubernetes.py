"""A stack's objects in Kubernetes, without cards: those are the overlays'. Pure.

Kubernetes 1.30 or later (`preStop.sleep`). All services start at once: there is no `depends_on`; a gateway leaves out
what is not ready.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import PurePosixPath
from typing import Any

from bakehouse.planning.render.labels import PREFIX
from bakehouse.stacks import hardening
from bakehouse.stacks.hardening import TMP_MEBIBYTES, Hardening
from bakehouse.stacks.plan import CONTAINER_MODELS, Mount, Planned, StackPlan

Object = dict[str, Any]
NAME = "app.kubernetes.io/name"
PART_OF = "app.kubernetes.io/part-of"
SCRAPE = f"{PREFIX}/scrape"
CONTAINER = "server"
MODELS = "models"
_PROBE_PERIOD = 5
_DEADLINE_MARGIN = 600
"""Seconds beyond the start, for the image to be pulled."""
_MODELS_SIZE = "100Gi"
_VOLUME_SIZE = "10Gi"
_LEAST_CPU = "250m"


def namespace(plan: StackPlan) -> Object:
    """With the strictest level of Pod Security that its services keep."""
    labels = {f"pod-security.kubernetes.io/{mode}": _level(plan) for mode in ("enforce", "audit", "warn")}
    return {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": plan.name, "labels": labels}}


def _level(plan: StackPlan) -> str:
    held = [hardening.of(service) for service in plan.services]
    if any(not one.drop_capabilities or not one.no_new_privileges or one.is_root for one in held):
        return "baseline"
    return "restricted"


def of_service(service: Planned, plan: StackPlan) -> list[Object]:
    """Deployment, Service, disruption budget and who may reach it."""
    return [_deployment(service, plan), _service(service), _budget(service), _ingress(service, plan)]


def shared(plan: StackPlan) -> list[Object]:
    """Volumes, and the policy for outgoing connections."""
    volumes = [_claim(MODELS, "ReadOnlyMany", _MODELS_SIZE)] if _needs_models(plan) else []
    mounts = [mount for service in plan.services for mount in service.mounts if mount.kind == "volume"]
    kept = [_claim(name, "ReadWriteOnce", _VOLUME_SIZE) for name in sorted({mount.source for mount in mounts})]
    return [*volumes, *kept, _egress(plan)]


def _needs_models(plan: StackPlan) -> bool:
    return any(mount.kind == "path" for service in plan.services for mount in service.mounts)


def _claim(name: str, mode: str, size: str) -> Object:
    spec = {"accessModes": [mode], "resources": {"requests": {"storage": size}}}
    return {"apiVersion": "v1", "kind": "PersistentVolumeClaim", "metadata": {"name": name}, "spec": spec}


def _egress(plan: StackPlan) -> Object:
    """Pods of the stack reach each other and name servers, and nothing else."""
    names = [{"port": 53, "protocol": protocol} for protocol in ("UDP", "TCP")]
    within = [{"to": [{"podSelector": {"matchLabels": {PART_OF: plan.name}}}]}, {"ports": names}]
    spec = {"podSelector": {}, "policyTypes": ["Egress"], "egress": within}
    return {"apiVersion": "networking.k8s.io/v1", "kind": "NetworkPolicy", "metadata": {"name": "egress"}, "spec": spec}


# ---------------------------------------------------------------------------------------------- one service


def _deployment(service: Planned, plan: StackPlan) -> Object:
    labels = {NAME: service.name, PART_OF: plan.name}
    return {
        "apiVersion": "apps/v1",
        "kind": "Deployment",
        "metadata": {"name": service.name, "labels": labels},
        "spec": {
            "replicas": 1,
            "strategy": {"type": "Recreate"},
            "progressDeadlineSeconds": service.health.start_period + _DEADLINE_MARGIN,
            "selector": {"matchLabels": {NAME: service.name}},
            "template": {"metadata": _pod_metadata(service, labels), "spec": _pod(service)},
        },
    }


def _pod_metadata(service: Planned, labels: dict[str, str]) -> Object:
    notes = {f"{PREFIX}/cell": service.cell}
    notes |= {f"{PREFIX}/{one.right}": one.reason for one in service.loose}
    return {"labels": labels, "annotations": notes}


def _pod(service: Planned) -> Object:
    return {
        "automountServiceAccountToken": False,
        "enableServiceLinks": False,
        "terminationGracePeriodSeconds": service.stop_grace + 10,
        "securityContext": pod_security(hardening.of(service)),
        "containers": [_container(service)],
        "volumes": _volumes(service),
    }


def pod_security(held: Hardening) -> Object:
    user, _, group = held.user.partition(":")
    return {
        "runAsNonRoot": not held.is_root,
        "runAsUser": int(user),
        "runAsGroup": int(group),
        "fsGroup": int(group),
        "seccompProfile": {"type": "RuntimeDefault"},
    }


def container_security(held: Hardening) -> Object:
    return {
        "allowPrivilegeEscalation": not held.no_new_privileges,
        "readOnlyRootFilesystem": held.read_only,
        "capabilities": {"drop": ["ALL"]} if held.drop_capabilities else {},
    }


def _container(service: Planned) -> Object:
    found: Object = {
        "name": CONTAINER,
        "image": service.image,
        "args": arguments(service),
        "env": variables(service.env),
        "ports": _ports(service),
        "resources": resources(service),
        "securityContext": container_security(hardening.of(service)),
        **_probes(service),
        "lifecycle": {"preStop": {"sleep": {"seconds": 5}}},
        "volumeMounts": _volume_mounts(service),
    }
    return {key: value for key, value in found.items() if value != []}


def arguments(service: Planned) -> list[str]:
    return [escaped(word) for word in service.args]


def variables(values: Mapping[str, str]) -> list[Object]:
    return [{"name": name, "value": escaped(value)} for name, value in sorted(values.items())]


def escaped(value: str) -> str:
    """Kubernetes replaces `$(NAME)` in arguments and variables."""
    return value.replace("$(", "$$(")


def _ports(service: Planned) -> list[Object]:
    ports = [{"name": "http", "containerPort": service.port}]
    if service.scrape and service.scrape.port != service.port:
        ports.append({"name": "metrics", "containerPort": service.scrape.port})
    return ports


def resources(service: Planned) -> Object:
    """Memory is asked for as a whole, so that no node is ever overfull; a processor's share is not capped."""
    cpu = f"{round(1000 * service.cpus)}m" if service.cpus else _LEAST_CPU
    memory = quantity(service.memory)
    return {"requests": {"cpu": cpu, "memory": memory}, "limits": {"memory": memory}}


def quantity(size: int) -> str:
    """Bytes, as Kubernetes writes them."""
    return f"{size // 2**20}Mi" if size % 2**20 == 0 else str(size)


def _probes(service: Planned) -> Object:
    """The startup probe is as patient as the model is large; the others begin when it has passed."""
    get = {"httpGet": {"path": service.health.path, "port": "http"}}
    patience = -(-service.health.start_period // _PROBE_PERIOD)
    return {
        "startupProbe": {**get, "periodSeconds": _PROBE_PERIOD, "timeoutSeconds": 3, "failureThreshold": patience},
        "readinessProbe": {**get, "periodSeconds": _PROBE_PERIOD, "timeoutSeconds": 3, "failureThreshold": 3},
        "livenessProbe": {**get, "periodSeconds": 15, "timeoutSeconds": 10, "failureThreshold": 4},
    }


def _volume_mounts(service: Planned) -> list[Object]:
    mounts = [_volume_mount(mount) for mount in service.mounts]
    mounts.append({"name": "tmp", "mountPath": "/tmp"})  # noqa: S108 - a folder in the container
    if service.shm:
        mounts.append({"name": "shm", "mountPath": "/dev/shm"})  # noqa: S108 - the same
    return mounts


def _volume_mount(mount: Mount) -> Object:
    match mount.kind:
        case "volume":
            return {"name": mount.source, "mountPath": mount.target}
        case "rendered":
            name = PurePosixPath(mount.source).name
            return {"name": "rendered", "mountPath": mount.target, "subPath": name, "readOnly": True}
        case "secret":
            return {"name": "secret", "mountPath": mount.target, "subPath": secret_key(mount), "readOnly": True}
        case "path":
            return {"name": MODELS, "mountPath": mount.target, "subPath": in_volume(mount), "readOnly": True}


def in_volume(mount: Mount) -> str:
    """Where a file or folder of a machine lies in the volume of models: by its name, below `files/` unless a model."""
    path = PurePosixPath(mount.source)
    if not mount.model:
        return f"files/{path.name}"
    row = path.parent.name if mount.target.startswith(f"{CONTAINER_MODELS}/") and mount.row else ""
    return f"{row}/{path.name}" if row else path.name


def secret_key(mount: Mount) -> str:
    return PurePosixPath(mount.source).name


def secret_name(service: str) -> str:
    """Of the Secret that a person makes: `kubectl create secret generic NAME --from-file=...`."""
    return f"{service}-secret"


def config_name(service: str) -> str:
    """Of the ConfigMap with a service's rendered files; kustomize adds a hash, so that a change rolls the pods."""
    return f"{service}-files"


def _volumes(service: Planned) -> list[Object]:
    kinds = {mount.kind for mount in service.mounts}
    found: list[Object] = []
    if "path" in kinds:
        found.append({"name": MODELS, "persistentVolumeClaim": {"claimName": MODELS, "readOnly": True}})
    kept = sorted({mount.source for mount in service.mounts if mount.kind == "volume"})
    found += [{"name": name, "persistentVolumeClaim": {"claimName": name}} for name in kept]
    if "rendered" in kinds:
        found.append({"name": "rendered", "configMap": {"name": config_name(service.name)}})
    if "secret" in kinds:
        found.append({"name": "secret", "secret": {"secretName": secret_name(service.name)}})
    found.append({"name": "tmp", "emptyDir": {"sizeLimit": f"{TMP_MEBIBYTES}Mi"}})
    if service.shm:
        found.append({"name": "shm", "emptyDir": {"medium": "Memory", "sizeLimit": quantity(service.shm)}})
    return found


def _service(service: Planned) -> Object:
    ports = [{"name": "http", "port": service.port, "targetPort": "http"}]
    if service.scrape and service.scrape.port != service.port:
        ports.append({"name": "metrics", "port": service.scrape.port, "targetPort": "metrics"})
    labels = {NAME: service.name, **({SCRAPE: "true"} if service.scrape else {})}
    return {
        "apiVersion": "v1",
        "kind": "Service",
        "metadata": {"name": service.name, "labels": labels},
        "spec": {"selector": {NAME: service.name}, "ports": ports},
    }


def _budget(service: Planned) -> Object:
    """With one replica, `minAvailable: 1` would keep a node from ever being drained."""
    spec = {"maxUnavailable": 1, "selector": {"matchLabels": {NAME: service.name}}}
    return {"apiVersion": "policy/v1", "kind": "PodDisruptionBudget", "metadata": {"name": service.name}, "spec": spec}


def _ingress(service: Planned, plan: StackPlan) -> Object:
    """Published ones are reached from anywhere, the others from the stack alone."""
    ports: Object = {"ports": [{"port": one["containerPort"]} for one in _ports(service)]}
    within: Object = {"from": [{"podSelector": {"matchLabels": {PART_OF: plan.name}}}], **ports}
    allowed = [within]
    if service.publish:
        allowed = [within, {"ports": [{"port": service.port}]}]
    spec = {
        "podSelector": {"matchLabels": {NAME: service.name}},
        "policyTypes": ["Ingress"],
        "ingress": allowed,
    }
    return {
        "apiVersion": "networking.k8s.io/v1",
        "kind": "NetworkPolicy",
        "metadata": {"name": service.name},
        "spec": spec,
    }
