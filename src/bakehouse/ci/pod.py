"""The pod of a Job: the image as a sidecar, and bakehouse beside it. Pure."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Any

from bakehouse.ci.cluster_job import ClusterJob, key
from bakehouse.ci.settings import Settings
from bakehouse.errors import InputError
from bakehouse.model.enums import AcceleratorName
from bakehouse.stacks.hardening import TMP_MEBIBYTES, Hardening
from bakehouse.stacks.render.kubernetes import (
    Object,
    container_security,
    escaped,
    pod_security,
    quantity,
    variables,
)
from bakehouse.stacks.render.pods_on_cards import nodes_with, nvidia_terms
from bakehouse.stacks.vendors import NVIDIA, VENDORS

PYTHON = "docker.io/library/python:3.13-slim-trixie"
INSTALL = """\
python3 -m venv /work/bakehouse
/work/bakehouse/bin/pip install --quiet -- "$BAKEHOUSE"
exec /work/bakehouse/bin/bakehouse "$@"
"""
JOB, WORK = "/job", "/work"
USER = "65532:65532"
_ROOM = 4 << 30
"""Bytes of the pod's folder beside the models."""
_CLIENT_MEMORY = 2 << 30
_LEAST_CPU = "500m"
SUITE = "suite"
"""Name of the container whose exit code is the Job's."""


def pod(job: ClusterJob, settings: Settings) -> Object:
    cluster = settings.ci.cluster
    placed = _placed(job)
    context = pod_security(_held(USER))
    context |= {"supplementalGroups": list(cluster.groups)} if cluster.groups and "tolerations" in placed else {}
    selector = {**placed.pop("nodeSelector", {}), "kubernetes.io/arch": job.platform.rpartition("/")[2]}
    return {
        "restartPolicy": "Never",
        "automountServiceAccountToken": False,
        "enableServiceLinks": False,
        "imagePullSecrets": [{"name": cluster.login}],
        "securityContext": context,
        "nodeSelector": selector,
        **placed,
        "initContainers": [*([_fetch(settings)] if job.models else []), _server(job)],
        "containers": [_suite(job, settings)],
        "volumes": _volumes(job, settings),
    }


def _placed(job: ClusterJob) -> Object:
    if job.accelerator is AcceleratorName.CPU:
        return {}
    vendor = VENDORS[job.accelerator]
    terms = nvidia_terms(job.archs, driver_floor=job.driver_floor, least=0) if vendor is NVIDIA else ()
    return nodes_with(vendor, terms)


def _volumes(job: ClusterJob, settings: Settings) -> list[Object]:
    cluster = settings.ci.cluster
    items = [{"key": "job.json", "path": "job.json"}]
    items += [{"key": key(name), "path": name} for name in sorted(job.files)]
    login = {"secretName": cluster.login, "items": [{"key": ".dockerconfigjson", "path": "config.json"}]}
    shared: list[Object] = []
    if job.shm:
        shared.append({"name": "shm", "emptyDir": {"medium": "Memory", "sizeLimit": quantity(job.shm)}})
    return [
        *shared,
        {"name": "job", "configMap": {"name": job.name, "items": items}},
        {"name": "login", "secret": login},
        {"name": "key", "secret": {"secretName": cluster.key}},
        {"name": "work", "emptyDir": {"sizeLimit": quantity(_ROOM + 2 * job.model_bytes)}},
        {"name": "tmp", "emptyDir": {"sizeLimit": f"{TMP_MEBIBYTES}Mi"}},
    ]


# ------------------------------------------------------------------------------------------------ containers


def _server(job: ClusterJob) -> Object:
    """The image as a user starts it. It has no startup probe: the suite watches it load."""
    mounts: list[Object] = [{"name": "tmp", "mountPath": "/tmp"}]  # noqa: S108 - a folder in the container
    if job.models:
        mounts.append({"name": "work", "mountPath": job.models, "subPath": "models", "readOnly": True})
    mounts += [
        {"name": "job", "mountPath": there, "subPath": name, "readOnly": True}
        for name, there in sorted(job.mounts.items())
    ]
    if job.shm:
        mounts.append({"name": "shm", "mountPath": "/dev/shm"})  # noqa: S108 - the same
    memory = {"memory": quantity(job.memory)}
    return {
        "name": "server",
        "image": job.image,
        "restartPolicy": "Always",
        "args": [escaped(word) for word in job.args],
        "env": variables(job.env),
        "ports": [{"name": "http", "containerPort": job.port}],
        "resources": {"requests": {"cpu": _LEAST_CPU, **memory}, "limits": {**memory, **_card(job)}},
        "securityContext": {**container_security(_held(job.user)), **_as(job.user)},
        "volumeMounts": mounts,
    }


def _card(job: ClusterJob) -> dict[str, str]:
    return {} if job.accelerator is AcceleratorName.CPU else {VENDORS[job.accelerator].resource: "1"}


def _fetch(settings: Settings) -> Object:
    """Gets the model by the places of the matrix, and holds it against its sha256."""
    words = ("probe", "--job", f"{JOB}/job.json", "--fetch", f"{WORK}/models")
    return {**_client(settings, words), "name": "models"}


def _suite(job: ClusterJob, settings: Settings) -> Object:
    address = f"http://127.0.0.1:{job.port}"
    device = "cpu" if job.accelerator is AcceleratorName.CPU else _device(job)
    words = ("probe", address, "--job", f"{JOB}/job.json", "--device", device, "--measure-for", f"{job.seconds}s")
    return {**_client(settings, words), "name": SUITE}


def _device(job: ClusterJob) -> str:
    """As much as is known of the card before a node is chosen."""
    return f"{VENDORS[job.accelerator].resource} {'/'.join(job.archs)}".strip()


def _client(settings: Settings, words: Sequence[str]) -> Object:
    cluster = settings.ci.cluster
    command = ["bakehouse"] if cluster.client else ["sh", "-ec", INSTALL, "sh"]
    memory = quantity(_CLIENT_MEMORY)
    return {
        "name": "",
        "image": cluster.client or PYTHON,
        "command": [*command, "--root", f"{WORK}/project"],
        "args": [escaped(word) for word in words],
        "env": [*variables(_environment(settings)), _node()],
        "resources": {"requests": {"cpu": _LEAST_CPU, "memory": memory}, "limits": {"memory": memory}},
        "securityContext": {**container_security(_held(USER)), **_as(USER)},
        "volumeMounts": [
            {"name": "job", "mountPath": JOB, "readOnly": True},
            {"name": "login", "mountPath": "/login", "readOnly": True},
            {"name": "key", "mountPath": "/key", "readOnly": True},
            {"name": "work", "mountPath": WORK},
        ],
    }


def _environment(settings: Settings) -> dict[str, str]:
    found = {
        "BAKEHOUSE_CACHE": f"{WORK}/cache",
        "BAKEHOUSE_SIGNING_KEY_FILE": "/key/key.pem",
        "DOCKER_CONFIG": "/login",
        "HOME": WORK,
        "TMPDIR": WORK,
        "PYTHONDONTWRITEBYTECODE": "1",
    }
    return found if settings.ci.cluster.client else {**found, "BAKEHOUSE": _installed(settings)}


def _installed(settings: Settings) -> str:
    if re.match(r"[./]", settings.installed):
        raise InputError(
            f"a pod cannot install {settings.installed}, which is a folder of this machine (ci: install)",
            hint="Name an image with bakehouse in it (ci: cluster: client), or what pip can fetch.",
        )
    return settings.installed


def _node() -> Object:
    """The node's name: two runs on it can be compared."""
    return {"name": "BAKEHOUSE_HOST", "valueFrom": {"fieldRef": {"fieldPath": "spec.nodeName"}}}


def _as(user: str) -> dict[str, Any]:
    number, _, group = user.partition(":")
    return {"runAsUser": int(number), "runAsGroup": int(group)}


def _held(user: str) -> Hardening:
    """All of the list."""
    return Hardening(
        read_only=True,
        drop_capabilities=True,
        no_new_privileges=True,
        user=user,
        pids=None,
        memory_lock=False,
        shared_ipc=False,
    )
