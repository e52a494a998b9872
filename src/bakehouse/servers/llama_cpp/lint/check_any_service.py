"""What holds of any service: an image that is gone, cards chosen twice, a health check whose program is not there."""

from __future__ import annotations

from collections.abc import Iterator

from bakehouse.lint.container_run import ContainerRun
from bakehouse.lint.finding import Finding, Severity
from bakehouse.lint.stages.references import read_reference
from bakehouse.servers.llama_cpp.lint.basis import Basis
from bakehouse.servers.others.check_client import check_client
from bakehouse.servers.others.check_service import check_service

CUDA, NVIDIA = "CUDA_VISIBLE_DEVICES", "NVIDIA_VISIBLE_DEVICES"


def check_any_service(run: ContainerRun, basis: Basis) -> Iterator[Finding]:
    """For services of other servers; those of llama.cpp have checks of their own for the image."""
    if run.image is not None and run.image.complete:
        for fact in basis.knowledge.images:
            if fact.concerns(read_reference(run.image.text).vendor_name):
                yield fact.told(run.image.where, run.image.text)
    yield from check_client(run)
    yield from check_service(run)


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
