"""Jobs of Kubernetes that test images: one for each cell, with the card that it is for. Pure.

The image runs as a sidecar (an init container that is restarted, Kubernetes 1.29 or later). Beside it runs bakehouse,
which probes it and attaches the results to the image's digest. No volume is shared, and the cluster opens no connection
to the machine that built.
"""

from __future__ import annotations

import base64
from collections.abc import Sequence

from bakehouse.ci.cluster_job import ClusterJob, key
from bakehouse.ci.pod import SUITE, pod
from bakehouse.ci.settings import MARK, Settings
from bakehouse.errors import InputError
from bakehouse.formatting import size
from bakehouse.model.enums import AcceleratorName
from bakehouse.planning.render.labels import PREFIX
from bakehouse.stacks.render.header import several_yaml
from bakehouse.stacks.render.kubernetes import NAME, PART_OF, Object
from bakehouse.stacks.vendors import VENDORS

HOLDS = 900_000
"""Bytes of a ConfigMap, which holds 1 MiB with all that is written around them."""
_KEPT = 7 * 24 * 3600
"""Seconds that an ended Job stays."""


def jobs(found: Sequence[ClusterJob], settings: Settings) -> str:
    """A file for `kubectl apply --filename`. Raises InputError for what no cluster could do."""
    objects = [one for job in found for one in (_config(job), _job(job, settings))]
    return f"{MARK}kubernetes`.\n{several_yaml(objects)}"


def why_not(accelerator: AcceleratorName) -> str:
    """Why no Job tests an image of it; empty: one can."""
    if accelerator in VENDORS or accelerator is AcceleratorName.CPU:
        return ""
    return f"a pod asks for a card of one vendor, and {accelerator} runs on any"


def _labels(job: ClusterJob) -> dict[str, str]:
    return {NAME: job.name, PART_OF: "bakehouse"}


def _metadata(job: ClusterJob) -> Object:
    notes = {f"{PREFIX}/cell": job.cell, f"{PREFIX}/image": job.image}
    return {"name": job.name, "labels": _labels(job), "annotations": notes}


def _config(job: ClusterJob) -> Object:
    """What it is asked. Names of files become keys that Kubernetes allows; the volume gives them back."""
    held = len(job.job.encode()) + sum(4 * len(content) // 3 for content in job.files.values())
    if held > HOLDS:
        largest = max(job.files, key=lambda name: len(job.files[name]), default="job.json")
        raise InputError(
            f"{job.cell}: its recipe's files have {size(held)}, and a ConfigMap holds 1 MiB; the largest is {largest}",
            hint="Leave it out with --skip, and test it on a machine of your own (build-matrix --images).",
        )
    content = {key(name): base64.b64encode(content).decode() for name, content in sorted(job.files.items())}
    return {
        "apiVersion": "v1",
        "kind": "ConfigMap",
        "metadata": _metadata(job),
        "immutable": True,
        "data": {"job.json": job.job},
        **({"binaryData": content} if content else {}),
    }


def _job(job: ClusterJob, settings: Settings) -> Object:
    """A cell that failed is not tried again; infrastructure that failed is, twice."""
    template = {"metadata": {"labels": _labels(job)}, "spec": pod(job, settings)}
    said = {"containerName": SUITE, "operator": "In", "values": [1, 2, 3]}
    return {
        "apiVersion": "batch/v1",
        "kind": "Job",
        "metadata": _metadata(job),
        "spec": {
            "backoffLimit": 2,
            "podFailurePolicy": {"rules": [{"action": "FailJob", "onExitCodes": said}]},
            "activeDeadlineSeconds": settings.ci.minutes * 60,
            "ttlSecondsAfterFinished": _KEPT,
            "template": template,
        },
    }
