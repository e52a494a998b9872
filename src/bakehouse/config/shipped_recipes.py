"""Recipes that ship with bakehouse and that a matrix uses by name, and the rows that they need.

Their sources and models are rows of the matrix that ships beside them. A project that uses such a recipe by name needs
no rows for it, and may override them key by key.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from bakehouse.config.catalogue import with_rows
from bakehouse.config.layout import MATRIX_FILE, RECIPE_FILE, RECIPES, ProjectLayout
from bakehouse.config.suggest import suggest
from bakehouse.config.yaml_document import Document, parse
from bakehouse.errors import InputError

KEY = "recipes"
"""Of matrix.yaml."""


def used(matrix: Document, layout: ProjectLayout) -> dict[str, Path]:
    """Folders of the recipes that the matrix names and the project does not have; without unknown names."""
    own, shipped = layout.own_recipes(), layout.shipped_recipes()
    return {name: shipped[name] for name in _named(matrix) if name in shipped and name not in own}


def unknown(matrix: Document, layout: ProjectLayout) -> Iterator[InputError]:
    """An error for each name that is neither a recipe of the project nor one that ships."""
    known = {**layout.own_recipes(), **layout.shipped_recipes()}
    for index, name in enumerate(_named(matrix)):
        if name not in known:
            hint = f"{suggest(name, sorted(known))} {layout.looked(f'{RECIPES}/{name}/{RECIPE_FILE}')}"
            yield InputError(f"there is no recipe {name!r}", hint=hint, where=matrix.where((KEY, index)))


def with_their_rows(matrix: Document, layout: ProjectLayout) -> Document:
    """The matrix with the rows that the recipes it names need."""
    folders = used(matrix, layout)
    return with_rows(matrix, (rows_for(folders, layout),)) if folders else matrix


def rows_for(folders: Mapping[str, Path], layout: ProjectLayout) -> Document:
    """What the shipped matrix says of these recipes' sources and models."""
    matrix = _read(layout.shipped / MATRIX_FILE, layout)
    recipes = [_read(folder / RECIPE_FILE, layout).value for folder in folders.values()]
    wanted = {row for recipe in recipes for row in _needs(recipe, matrix.value)}
    value = {
        section: {name: row for name, row in matrix.value.get(section, {}).items() if (section, name) in wanted}
        for section in ("sources", "models")
    }
    marks = {path: matrix.marks[path] for path in matrix.marks if path[:2] in wanted}
    return Document(file=matrix.file, value={section: rows for section, rows in value.items() if rows}, marks=marks)


def _needs(recipe: Any, matrix: Any) -> Iterator[tuple[str, str]]:
    """Section and name of each row that a shipped recipe speaks of, and of models that lie beside those."""
    if source := recipe["build"].get("source"):
        yield "sources", source
    probes = recipe.get("probes", {})
    waiting = [name for name in (probes.get("model"), probes.get("throughput", {}).get("model")) if name]
    while waiting:
        name = waiting.pop()
        yield "models", name
        row = matrix["models"][name]
        waiting += row.get("beside", ())
        waiting += [place["converted"]["model"] for place in row["places"] if "converted" in place]


def _named(matrix: Document) -> tuple[str, ...]:
    """Nothing, where the list is wrong: the model says how."""
    names = matrix.value.get(KEY) if isinstance(matrix.value, dict) else None
    return tuple(name for name in names if isinstance(name, str)) if isinstance(names, list) else ()


def _read(path: Path, layout: ProjectLayout) -> Document:
    return parse(path.read_text(encoding="utf-8"), file=layout.label(path))
