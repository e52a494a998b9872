"""The `docker-bake.json` that builds the cells, with bakehouse or with plain `docker buildx bake`."""

from __future__ import annotations

from typing import Any

from bakehouse.model.bake_names import base_target
from bakehouse.model.build import CMakeBuild, WheelsBuild
from bakehouse.model.cell import Cell, World
from bakehouse.model.plan import Supplies, Supply
from bakehouse.planning.installed import installed
from bakehouse.planning.render import escape

BASE_DOCKERFILE = "FROM scratch\nADD rootfs.tar /\n"


def bake_file(cells: tuple[Cell, ...], world: World, supplies: Supplies) -> dict[str, Any]:
    """Every cell as a target, every bootstrapped base as a target that cells stand on, nothing computed in HCL."""
    used = _flat({base: supplies.bases[base] for cell in cells for base in cell.bases})
    targets = {base_target(name): _base(name, used[name].rootfs) for name in sorted(used) if used[name].rootfs}
    targets |= {cell.target: _cell(cell, world, supplies) | _cache(cell, cells, supplies) for cell in cells}
    groups = {"default": {"targets": [cell.target for cell in cells]}}
    return {"group": groups, "target": {name: escape.bake(target) for name, target in targets.items()}}


def _flat(bases: dict[str, Supply]) -> dict[str, Supply]:
    """The bases that come from outside the Dockerfiles: those given, and those that their stages start from."""
    found: dict[str, Supply] = {}
    for name, supply in bases.items():
        found |= {name: supply} if supply.on is None else _flat(dict([supply.on]))
    return found


def _base(name: str, folder: str | None) -> dict[str, Any]:
    # Bake exports what a linked target built, whatever output it names: with a tag it is at least no nameless image.
    return {"context": folder, "dockerfile-inline": BASE_DOCKERFILE, "tags": [f"bakehouse/base:{name}"]}


def _bases(cell: Cell, supplies: Supplies) -> dict[str, str]:
    """Contexts of its bases. A cross-compiled cell's bases have a second one, of the cell's platform. Without it, a
    stage of that name makes the base, since what was made here is for this machine's platform.
    """
    contexts = {name: supply.context for name, supply in _flat({b: supplies.bases[b] for b in cell.bases}).items()}
    for name in (cell.build_base, cell.runtime_base) if cell.cross else ():
        supply = supplies.bases[name]
        if supply.rootfs is None and supply.on is None:
            contexts[cell.of_its_platform(name)] = supply.context
    return contexts


def _secrets(supplies: Supplies) -> dict[str, Any]:
    return {"secret": [f"id={secret.id},src={secret.path}" for secret in supplies.secrets]} if supplies.secrets else {}


def _cell(cell: Cell, world: World, supplies: Supplies) -> dict[str, Any]:
    build = cell.recipe.build
    contexts = _bases(cell, supplies)
    if isinstance(build, CMakeBuild):
        contexts[build.source] = supplies.sources[build.source].context
    if isinstance(build, WheelsBuild):
        contexts |= {shared_context(name): _recipe_folder(name, world, supplies) for name in build.shares}
    contexts["recipe"] = _recipe_folder(cell.at.recipe, world, supplies)
    return {
        "context": supplies.bake_root,
        "dockerfile": dockerfile_name(cell),
        "target": "image",
        "platforms": [cell.at.platform],
        "tags": [cell.image],
        "contexts": contexts,
        "args": {"SOURCE_DATE_EPOCH": str(installed(cell, world).epoch)},
        # Provenance holds the time of the build: with it, the same input never gives the same digest twice.
        "attest": ["type=provenance,disabled=true"],
        **_secrets(supplies),
    }


def _cache(cell: Cell, cells: tuple[Cell, ...], supplies: Supplies) -> dict[str, list[str]]:
    """Where the results of its stages are looked for and kept between machines.

    The first cell of a recipe keeps them under a second name, where a cell finds what it shares that is built for the
    first time. That a cache cannot be written is no reason not to build. It is written as an image's manifest: what
    BuildKit writes by default, an index of layers, is refused by registries that look for an index's manifests.
    """
    if not supplies.cache:
        return {}
    shared = f"{cell.at.recipe}-{cell.at.platform.replace('/', '-')}"
    is_first = cell == next(
        one for one in cells if (one.at.recipe, one.at.platform) == (cell.at.recipe, cell.at.platform)
    )
    place = f"type=registry,ref={supplies.cache}"
    return {
        "cache-from": [f"{place}:{cell.target}", f"{place}:{shared}"],
        "cache-to": [
            f"{place}:{tag},mode=max,image-manifest=true,oci-mediatypes=true,ignore-error=true"
            for tag in (cell.target, *([shared] if is_first else []))
        ],
    }


def _recipe_folder(name: str, world: World, supplies: Supplies) -> str:
    return world.shipped_folders.get(name) or f"{supplies.recipe_root}/{name}"


def shared_context(folder: str) -> str:
    """Name of the build context with a folder that recipes share: `_service` is `shared-service`."""
    return f"shared-{folder.removeprefix('_')}"


def dockerfile_name(cell: Cell) -> str:
    return f"{cell.name}.Dockerfile"
