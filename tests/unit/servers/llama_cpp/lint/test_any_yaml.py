"""Whatever stands where, a file of YAML is linted or refused in words."""

from __future__ import annotations

import copy
import random
from collections.abc import Iterator
from typing import Any

import pytest
import yaml

from bakehouse.errors import InputError, InputErrors
from bakehouse.servers.llama_cpp.lint.inputs import check_input
from tests.unit.projects import ROOT
from tests.unit.servers.llama_cpp.lint.test_words import basis

FILES = sorted((ROOT / "tests/golden/lint/words").glob("*.yaml"))
ODD = [None, 3, -1, 2.5, True, "", [], {}, "a b", "$(X)", "${X}", "-", [1, None], {"a": 1}, ["x", {"y": [2]}], "#x"]
EACH = 8


def places(value: Any, path: tuple[str | int, ...] = ()) -> Iterator[tuple[str | int, ...]]:
    if path:
        yield path
    for key, one in value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ():
        yield from places(one, (*path, key))


def changed(documents: list[Any], chance: random.Random) -> str:
    """One to three values replaced by something of another kind."""
    documents = copy.deepcopy(documents)
    for _ in range(chance.randint(1, 3)):
        *above, last = chance.choice([*places(documents)])
        inside: Any = documents
        for key in above:
            inside = inside[key]
        inside[last] = copy.deepcopy(chance.choice(ODD))
    return yaml.safe_dump_all(documents, sort_keys=False)


def outcome(text: str, file: str) -> str:
    """What kind of file it is taken for, or why it is refused. Anything else than InputError is a bug."""
    try:
        return check_input(text, file=file, basis=basis(), read=lambda _: None).kind
    except (InputError, InputErrors) as error:
        return str(error)


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.name)
def test_no_value_is_too_odd(path: Any) -> None:
    documents = [*yaml.safe_load_all(path.read_text(encoding="utf-8"))]
    chance = random.Random(path.name)
    for _ in range(EACH):
        text = changed(documents, chance)
        assert outcome(text, path.name)
