from __future__ import annotations

import json

import jsonschema
import pytest

from bakehouse.config.json_schema import SCHEMAS, schemas, stale
from bakehouse.config.yaml_document import parse
from tests.unit.projects import ROOT


def test_committed_schemas_are_up_to_date() -> None:
    assert stale(ROOT) == [], "run `bakehouse schema` and commit what it writes"


@pytest.mark.parametrize("name", SCHEMAS)
def test_schemas_are_valid(name: str) -> None:
    jsonschema.Draft202012Validator.check_schema(json.loads(schemas()[name]))


@pytest.mark.parametrize(
    ("schema", "file"), [("matrix", "matrix.yaml"), ("recipe", "recipes/llama-server/recipe.yaml")]
)
def test_editors_agree_with_us_about_our_own_files(schema: str, file: str) -> None:
    """Read as editors do, by YAML 1.2: `on` is a word."""
    document = parse((ROOT / file).read_text(), file=file)
    content = json.loads(json.dumps(document.value, default=lambda value: value.isoformat()))
    jsonschema.validate(content, json.loads(schemas()[f"{schema}.schema.json"]))
    assert f"{schema}.schema.json" in (ROOT / file).read_text().splitlines()[0]
