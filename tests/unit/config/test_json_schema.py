from __future__ import annotations

import json

import jsonschema
import pytest

from bakehouse.config.json_schema import SCHEMAS, schemas, stale
from tests.unit.projects import ROOT


def test_committed_schemas_are_up_to_date() -> None:
    assert stale(ROOT) == [], "run `bakehouse schema` and commit what it writes"


@pytest.mark.parametrize("name", SCHEMAS)
def test_schemas_are_valid(name: str) -> None:
    jsonschema.Draft202012Validator.check_schema(json.loads(schemas()[name]))


def test_a_matrix_may_override_a_key_and_remove_a_row_but_a_catalogue_may_not() -> None:
    validators = {name: jsonschema.Draft202012Validator(json.loads(schemas()[name])) for name in SCHEMAS}
    rows = {"gpus": {"rtx3090": {"memory": "48 GiB"}, "rtx5090": None}}
    world = {
        "version": 1,
        "flag_sets": {"default": {"summary": "plain", "accelerators": ["cpu"]}},
        "axes": {"accelerator": ["cpu"], "flag_set": ["default"], "platform": ["linux/amd64"]},
    }
    assert validators["matrix.schema.json"].is_valid(world | rows)
    assert not validators["matrix.schema.json"].is_valid(world | {"gpus": {"rtx3090": {"memry": "48 GiB"}}})
    assert not validators["catalogue.schema.json"].is_valid(rows)
