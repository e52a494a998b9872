"""A model that somebody names on the command line takes the place of the recipes' own."""

from __future__ import annotations

import re
import stat
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

from bakehouse.config.load import Project
from bakehouse.errors import InputError
from bakehouse.formatting import size, size_in_bytes
from bakehouse.model.cell import Cell, Resolution, World
from bakehouse.model.matrix import ModelFile
from bakehouse.model.places import PathPlace
from bakehouse.model.recipe import Recipe
from bakehouse.model_files.gguf.header import MERGE, Header, read_header
from bakehouse.supply.checksum import remembered_sha256_of

_LONGEST_NAME = 55
_SLOW_TO_HASH = 2**30
"""Bytes. From here on reading it takes seconds, and is announced."""
_KINDS = {"adapter": "an adapter (LoRA)", "mmproj": "a projector for pictures", "imatrix": "an importance matrix"}
"""Values of `general.type` that no server can serve alone."""


def put_in(
    project: Project, resolution: Resolution, given: Path, *, cache: Path, say: Callable[[str], None]
) -> tuple[Project, Resolution]:
    """The same with this file, or the matrix's row of this name, as the model of every recipe that measures something.

    Raises InputError when it is no model that a server could serve.
    """
    rows = project.world.matrix.models
    if str(given) in rows and not given.exists():
        name, row, what = str(given), rows[str(given)], "of the matrix"
    else:
        path = given.expanduser().absolute()
        what = require_model(path).architecture
        name, row = _row(project.world, path, cache=cache, say=say)
    recipes = {one: _with_model(recipe, name, row) for one, recipe in project.world.recipes.items()}
    if not any(recipe.probes.throughput for recipe in recipes.values()):
        raise InputError("--model: no recipe measures anything (probes.throughput), so no model is used")
    matrix = project.world.matrix
    world = World(matrix=matrix.model_copy(update={"models": {**matrix.models, name: row}}), recipes=recipes)
    asked = "" if row.question else "; nothing is known that it must answer, so it is asked nothing"
    say(f"the model is {name} ({what}, {size(row.size)}, sha256 {row.sha256[:12]}...){asked}")
    cells = tuple(_of(cell, recipes) for cell in resolution.cells)
    return replace(project, world=world), replace(resolution, cells=cells)


def require_model(path: Path) -> Header:
    """Raise InputError when a server could not serve this file alone. Returns its header."""
    if not path.is_file():
        what = "is a folder: name the .gguf file in it" if path.is_dir() else "does not exist"
        raise InputError(f"--model {path} {what}")
    try:
        header = read_header(path)
    except OSError as error:
        raise InputError(f"--model {path} cannot be read: {error.strerror}") from None
    except InputError as error:
        raise InputError(f"--model: {error.message}", hint=error.hint) from None
    kind = str(header.metadata.get("general.type") or "model")
    if kind != "model" or header.architecture == "clip":
        raise InputError(f"--model {path} holds {_KINDS.get(kind, _KINDS['mmproj'])}, which is no model by itself")
    if not header.tensors:
        raise InputError(f"--model {path} holds a vocabulary and no weights")
    pieces = header.metadata.get("split.count")
    if isinstance(pieces, int) and pieces > 1:
        raise InputError(
            f"--model {path} is one of {pieces} pieces of a model",
            hint=f"Put them together: {MERGE}",
        )
    if not path.stat().st_mode & stat.S_IROTH:
        raise InputError(f"--model: the user of a container cannot read {path}", hint=f"chmod o+r '{path}'")
    return header


def _row(world: World, path: Path, *, cache: Path, say: Callable[[str], None]) -> tuple[str, ModelFile]:
    """Its row. A file that the matrix has already, under whatever name, keeps its name and question."""
    bytes_there = path.stat().st_size
    if bytes_there >= _SLOW_TO_HASH:
        say(f"Reading {path.name} ({size(bytes_there)}) to tell it from other models; once, as long as it stays")
    sha256 = remembered_sha256_of(path, cache=cache)
    place = (PathPlace.model_construct(path=str(path)),)
    for name, row in world.matrix.models.items():
        if row.sha256 == sha256:
            return name, row.model_copy(update={"places": place})
    name = re.sub(r"[^a-z0-9]+", "-", path.stem.lower()).strip("-")[:_LONGEST_NAME].rstrip("-") or "model"
    if name in world.matrix.models:
        name = f"{name}-{sha256[:8]}"
    file = re.sub(r"[^A-Za-z0-9._-]+", "-", path.name).lstrip("._-") or "model.gguf"
    return name, ModelFile(file=file, sha256=sha256, size=bytes_there, places=place)


def _with_model(recipe: Recipe, name: str, row: ModelFile) -> Recipe:
    """With room for the model: a recipe's limit is for its own model."""
    throughput = recipe.probes.throughput
    if throughput is None or throughput.model == name:
        return recipe
    room = f"{size_in_bytes(recipe.probes.memory_limit) + row.size} B"
    changes = {"throughput": throughput.model_copy(update={"model": name}), "memory_limit": room}
    return recipe.model_copy(update={"probes": recipe.probes.model_copy(update=changes)})


def _of(cell: Cell, recipes: dict[str, Recipe]) -> Cell:
    return replace(cell, recipe=recipes[cell.at.recipe])
