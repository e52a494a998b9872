"""Compose files: merging, extending, interpolation, both forms of everything."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bakehouse.errors import InputError
from bakehouse.lint.compose_file import ComposeFile, Node, read_compose, read_env_file


def read(text: str, **environ: str) -> ComposeFile:
    return read_compose(text, file="compose.yaml", environ=environ)


def service(text: str, **environ: str) -> Node:
    return read(f"services:\n  a:\n{text}", **environ).services["a"]


@pytest.mark.parametrize(
    ("text", "filled", "complete"),
    [
        ("$A", "1", True),
        ("${A}x", "1x", True),
        ("${B:-2}", "2", True),
        ("${EMPTY-2}", "", True),
        ("${EMPTY:-2}", "2", True),
        ("${A:+yes}${B:+no}", "yes", True),
        ("${B:-${A}}", "1", True),
        ("${B}", "${B}", False),
        ("${B:?needed}", "${B:?needed}", False),
        ("$$A", "$A", True),
    ],
)
def test_interpolation(text: str, filled: str, complete: bool) -> None:
    file = read("services: {}", A="1", EMPTY="")
    assert file.fill(text, file.where(())) == (filled, complete)
    assert ("B" in file.unknown) is not complete


def test_both_forms_of_an_environment() -> None:
    wanted = [("A", "1", True), ("B", "", False)]
    for text in ("    environment: [A=1, B]\n", "    environment: {A: 1, B: }\n"):
        assert [(one.name, one.value, one.complete) for one in service(text).settings("environment")] == wanted


def test_numbers_keep_their_spelling() -> None:
    (one,) = service("    environment: {V: 12.10}\n").settings("environment")
    assert one.value == "12.10"


def test_a_command_in_a_block_knows_its_lines() -> None:
    words = service("    command: >\n      -m x\n      --flag 'a b'\n").command_line("command")
    assert [(word.text, word.where.line) for word in words] == [("-m", 4), ("x", 4), ("--flag", 5), ("a b", 5)]


def test_merged_and_extended_keys() -> None:
    text = """\
x-card: &card {gpus: all, environment: {A: 1}}
services:
  base: {image: one, environment: {A: 0, B: 2}}
  a:
    <<: *card
    extends: base
    environment: {C: 3}
"""
    node = read(text).services["a"]
    assert {"image", "gpus", "environment"} <= set(node.keys())
    assert {one.name: one.value for one in node.settings("environment")} == {"A": "1", "B": "2", "C": "3"}


def test_services_that_extend_each_other_end() -> None:
    text = "services: {a: {extends: b}, b: {extends: a, image: x}}"
    found = read(text).services["a"].word("image")
    assert found is not None
    assert found.text == "x"


def test_tags_of_compose_are_passed_over() -> None:
    assert service("    ports: !override [1:2]\n    image: !reset null\n").items("ports")[0].text == "1:2"


def test_what_is_no_yaml_is_refused() -> None:
    with pytest.raises(InputError, match="not YAML"):
        read("services: [")


def test_an_env_file() -> None:
    found = read_env_file("# note\nA=1\nexport B='x y'\n\nnothing\n", file=".env")
    assert [(one.name, one.value, one.where.line) for one in found] == [("A", "1", 2), ("B", "x y", 3)]


@given(st.text(alphabet="$ {}:-+?AB", max_size=40))
def test_any_text_can_be_filled(text: str) -> None:
    file = read("services: {}", A="1")
    filled, complete = file.fill(text, file.where(()))
    assert complete or "$" in filled
