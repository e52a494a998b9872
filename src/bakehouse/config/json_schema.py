"""JSON Schemas of the files: for editors, and for programs that read run.json. Generated, committed, never edited."""

from __future__ import annotations

import json
from pathlib import Path

from pydantic import BaseModel

from bakehouse.model.history import Row
from bakehouse.model.lock import Lock
from bakehouse.model.matrix import Matrix
from bakehouse.model.recipe import Recipe
from bakehouse.model.report import RunReport

FOLDER = "schemas"

SCHEMAS: dict[str, type[BaseModel]] = {
    "matrix.schema.json": Matrix,
    "recipe.schema.json": Recipe,
    "lock.schema.json": Lock,
    "run.schema.json": RunReport,
    "history.schema.json": Row,
}


def schemas() -> dict[str, str]:
    """File name to text."""
    return {name: json.dumps(_schema(name, model), indent=2) + "\n" for name, model in SCHEMAS.items()}


def _schema(name: str, model: type[BaseModel]) -> dict[str, object]:
    return {"$schema": "https://json-schema.org/draft/2020-12/schema", "$id": name, **model.model_json_schema()}


def stale(root: Path) -> list[str]:
    """Names of the committed schemas that differ from what the classes say."""
    return [name for name, text in schemas().items() if _read(root / FOLDER / name) != text]


def _read(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8")
    except FileNotFoundError:
        return ""
