"""What holds of any service: an image that is gone, cards chosen twice, a health check whose program is not there."""

from __future__ import annotations

import fnmatch
from collections.abc import Iterator

from bakehouse.lint.container_run import ContainerRun
from bakehouse.lint.finding import Finding, Severity
from bakehouse.lint.settings import Word
from bakehouse.lint.stages.references import read_reference
from bakehouse.servers.llama_cpp.lint.basis import Basis

CUDA, NVIDIA = "CUDA_VISIBLE_DEVICES", "NVIDIA_VISIBLE_DEVICES"
CLIENTS = ("curl", "wget")
_BARE = (
    "python:*-slim*",
    "debian:*",
    "ubuntu:*",
    "nvidia/cuda:*-base-*",
    "nvidia/cuda:*-runtime-*",
    "pytorch/pytorch:*",
)
"""Images with neither of the clients, unless somebody installs one."""


def check_any_service(run: ContainerRun, basis: Basis) -> Iterator[Finding]:
    """For services of other servers; those of llama.cpp have checks of their own for the image."""
    if run.image is not None and run.image.complete:
        for fact in basis.knowledge.images:
            if fact.concerns(read_reference(run.image.text).vendor_name):
                yield fact.told(run.image.where, run.image.text)
    yield from _check_client(run)


def check_cards(run: ContainerRun) -> Iterator[Finding]:
    """Two variables that choose: NVIDIA's runtime reads one before the container starts, CUDA the other inside it."""
    cuda = next((one for one in run.variables if one.name == CUDA), None)
    nvidia = next((one for one in run.variables if one.name == NVIDIA), None)
    if cuda is None or not (nvidia or run.has_nvidia):
        return
    yield Finding(
        severity=Severity.WARNING,
        where=cuda.where,
        subject=f"{CUDA}={cuda.value}",
        what=f"chooses cards a second time, after {NVIDIA if nvidia else 'the engine'}",
        why="Its numbers count the cards that the container got, from 0: a number of the host hides all of them.",
        instead=f"leave it out; {f'{NVIDIA}, or ' if nvidia else ''}device_ids of the reservation say which cards",
    )


def _check_client(run: ContainerRun) -> Iterator[Finding]:
    client = _client(run)
    image = run.image
    if client is None or image is None or not image.complete:
        return
    name = read_reference(image.text).canonical
    if any(fnmatch.fnmatchcase(name, pattern) for pattern in _BARE):
        yield Finding(
            severity=Severity.ERROR,
            where=client.where,
            subject=client.text.split(" ")[0],
            what="is not in the image",
            why=f"{image.text} has none: the check fails for ever, and the container is unhealthy.",
            instead="python with urllib.request, where the image has a Python; or an image of your own with it",
        )


def _client(run: ContainerRun) -> Word | None:
    return next((word for word in run.health if word.text.split(" ")[0].rpartition("/")[2] in CLIENTS), None)
