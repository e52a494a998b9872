"""JSON Schemas of the files: for editors, and for programs that read run.json. Generated, committed, never edited."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from pydantic import BaseModel

from bakehouse.model.history import Row
from bakehouse.model.image_catalogue import ImageCatalogue
from bakehouse.model.lock import Lock
from bakehouse.model.matrix import ROWS, Catalogue, Matrix
from bakehouse.model.publish_report import PublishReport
from bakehouse.model.recipe import Recipe
from bakehouse.model.report import RunReport
from bakehouse.model.stack import Stack
from bakehouse.model.stack_host import HostFile

FOLDER = "schemas"

SCHEMAS: dict[str, type[BaseModel]] = {
    "matrix.schema.json": Matrix,
    "catalogue.schema.json": Catalogue,
    "recipe.schema.json": Recipe,
    "stack.schema.json": Stack,
    "host.schema.json": HostFile,
    "lock.schema.json": Lock,
    "run.schema.json": RunReport,
    "publish.schema.json": PublishReport,
    "images.schema.json": ImageCatalogue,
    "history.schema.json": Row,
}


def schemas() -> dict[str, str]:
    """File name to text."""
    return {name: json.dumps(_schema(name, model), indent=2) + "\n" for name, model in SCHEMAS.items()}


def _schema(name: str, model: type[BaseModel]) -> dict[str, object]:
    schema = model.model_json_schema()
    if model is Matrix:
        _allow_overrides(schema)
    return {"$schema": "https://json-schema.org/draft/2020-12/schema", "$id": name, **schema}


def _allow_overrides(schema: dict[str, Any]) -> None:
    """A row of the matrix may override single keys of the catalogue's, or be null to remove it."""
    for section, row in ROWS.items():
        rows = schema["properties"][section]
        schema["$defs"][row.__name__].pop("required", None)
        by_name = rows["patternProperties"]
        rows["patternProperties"] = {name: {"anyOf": [of, {"type": "null"}]} for name, of in by_name.items()}
        rows.pop("minProperties", None)
    schema["required"] = [key for key in schema["required"] if key not in ROWS]


def stale(root: Path) -> list[str]:
    """Names of the committed schemas that differ from what the classes say."""
    return [name for name, text in schemas().items() if _read(root / FOLDER / name) != text]


def _read(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8")
    except FileNotFoundError:
        return ""
