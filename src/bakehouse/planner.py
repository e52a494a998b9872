"""Cells -> Plan. Pure, apart from reading the templates."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path

from bakehouse.model.cell import Cell, Excluded, World
from bakehouse.model.lock import Lock
from bakehouse.model.names import base_target
from bakehouse.model.places import GitPlace, PathPlace, RegistryPlace, SourcePlace
from bakehouse.model.plan import Plan, Supplies, Supply
from bakehouse.render.bake import bake_file, base_dockerfile_name, dockerfile_name
from bakehouse.render.dockerfile import Renderer


def make_plan(
    *,
    root: Path,
    world: World,
    cells: tuple[Cell, ...],
    excluded: tuple[Excluded, ...],
    supplies: Supplies,
    selected_by: tuple[str, ...] = (),
) -> Plan:
    """Render everything that a run of `cells` needs. Raises InputErrors for templates that cannot be rendered."""
    renderer = Renderer(root)
    dockerfiles = {dockerfile_name(cell): renderer.render(cell, world) for cell in cells}
    dockerfiles |= _base_dockerfiles(cells, supplies)
    bake = bake_file(cells, world, supplies)
    return Plan(
        cells=cells,
        excluded=excluded,
        dockerfiles=dockerfiles,
        bake=bake,
        fingerprint=_fingerprint(cells, dockerfiles, supplies),
        selected_by=selected_by,
    )


def _base_dockerfiles(cells: tuple[Cell, ...], supplies: Supplies) -> dict[str, str]:
    """The Dockerfiles of bases that this plan makes itself."""
    texts: dict[str, str] = {}
    waiting = [(name, supplies.bases[name]) for name in sorted({base for cell in cells for base in cell.bases})]
    while waiting:
        name, supply = waiting.pop()
        if supply.dockerfile is not None:
            texts[base_dockerfile_name(name)] = supply.dockerfile
        if supply.on is not None:
            waiting.append(supply.on)
    return texts


def published_supplies(world: World, lock: Lock) -> Supplies:
    """What anyone with the open internet would use: the public registry by its locked digest, git by its commit.

    A base or source without a public place gets the name of its first place, which plain bake cannot use.
    """
    return Supplies(
        bases={name: Supply(context=_published_base(name, world, lock)) for name in world.matrix.bases},
        sources={
            name: Supply(context=_published_source(source.places, source.revision))
            for name, source in world.matrix.sources.items()
        },
    )


def _published_base(name: str, world: World, lock: Lock) -> str:
    for place in world.matrix.bases[name].places:
        if isinstance(place, RegistryPlace):
            locked = lock.bases.get(name)
            pinned = locked is not None and locked.reference == place.registry
            return (
                f"docker-image://{place.registry}@{locked.digest}"
                if pinned and locked
                else f"docker-image://{place.registry}"
            )
    return f"target:{base_target(name)}"


def _published_source(places: tuple[SourcePlace, ...], revision: str) -> str:
    for place in places:
        if isinstance(place, GitPlace):
            return f"{place.git.rstrip('/').removesuffix('.git')}.git#{revision}"
        if isinstance(place, PathPlace):
            return place.path
    return f"{places[0].model_dump_json()}"


def _fingerprint(cells: tuple[Cell, ...], dockerfiles: dict[str, str], supplies: Supplies) -> str:
    """Over what decides the images and what is asked of them; not over folders, which differ from run to run."""
    content = {
        "dockerfiles": dockerfiles,
        "probes": {cell.name: cell.recipe.model_dump(mode="json")["probes"] for cell in cells},
        "contexts": {
            name: supply.identity or supply.context
            for kind in (supplies.bases, supplies.sources)
            for name, supply in sorted(kind.items())
        },
    }
    return hashlib.sha256(json.dumps(content, sort_keys=True).encode()).hexdigest()
