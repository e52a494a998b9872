"""Editors agree with the loader about the files that people write."""

from __future__ import annotations

import json

import jsonschema
import pytest

from bakehouse.config.json_schema import schemas
from bakehouse.config.yaml_document import parse
from bakehouse.model.matrix import ROWS
from tests.unit.projects import ROOT

FILES = [("matrix.yaml", "matrix"), *((f"src/bakehouse/catalogue/{section}.yaml", "catalogue") for section in ROWS)]
FILES += [(path.relative_to(ROOT).as_posix(), "recipe") for path in sorted(ROOT.glob("recipes/*/recipe.yaml"))]


@pytest.mark.parametrize(("file", "schema"), FILES)
def test_the_file_fits_the_schema_that_its_first_line_names(file: str, schema: str) -> None:
    """Read as editors do, by YAML 1.2: `on` is a word."""
    text = (ROOT / file).read_text()
    content = json.loads(json.dumps(parse(text, file=file).value, default=lambda value: value.isoformat()))
    jsonschema.validate(content, json.loads(schemas()[f"{schema}.schema.json"]))
    assert text.splitlines()[0].endswith(f"/{schema}.schema.json"), f"begin {file} with the line of its neighbours"
