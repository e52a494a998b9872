from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from bakehouse.config.validation_errors import FORMS
from bakehouse.model.lock import Lock
from bakehouse.model.matrix import Matrix
from bakehouse.model.recipe import Recipe


def patterns(schema: Any) -> Iterator[str]:
    match schema:
        case dict():
            if isinstance(schema.get("pattern"), str):
                yield schema["pattern"]
            yield from schema.get("patternProperties", {})
            for value in schema.values():
                yield from patterns(value)
        case list():
            for item in schema:
                yield from patterns(item)


def test_every_pattern_of_the_files_has_words() -> None:
    used = {found for model in (Matrix, Recipe, Lock) for found in patterns(model.model_json_schema())}
    assert used == set(FORMS)
