"""YAML files to models. Every error says file, line and key path, and what to write instead."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, TypeVar

from pydantic import BaseModel, ValidationError

from bakehouse.config.catalogue import complete, shipped
from bakehouse.config.layout import MATRIX_FILE, RECIPE_FILE, RECIPES, ProjectLayout
from bakehouse.config.requirements import read_locks
from bakehouse.config.shipped_recipes import unknown, used, with_their_rows
from bakehouse.config.validation_errors import explain
from bakehouse.config.yaml_document import Document, parse
from bakehouse.errors import InputError, InputErrors, Where
from bakehouse.model.build import WheelsBuild
from bakehouse.model.cell import World
from bakehouse.model.matrix import Matrix
from bakehouse.model.recipe import Recipe
from bakehouse.servers import SERVERS

M = TypeVar("M", bound=BaseModel)

MOST_BYTES = 1 << 20
"""Of a file that people write. Ours has 30 KiB."""
RECIPE_NAME = r"[a-z0-9]+(?:-[a-z0-9]+)*"


@dataclass(frozen=True, kw_only=True, slots=True)
class Project:
    """What people wrote below one folder, and where in which file each of it stands."""

    root: Path
    world: World
    documents: dict[str, Document]
    """By file; a shipped recipe's by the file that would override it. The matrix's has the rows of the catalogue as
    well, with the places where they stand."""

    def pinpoint(self, error: InputError) -> InputError:
        """The same error with the line that its key path stands on."""
        if isinstance(error, InputErrors):
            return InputErrors([self.pinpoint(one) for one in error.errors])
        if error.where is None or error.where.line is not None or error.where.file not in self.documents:
            return error
        where = self.documents[error.where.file].where(error.where.path)
        return InputError(error.message, hint=error.hint, where=where)


def load_project(root: Path, *, catalogue: Sequence[Document] | None = None, locks: bool = True) -> Project:
    """Read `matrix.yaml`, every `recipes/NAME/recipe.yaml` below `root`, the shipped recipes that the matrix names and,
    unless told not to, the locks of wheels.

    `catalogue` completes the matrix; without one, that of the installed package does.
    Raises InputErrors with all errors of all files, so that they can be corrected at once.
    """
    known = shipped() if catalogue is None else catalogue
    layout = ProjectLayout(root=root)
    errors: list[InputError] = []
    documents: dict[str, Document] = {}

    def read(path: Path, model: type[M], file: str) -> M | None:
        try:
            document = load_document(path, root=root)
            if file == MATRIX_FILE:
                document = with_their_rows(complete(document, known), layout)
            documents[file] = document
            return validate(document, model)
        except InputErrors as several:
            errors.extend(several.errors)
        except InputError as error:
            errors.append(error)
        return None

    matrix = read(root / MATRIX_FILE, Matrix, MATRIX_FILE)
    from_elsewhere = used(documents[MATRIX_FILE], layout) if matrix else {}
    folders = {**layout.own_recipes(), **from_elsewhere}
    recipes = {
        name: read(folder / RECIPE_FILE, Recipe, f"{RECIPES}/{name}/{RECIPE_FILE}")
        for name, folder in sorted(folders.items())
    }
    errors += unknown(documents[MATRIX_FILE], layout) if matrix else ()
    errors += [_bad_recipe_name(name) for name in recipes if not re.fullmatch(RECIPE_NAME, name)]
    if matrix is None or errors:
        raise errors[0] if len(errors) == 1 else InputErrors(errors)
    found = {name: _with_familys_health(recipe) for name, recipe in recipes.items() if recipe}
    world = World(matrix=matrix, recipes=found, shipped_folders=_shipped_folders(found, layout))
    project = Project(root=root, world=world, documents=documents)
    if not locks:
        return project
    world, errors = read_locks(root, world)
    if errors:
        raise project.pinpoint(errors[0] if len(errors) == 1 else InputErrors(errors))
    return replace(project, world=world)


def load_model(path: Path, model: type[M], *, root: Path) -> M:
    """Read one file as `model`. Raises InputError or InputErrors."""
    return validate(load_document(path, root=root), model)


def load_document(path: Path, *, root: Path) -> Document:
    """Parse one file; names in errors are relative to `root`."""
    file = ProjectLayout(root=root).label(path)
    try:
        if path.exists() and not path.is_file():
            raise InputError("is no regular file", where=Where(file=file))
        with path.open("rb") as stream:
            content = stream.read(MOST_BYTES + 1)
        text = content.decode("utf-8")
    except FileNotFoundError:
        hint = "Run this in the project's folder, or name it with --root. `bakehouse init` makes a new project."
        raise InputError("the file does not exist", hint=hint, where=Where(file=file)) from None
    except UnicodeDecodeError as error:
        line = error.object.count(b"\n", 0, error.start) + 1
        hint = "Save it as UTF-8."
        raise InputError("the file is not text in UTF-8", hint=hint, where=Where(file=file, line=line)) from None
    except OSError as error:
        raise InputError(f"cannot read the file: {error.strerror}", where=Where(file=file)) from None
    if len(content) > MOST_BYTES:
        raise InputError(f"the file holds more than {MOST_BYTES >> 20} MiB", where=Where(file=file))
    return parse(text, file=file)


def validate(document: Document, model: type[M]) -> M:
    """Check a parsed document against `model`."""
    try:
        return model.model_validate(_tuples(document.value))
    except ValidationError as error:
        errors = explain(error, document, model)
        raise (errors[0] if len(errors) == 1 else InputErrors(errors)) from None


def _with_familys_health(recipe: Recipe) -> Recipe:
    """The recipe with the path and the statuses of its family of servers, where it names none."""
    probes, server = recipe.probes, SERVERS[recipe.server]
    known = {"path": server.health_path, "loading": server.loading_status, "stopped": server.stop_statuses}
    health = probes.health.model_copy(
        update={name: value for name, value in known.items() if name not in probes.health.model_fields_set}
    )
    return recipe.model_copy(update={"probes": probes.model_copy(update={"health": health})})


def _shipped_folders(recipes: Mapping[str, Recipe], layout: ProjectLayout) -> dict[str, str]:
    """The recipes, and the folders that they share, that the project does not have itself."""
    shared = {
        name for recipe in recipes.values() if isinstance(recipe.build, WheelsBuild) for name in recipe.build.shares
    }
    folders = {name: layout.recipe(name) for name in sorted({*recipes, *shared})}
    return {name: str(path) for name, path in folders.items() if path and not path.is_relative_to(layout.root)}


def _bad_recipe_name(name: str) -> InputError:
    hint = "Lower-case letters, digits and '-': it becomes part of image names and bake targets."
    return InputError(f"{name!r} is no name for a recipe", hint=hint, where=Where(file=f"recipes/{name}/"))


def _tuples(value: Any) -> Any:
    """Lists become tuples, which is what strict models of immutable values take."""
    if isinstance(value, dict):
        return {key: _tuples(item) for key, item in value.items()}
    return tuple(map(_tuples, value)) if isinstance(value, list) else value
