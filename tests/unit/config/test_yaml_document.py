from __future__ import annotations

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from bakehouse.config.yaml_document import parse
from bakehouse.errors import InputError


def test_every_value_has_its_line_and_spelling() -> None:
    document = parse("a:\n  - b: 12.10\n    c: yes\n", file="x.yaml")
    assert document.value == {"a": [{"b": 12.1, "c": True}]}
    assert document.spelling(("a", 0, "b")) == "12.10"
    assert str(document.where(("a", 0, "c"))) == "x.yaml:3: a[0].c"


def test_a_missing_path_is_placed_at_its_nearest_ancestor() -> None:
    document = parse("a: 1\nb:\n  c: 2\n", file="x.yaml")
    assert document.where(("b", "nothing", "here")).line == 3


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "x.yaml: the file is empty"),
        ("a: [1\n", "x.yaml:2: not YAML"),
        ("a: 1\n\tb: 2\n", "with spaces, not with tabs"),
        ("a: 1\na: 2\n", "x.yaml:2: a: the key 'a' is listed twice; it is first on line 1"),
        ("a: &x\n  b: *x\n", "x.yaml:1: a.b: an alias that contains itself"),
        ("? [1, 2]\n: 3\n", "a key must be plain text"),
        ("a: 2026-13-45\n", "x.yaml:1: a: cannot read this value"),
        (
            "a: !!python/object:os.system {}\n",
            "x.yaml:1: a: the tag 'tag:yaml.org,2002:python/object:os.system' is not allowed",
        ),
        ("[" * 60 + "]" * 60, "nested more than 50 levels deep"),
        ("[" * 5000, "x.yaml"),
    ],
)
def test_bad_text_is_explained(text: str, message: str) -> None:
    with pytest.raises(InputError) as caught:
        parse(text, file="x.yaml")
    assert message in str(caught.value)


def test_aliases_cannot_explode() -> None:
    levels = "\n".join(f"a{n}: &a{n} [{', '.join([f'*a{n - 1}'] * 9)}]" for n in range(1, 9))
    with pytest.raises(InputError, match="values \\(counting each use of an alias\\)"):
        parse(f"a0: &a0 [x, x]\n{levels}\n", file="x.yaml")


@given(st.text(max_size=200))
def test_any_text_parses_or_is_an_input_error(text: str) -> None:
    try:
        outcome = parse(text, file="x.yaml").file
    except InputError as error:
        outcome = str(error)
    assert outcome.startswith("x.yaml")


values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(min_size=1, max_size=5), inner, max_size=3),
    max_leaves=12,
)


@given(values)
def test_what_yaml_wrote_is_read_back(value: object) -> None:
    assert parse(yaml.safe_dump(value), file="x.yaml").value == value


@pytest.mark.parametrize(
    "text",
    [
        'a: !!int ""',
        "a: !!int x",
        "a: !!float ''",
        "a: !!bool x",
        "a: !!timestamp x",
        "a: !!timestamp 2026-13-99",
        "a: 2026-10-01T00:00:00+99:99",
        "a: !!binary x",
        "a: !!binary é",
        "a: !!map x",
        "a: !!set x",
        "a: =",
        "a: <<",
        "<<: [1, 2]",
        "a: !!python/object/apply:os.system [id]",
        "a: !<tag:\x1b> x",
        "a: !%1B[2J [x]",
        '"\\ud800": 1',
        '"a\\nb": 1',
        '"\\U00110000": 1',
        "a: " + "9" * 5000,
        "a: 0x" + "f" * 4000,
        "a: 0b" + "1" * 64,
        "a: " + "[" * 5000,
        "a: " + "{b: " * 5000,
        "- " * 2000,
        "? " * 2000,
        "a: &x [*x]",
        "a: &x {b: *x}",
        "a: *nothing",
        "a: \x01",
        "%YAML 9.9\n---\na: 1",
        "a: 1\n---\nb: 2",
        "&a a: 1\n&a a: 2",
        "a: &x !!bool y\nb: [" + "*x, " * 100_000 + "]",
    ],
    ids=lambda text: ascii(text[:24]),
)
def test_no_text_is_a_bug(text: str) -> None:
    """It is read, or refused in a few lines that a terminal can show."""
    said = ""
    try:
        parse(text, file="x.yaml")
    except InputError as error:
        said = str(error)
    assert len(said) < 10_000
    assert all(character.isprintable() or character == "\n" for character in said)


@pytest.mark.parametrize("text", ['a: "\\ud800"', '"\\udfff": 1', 'a: [1, "x\\uDC00y"]', 'a: "\\ud83d\\ude00"'])
def test_half_a_character_is_refused_where_it_stands(text: str) -> None:
    with pytest.raises(InputError, match=r"U\+D[0-9A-F]{3} is half of a character") as caught:
        parse(f"b: 2\n{text}\n", file="m.yaml")
    assert caught.value.where
    assert caught.value.where.line == 2
