"""JSON Schemas of the files: for editors, and for programs that read run.json. Generated, committed, never edited."""

from __future__ import annotations

import ast
import inspect
import json
import sys
from functools import cache
from itertools import pairwise
from pathlib import Path
from typing import Any

from pydantic import BaseModel
from pydantic.json_schema import GenerateJsonSchema, JsonSchemaValue
from pydantic_core.core_schema import ModelSchema

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


class _WithDocstrings(GenerateJsonSchema):
    """Describes each key by the string below it in its class.

    pydantic can do that itself (`use_attribute_docstrings`), but then reads the source of every class at each start.
    """

    def model_schema(self, schema: ModelSchema) -> JsonSchemaValue:
        found = super().model_schema(schema)
        for key, words in _docstrings(schema["cls"]).items():
            if key in found.get("properties", {}):
                found["properties"][key].setdefault("description", words)
        return found


def _docstrings(model: type) -> dict[str, str]:
    """The strings below the attributes of a class, those of its bases included."""
    found = {}
    for base in reversed(model.__mro__):
        body = _classes(base.__module__).get(base.__qualname__, []) if issubclass(base, BaseModel) else []
        for statement, below in pairwise(body):
            match statement, below:
                case ast.AnnAssign(target=ast.Name(id=name)), ast.Expr(value=ast.Constant(value=str(words))):
                    found[name] = inspect.cleandoc(words)
    return found


@cache
def _classes(module: str) -> dict[str, list[ast.stmt]]:
    """The statements of each class of a module, by its qualified name."""
    found: dict[str, list[ast.stmt]] = {}
    rest: list[tuple[str, ast.Module | ast.ClassDef]] = [("", ast.parse(inspect.getsource(sys.modules[module])))]
    for prefix, tree in rest:
        for node in tree.body:
            if isinstance(node, ast.ClassDef):
                found[prefix + node.name] = node.body
                rest.append((f"{prefix}{node.name}.", node))
    return found


def schemas() -> dict[str, str]:
    """File name to text."""
    return {name: json.dumps(_schema(name, model), indent=2) + "\n" for name, model in SCHEMAS.items()}


def _schema(name: str, model: type[BaseModel]) -> dict[str, object]:
    schema = model.model_json_schema(schema_generator=_WithDocstrings)
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
