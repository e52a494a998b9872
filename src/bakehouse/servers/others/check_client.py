"""A health check whose program is not in the image."""

from __future__ import annotations

import fnmatch
from collections.abc import Iterator

from bakehouse.lint.container_run import ContainerRun
from bakehouse.lint.finding import Finding, Severity
from bakehouse.lint.settings import Word
from bakehouse.lint.stages.references import read_reference
from bakehouse.servers.others.known import find_image

CLIENTS = ("curl", "wget")
_BARE = (
    "python:*-slim*",
    "debian:*",
    "ubuntu:*",
    "nvidia/cuda:*-base-*",
    "nvidia/cuda:*-runtime-*",
    "pytorch/pytorch:*",
    "qdrant/qdrant:*",
)
"""Images with neither of the clients, unless somebody installs one."""


def check_client(run: ContainerRun) -> Iterator[Finding]:
    client, image = _client(run), run.image
    if client is None or image is None or not image.complete:
        return
    name = read_reference(image.text).canonical
    known = find_image(image.text)
    program = client.text.split(" ")[0].rpartition("/")[2]
    if not any(fnmatch.fnmatchcase(name, pattern) for pattern in _BARE) and (
        known is None or program not in known[0].lacks
    ):
        return
    own = f"{known[0].asks}, or " if known and known[0].asks else ""
    yield Finding(
        severity=Severity.ERROR,
        where=client.where,
        subject=client.text.split(" ")[0],
        what="is not in the image",
        why=f"{image.text} has none: the check fails for ever, and the container is unhealthy.",
        instead=f"{own}python with urllib.request, where the image has a Python; or an image of your own with it",
    )


def _client(run: ContainerRun) -> Word | None:
    return next((word for word in run.health if word.text.split(" ")[0].rpartition("/")[2] in CLIENTS), None)
