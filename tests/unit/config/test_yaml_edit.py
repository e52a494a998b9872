from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bakehouse.config.yaml_document import KeyPath, parse
from bakehouse.config.yaml_edit import replace_values
from bakehouse.errors import InputError

TEXT = """\
# what is built
sources:
  tree:   # ours
    revision: 0123   # pinned by hand
    number: 7
    "committed": 2026-10-01T00:00:00Z
    places: [{git: 'https://example.org/a.git'}, {pypi: {requirement: "a==1.0"}}]

# the end
"""
REVISION: KeyPath = ("sources", "tree", "revision")


def test_values_change_and_nothing_else() -> None:
    found = replace_values(
        TEXT,
        {
            REVISION: "fedc",
            ("sources", "tree", "number"): "12345",
            ("sources", "tree", "committed"): "2026-11-27T01:02:03Z",
            ("sources", "tree", "places", 1, "pypi", "requirement"): "a==1.10",
        },
        file="matrix.yaml",
    )
    expected = TEXT.replace("0123 ", "fedc ").replace(": 7", ": 12345").replace('"a==1.0"', '"a==1.10"')
    assert found == expected.replace("2026-10-01T00:00:00Z", "2026-11-27T01:02:03Z")


@pytest.mark.parametrize("path", [("sources",), ("sources", "tree", "nothing"), ("sources", "tree", "places", 4)])
def test_only_plain_values_are_changed(path: KeyPath) -> None:
    with pytest.raises(InputError, match="no plain value to change"):
        replace_values(TEXT, {path: "x"}, file="matrix.yaml")


def test_a_value_that_others_repeat_is_not_changed() -> None:
    text = "a: &shared 1\nb: *shared\n"
    with pytest.raises(InputError, match="would change this as well") as caught:
        replace_values(text, {("a",): "2"}, file="matrix.yaml")
    assert caught.value.where is not None
    assert caught.value.where.path == ("b",)
    assert "write the value out" in str(caught.value)


@given(st.lists(st.integers(0, 99), min_size=1, max_size=8), st.data())
def test_any_of_several_values(values: list[int], data: st.DataObject) -> None:
    text = "".join(f"key{number}: '{value}'  # {value}\n" for number, value in enumerate(values))
    chosen = data.draw(st.sets(st.integers(0, len(values) - 1)))
    changes: dict[KeyPath, str] = {(f"key{number}",): f"new{number}" for number in chosen}
    found = replace_values(text, changes, file="x")
    assert parse(found, file="x").value == parse(text, file="x").value | {
        f"key{number}": f"new{number}" for number in chosen
    }
    assert found.count("#") == len(values)
