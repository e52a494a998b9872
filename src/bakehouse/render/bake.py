"""The `docker-bake.json` that builds the cells, with bakehouse or with plain `docker buildx bake`."""

from __future__ import annotations

from typing import Any

from bakehouse.model.cell import Cell, World
from bakehouse.model.names import base_target
from bakehouse.model.plan import Supplies

BASE_DOCKERFILE = "FROM scratch\nADD rootfs.tar /\n"


def bake_file(cells: tuple[Cell, ...], world: World, supplies: Supplies) -> dict[str, Any]:
    """Every cell as a target, every bootstrapped base as a target that cells stand on, nothing computed in HCL."""
    bases = sorted({base for cell in cells for base in (cell.build_base, cell.runtime_base)})
    targets = {base_target(name): _base(name, folder) for name in bases if (folder := supplies.bases[name].rootfs)}
    targets |= {cell.target: _cell(cell, world, supplies) for cell in cells}
    groups = {"default": {"targets": [cell.target for cell in cells]}}
    return {"group": groups, "target": {name: _literal(target) for name, target in targets.items()}}


def _literal(value: Any) -> Any:
    """What buildx would take for a template, also in JSON, is text: `${x}` is written `$${x}`."""
    match value:
        case dict():
            return {key: _literal(item) for key, item in value.items()}
        case list():
            return [_literal(item) for item in value]
        case str():
            return value.replace("${", "$${").replace("%{", "%%{")
        case _:
            return value


def _base(name: str, folder: str) -> dict[str, Any]:
    # Bake exports what a linked target built, whatever output it names: with a tag it is at least no nameless image.
    return {"context": folder, "dockerfile-inline": BASE_DOCKERFILE, "tags": [f"bakehouse/base:{name}"]}


def _cell(cell: Cell, world: World, supplies: Supplies) -> dict[str, Any]:
    source = cell.recipe.build.source
    target: dict[str, Any] = {
        "context": supplies.bake_root,
        "dockerfile": dockerfile_name(cell),
        "target": "image",
        "platforms": [cell.at.platform],
        "tags": [cell.image],
        "contexts": {
            cell.build_base: supplies.bases[cell.build_base].context,
            cell.runtime_base: supplies.bases[cell.runtime_base].context,
            source: supplies.sources[source].context,
            "recipe": f"{supplies.recipe_root}/{cell.at.recipe}",
        },
        "args": {"SOURCE_DATE_EPOCH": str(int(world.matrix.sources[source].committed.timestamp()))},
        # Provenance holds the time of the build: with it, the same input never gives the same digest twice.
        "attest": ["type=provenance,disabled=true"],
    }
    if supplies.secrets:
        target["secret"] = [f"id={secret.id},src={secret.path}" for secret in supplies.secrets]
    return target


def dockerfile_name(cell: Cell) -> str:
    return f"{cell.name}.Dockerfile"
