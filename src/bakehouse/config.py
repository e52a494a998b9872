"""YAML files to models. Every error says file, line and key path, and what to write instead."""

from __future__ import annotations

import difflib
import re
import types
import typing
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar

from pydantic import BaseModel, ValidationError
from pydantic_core import ErrorDetails

from bakehouse.errors import InputError, InputErrors, Where
from bakehouse.model.cell import World
from bakehouse.model.files import Matrix, Recipe
from bakehouse.yamlfile import Document, KeyPath, parse

M = TypeVar("M", bound=BaseModel)

MATRIX_FILE = "matrix.yaml"
RECIPE_FILE = "recipe.yaml"
RECIPE_NAME = r"[a-z0-9]+(?:-[a-z0-9]+)*"


@dataclass(frozen=True, kw_only=True, slots=True)
class Project:
    """What people wrote below one folder, and where in which file each of it stands."""

    root: Path
    world: World
    documents: dict[str, Document]

    def pinpoint(self, error: InputError) -> InputError:
        """The same error with the line that its key path stands on."""
        if isinstance(error, InputErrors):
            return InputErrors([self.pinpoint(one) for one in error.errors])
        if error.where is None or error.where.line is not None or error.where.file not in self.documents:
            return error
        where = self.documents[error.where.file].where(error.where.path)
        return InputError(error.message, hint=error.hint, where=where)


def load_project(root: Path) -> Project:
    """Read `matrix.yaml` and every `recipes/NAME/recipe.yaml` below `root`.

    Raises InputErrors with all errors of all files, so that they can be mended in one go.
    """
    errors: list[InputError] = []
    documents: dict[str, Document] = {}

    def read(path: Path, model: type[M]) -> M | None:
        try:
            document = load_document(path, root=root)
            documents[document.file] = document
            return validate(document, model)
        except InputErrors as several:
            errors.extend(several.errors)
        except InputError as error:
            errors.append(error)
        return None

    matrix = read(root / MATRIX_FILE, Matrix)
    recipes = {folder.name: read(folder / RECIPE_FILE, Recipe) for folder in _recipe_folders(root)}
    errors += [_bad_recipe_name(name) for name in recipes if not re.fullmatch(RECIPE_NAME, name)]
    if matrix is None or errors:
        raise errors[0] if len(errors) == 1 else InputErrors(errors)
    world = World(matrix=matrix, recipes={name: recipe for name, recipe in recipes.items() if recipe})
    return Project(root=root, world=world, documents=documents)


def load_model(path: Path, model: type[M], *, root: Path) -> M:
    """Read one file as `model`. Raises InputError or InputErrors."""
    return validate(load_document(path, root=root), model)


def load_document(path: Path, *, root: Path) -> Document:
    """Parse one file; names in errors are relative to `root`."""
    file = str(path.relative_to(root)) if path.is_relative_to(root) else str(path)
    try:
        text = path.read_text(encoding="utf-8")
    except FileNotFoundError:
        hint = "Run this in the project's folder, or name it with --root."
        raise InputError("the file does not exist", hint=hint, where=Where(file=file)) from None
    except (OSError, UnicodeDecodeError) as error:
        raise InputError(f"cannot read the file: {error}", where=Where(file=file)) from None
    return parse(text, file=file)


def validate(document: Document, model: type[M]) -> M:
    """Check a parsed document against `model`."""
    try:
        return model.model_validate(_tuples(document.value))
    except ValidationError as error:
        problems = [_explain(details, document, model) for details in error.errors()]
        unique = list({str(problem): problem for problem in problems}.values())
        raise (unique[0] if len(unique) == 1 else InputErrors(unique)) from None


def _recipe_folders(root: Path) -> list[Path]:
    folder = root / "recipes"
    return sorted(path.parent for path in folder.glob(f"*/{RECIPE_FILE}")) if folder.is_dir() else []


def _bad_recipe_name(name: str) -> InputError:
    hint = "Lower-case letters, digits and '-': it becomes part of image names and bake targets."
    return InputError(f"{name!r} is no name for a recipe", hint=hint, where=Where(file=f"recipes/{name}/"))


def _tuples(value: Any) -> Any:
    """Lists become tuples, which is what strict models of immutable values take."""
    match value:
        case dict():
            return {key: _tuples(item) for key, item in value.items()}
        case list():
            return tuple(_tuples(item) for item in value)
        case _:
            return value


# ---------------------------------------------------------------------------------------------- words for errors


def _explain(details: ErrorDetails, document: Document, model: type[BaseModel]) -> InputError:
    path = _path_in_file(details["loc"], document)
    where = document.where(path)
    kind = details["type"]
    if kind == "extra_forbidden":
        known = _known_keys(model, path[:-1])
        return InputError(f"unknown key {path[-1]!r}", hint=suggest(str(path[-1]), known), where=where)
    if kind == "missing":
        return InputError(f"the key {path[-1]!r} is missing", where=document.where(path[:-1]))
    if kind == "string_type" and (spelling := document.spelling(path)) is not None:
        found = {bool: "yes/no", int: "a number", float: "a number", type(None): "nothing"}
        what = found.get(type(details["input"]), "a date or another kind of value")
        return InputError(
            f"must be text, but YAML reads {spelling or 'this'} as {what}",
            hint=f'Write "{spelling}" in quotes.',
            where=where,
        )
    if kind == "string_pattern_mismatch":
        pattern = details.get("ctx", {}).get("pattern", "")
        return InputError(f"{details['input']!r} is not allowed here", hint=f"It must match {pattern}", where=where)
    message = details["msg"].removeprefix("Value error, ").removeprefix("Input should be ")
    return InputError(f"must be {message}" if details["msg"].startswith("Input should be") else message, where=where)


def _path_in_file(location: Sequence[str | int], document: Document) -> KeyPath:
    """Pydantic's location without the names of union members and `[key]` that it puts in between."""
    path: KeyPath = ()
    for position, part in enumerate(location):
        last = position == len(location) - 1
        if (*path, part) in document.marks or (last and part != "[key]" and not str(part)[:1].isupper()):
            path = (*path, part)
    return path


def suggest(word: str, known: Sequence[str]) -> str:
    """`Perhaps you meant 'packages'.`, or the list of what there is."""
    close = difflib.get_close_matches(word, known, n=1, cutoff=0.6)
    if close:
        return f"Perhaps you meant {close[0]!r}."
    return f"There is: {', '.join(sorted(known))}." if known else "Nothing is allowed here."


def _known_keys(model: type[BaseModel], path: KeyPath) -> list[str]:
    """The keys a mapping at `path` may have, of all union members together."""
    annotations: list[Any] = [model]
    for part in path:
        annotations = [inner for annotation in annotations for inner in _inside(annotation, part)]
    models = [found for annotation in annotations for found in _models(annotation)]
    return sorted({name for found in models for name in found.model_fields})


def _inside(annotation: Any, part: str | int) -> list[Any]:
    found = []
    for option in _options(annotation):
        origin, arguments = typing.get_origin(option), typing.get_args(option)
        if isinstance(option, type) and issubclass(option, BaseModel):
            if part in option.model_fields:
                found.append(option.model_fields[str(part)].annotation)
        elif origin is dict:
            found.append(arguments[1])
        elif origin in (tuple, list):
            found.append(arguments[0])
    return found


def _models(annotation: Any) -> list[type[BaseModel]]:
    return [option for option in _options(annotation) if isinstance(option, type) and issubclass(option, BaseModel)]


def _options(annotation: Any) -> list[Any]:
    """The members of a union (through Annotated), or the annotation itself."""
    if typing.get_origin(annotation) is typing.Annotated:
        return _options(typing.get_args(annotation)[0])
    if typing.get_origin(annotation) in (typing.Union, types.UnionType):
        return [option for member in typing.get_args(annotation) for option in _options(member)]
    return [annotation]
