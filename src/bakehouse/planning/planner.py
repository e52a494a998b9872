"""Cells -> Plan. Pure, apart from reading the templates."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path

from bakehouse.model.bake_names import base_target
from bakehouse.model.cell import Cell, Excluded, World
from bakehouse.model.lock import Lock
from bakehouse.model.places import DockerfilePlace, GitPlace, PathPlace, RegistryPlace, SourcePlace
from bakehouse.model.plan import Plan, Supplies, Supply
from bakehouse.planning.render.bake_file import bake_file, dockerfile_name
from bakehouse.planning.render.dockerfile import Renderer


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
    bake = bake_file(cells, world, supplies)
    return Plan(
        cells=cells,
        excluded=excluded,
        dockerfiles=dockerfiles,
        bake=bake,
        fingerprint=_fingerprint(cells, dockerfiles, supplies),
        selected_by=selected_by,
    )


def published_supplies(world: World, lock: Lock) -> Supplies:
    """What anyone with the open internet would use: the public registry by its locked digest, git by its commit.

    A base or source without a public place gets the name of its first place, which plain bake cannot use.
    """
    return Supplies(
        bases={name: _published_base(name, world, lock) for name in world.matrix.bases},
        sources={
            name: Supply(context=_published_source(source.places, source.revision))
            for name, source in world.matrix.sources.items()
        },
    )


def _published_base(name: str, world: World, lock: Lock) -> Supply:
    places = world.matrix.bases[name].places
    for place in places:
        if isinstance(place, RegistryPlace):
            locked = lock.bases.get(name)
            digest = f"@{locked.digest}" if locked and locked.reference == place.registry else ""
            return Supply(context=f"docker-image://{place.registry}{digest}")
    for place in places:
        if isinstance(place, DockerfilePlace):
            on = place.dockerfile.on
            return Supply(context="", on=(on, _published_base(on, world, lock)))
    return Supply(context=f"target:{base_target(name)}")


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
