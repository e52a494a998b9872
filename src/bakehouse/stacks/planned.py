"""One service of a plan: image, arguments, environment, mounts, limits, health. Pure."""

from __future__ import annotations

import math
from collections.abc import Mapping
from pathlib import PurePosixPath

from bakehouse.formatting import size_in_bytes
from bakehouse.model.cell import Cell
from bakehouse.model.recipe import Recipe
from bakehouse.model.stack import Service
from bakehouse.servers import SERVERS
from bakehouse.servers.deploying import Deployment
from bakehouse.servers.deployment import DEPLOYMENTS
from bakehouse.stacks import needs_of
from bakehouse.stacks.hardening import PIDS
from bakehouse.stacks.inputs import StackInputs
from bakehouse.stacks.need import ModelFacts, start_seconds
from bakehouse.stacks.plan import (
    CONTAINER_MODELS,
    Dependency,
    HealthCheck,
    Loose,
    Mount,
    Need,
    Planned,
    Scrape,
    Slot,
)

_STEP = 64 * 2**20
_BESIDE = 256 * 2**20
"""Bytes of a server beside its model."""
_HEADROOM = 1.25
_HEALTHCHECKS = {
    "cmake": ("/app/healthcheck",),
    "wheels": ("/app/env/bin/python", "/app/healthcheck.py"),
    "image": ("python3", "/app/healthcheck.py"),
}
"""What the templates of each kind of recipe put into the image."""


def planned(name: str, cell: Cell, slots: tuple[Slot, ...], inputs: StackInputs) -> Planned:
    """Everything about a service whose image and cards are chosen."""
    service, recipe = inputs.service(name), cell.recipe
    facts = inputs.facts.get(name, needs_of.NO_FACTS)
    family = DEPLOYMENTS[recipe.server]
    need = (needs_of.on_card if slots else needs_of.in_memory)(name, service, cell, inputs)
    digest = inputs.digests.get(cell.name)
    port = service.port or recipe.runtime.port
    return Planned(
        name=name,
        summary=service.summary or recipe.summary,
        image=_image(cell, inputs.machine.registry, digest),
        tested=digest is not None,
        cell=cell.name,
        recipe=cell.at.recipe,
        server=recipe.server,
        accelerator=cell.at.accelerator,
        platform=cell.at.platform,
        args=_arguments(service, recipe, facts, _card_words(service, family, slots, need) if slots else []),
        env={**service.env, **_told_by_environment(service, recipe, facts)},
        port=port,
        publish=(service.publish.address, service.publish.port) if service.publish else None,
        user=recipe.runtime.user,
        health=HealthCheck(
            path=recipe.probes.health.path,
            command=recipe.runtime.healthcheck or _HEALTHCHECKS[recipe.build.kind],
            start_period=round(service.start) if service.start else start_seconds(_start(recipe), facts.bytes),
        ),
        stop_grace=max(1, math.ceil(recipe.probes.health.stop_grace)),
        memory=_limit(service, recipe, need, on_card=bool(slots)),
        cpus=service.cpus,
        pids=PIDS,
        shm=size_in_bytes(shm) if (shm := service.shm or recipe.runtime.shm) else None,
        mounts=_mounts(service, facts, inputs.folder),
        needs=tuple(_dependency(other, service, inputs) for other in service.needs),
        profile=service.profile,
        slots=slots,
        whole=service.card.whole,
        need=need,
        loose=tuple(Loose(right=one.right, reason=one.reason) for one in service.loosen),
        scrape=_scrape(service, family, port),
        driver_floor=cell.toolkit.driver_floor if cell.toolkit else None,
        archs=cell.archs,
        serves=service.serves,
    )


def _scrape(service: Service, family: Deployment, port: int) -> Scrape | None:
    if service.figures:
        return Scrape(path=service.figures.path, port=service.figures.port or port)
    return Scrape(path=family.metrics_path, port=port) if family.metrics_path else None


def _start(recipe: Recipe) -> float:
    return recipe.probes.health.start_period


def _image(cell: Cell, registry: str | None, digest: str | None) -> str:
    name = f"{registry}/{cell.image}" if registry else cell.image
    return f"{name}@{digest}" if digest else name


def _served(service: Service, facts: ModelFacts) -> str | None:
    """Path of the model in the container."""
    if service.model is None or not facts.paths:
        return None
    return f"{CONTAINER_MODELS}/{PurePosixPath(facts.paths[0]).name}"


def _arguments(service: Service, recipe: Recipe, facts: ModelFacts, of_card: list[str]) -> tuple[str, ...]:
    """Model, port and name in the family's words, then what makes it tell figures, then the service's own."""
    told = recipe.start.model or SERVERS[recipe.server].model
    port = recipe.start.port or SERVERS[recipe.server].port
    family = DEPLOYMENTS[recipe.server]
    inside = _served(service, facts)
    words: list[str] = []
    if told.argument and inside:
        words += [told.argument, inside]
    if port.argument and not port.environment and service.port:
        words += [port.argument, str(service.port)]
    if family.name_argument and service.serves and family.name_argument not in service.args:
        words += [family.name_argument, service.serves]
    words += [one for one in family.metrics_arguments if one not in service.args]
    return (*words, *of_card, *service.args)


def _card_words(service: Service, family: Deployment, slots: tuple[Slot, ...], need: Need) -> list[str]:
    words: list[str] = []
    if family.card_arguments and family.card_arguments[0] not in service.args:
        words += family.card_arguments
    if family.share_argument and family.share_argument not in service.args and slots[0].memory:
        words += [family.share_argument, f"{math.ceil(100 * need.bytes / slots[0].memory) / 100:.2f}"]
    return words


def _told_by_environment(service: Service, recipe: Recipe, facts: ModelFacts) -> Mapping[str, str]:
    told = recipe.start.model or SERVERS[recipe.server].model
    port = recipe.start.port or SERVERS[recipe.server].port
    found = {}
    inside = _served(service, facts)
    if told.environment and not told.argument and inside:
        found[told.environment] = inside
    if port.environment and service.port and service.port != recipe.runtime.port:
        found[port.environment] = str(service.port)
    return found


def _limit(service: Service, recipe: Recipe, need: Need, *, on_card: bool) -> int:
    """What the container's memory is bounded by, in whole steps of 64 MiB."""
    if service.memory:
        return size_in_bytes(service.memory)
    probed = size_in_bytes(recipe.probes.memory_limit)
    if on_card or need.how == "probed":
        return probed
    return max(probed, -(-math.ceil(need.bytes * _HEADROOM + _BESIDE) // _STEP) * _STEP)


def _mounts(service: Service, facts: ModelFacts, folder: str | None) -> tuple[Mount, ...]:
    named = service.model is not None and service.model.name is not None
    models = [
        Mount(source=path, target=f"{CONTAINER_MODELS}/{PurePosixPath(path).name}", model=True, row=named)
        for path in facts.paths
    ]
    files = [Mount(source=_source(path, folder), target=target) for target, path in service.files.items()]
    kept = [
        Mount(source=volume, target=target, kind="volume", writable=True) for target, volume in service.keeps.items()
    ]
    return (*models, *files, *kept)


def _source(path: str, folder: str | None) -> str:
    """Absolute where the stack runs here; `~/` is left to the program that mounts it."""
    return path if folder is None or path.startswith("~/") else str(PurePosixPath(folder) / path)


def _dependency(other: str, service: Service, inputs: StackInputs) -> Dependency:
    profile = inputs.loaded.stack.services[other].profile
    return Dependency(service=other, required=profile is None or profile == service.profile)
