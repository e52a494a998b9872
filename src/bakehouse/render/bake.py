"""The `docker-bake.json` that builds the cells, with bakehouse or with plain `docker buildx bake`."""

from __future__ import annotations

from typing import Any

from bakehouse.model.cell import Cell, World
from bakehouse.model.names import base_target
from bakehouse.model.plan import Supplies, Supply

BASE_DOCKERFILE = "FROM scratch\nADD rootfs.tar /\n"


def bake_file(cells: tuple[Cell, ...], world: World, supplies: Supplies) -> dict[str, Any]:
    """Every cell as a target, every bootstrapped base as a target that cells stand on, nothing computed in HCL."""
    targets: dict[str, Any] = {}
    for name in sorted({base for cell in cells for base in cell.bases}):
        targets |= _base(name, supplies.bases[name], supplies)
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


def _base(name: str, supply: Supply, supplies: Supplies) -> dict[str, dict[str, Any]]:
    """The target of a base that is made here, and of those that it stands on."""
    # Bake exports what a linked target built, whatever output it names: with a tag it is at least no nameless image.
    target: dict[str, Any] = {"tags": [f"bakehouse/base:{name}"]}
    if supply.rootfs:
        return {base_target(name): {"context": supply.rootfs, "dockerfile-inline": BASE_DOCKERFILE} | target}
    if supply.dockerfile is None or supply.on is None:
        return {}
    below, its_supply = supply.on
    target |= {
        "context": supplies.bake_root,
        "dockerfile": base_dockerfile_name(name),
        "contexts": {"base": its_supply.context},
        **_secrets(supplies),
    }
    return _base(below, its_supply, supplies) | {base_target(name): target}


def _secrets(supplies: Supplies) -> dict[str, Any]:
    return {"secret": [f"id={secret.id},src={secret.path}" for secret in supplies.secrets]} if supplies.secrets else {}


def _cell(cell: Cell, world: World, supplies: Supplies) -> dict[str, Any]:
    source = cell.recipe.build.source
    return {
        "context": supplies.bake_root,
        "dockerfile": dockerfile_name(cell),
        "target": "image",
        "platforms": [cell.at.platform],
        "tags": [cell.image],
        "contexts": {
            **{base: supplies.bases[base].context for base in cell.bases},
            source: supplies.sources[source].context,
            "recipe": f"{supplies.recipe_root}/{cell.at.recipe}",
        },
        "args": {"SOURCE_DATE_EPOCH": str(int(world.matrix.sources[source].committed.timestamp()))},
        # Provenance holds the time of the build: with it, the same input never gives the same digest twice.
        "attest": ["type=provenance,disabled=true"],
        **_secrets(supplies),
    }


def dockerfile_name(cell: Cell) -> str:
    return f"{cell.name}.Dockerfile"


def base_dockerfile_name(base: str) -> str:
    return f"base-{base}.Dockerfile"
