"""No value of any YAML file changes the structure of what is rendered, or it is refused with file, line and key.

The fields are found by reflection: one that is new is tried at once, in the example project where that has it.
"""

from __future__ import annotations

import copy
import json
import re
import shlex
from collections.abc import Iterator, Sequence
from functools import cache
from pathlib import Path
from typing import Annotated, Any

import pytest
import yaml
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import BaseModel, TypeAdapter, ValidationError

from bakehouse.config.load import validate
from bakehouse.config.references import check_references
from bakehouse.config.yaml_document import Document, parse
from bakehouse.errors import InputError, InputErrors
from bakehouse.lint.dockerfile import read_dockerfile
from bakehouse.model.cell import World
from bakehouse.model.lock import Lock
from bakehouse.model.matrix import Matrix
from bakehouse.model.recipe import Recipe
from bakehouse.model.text_format import Format, unprintable
from bakehouse.planning.planner import published_supplies
from bakehouse.planning.render.bake_file import bake_file
from bakehouse.planning.render.dockerfile import Renderer
from bakehouse.planning.resolve import resolve
from tests.unit.model.fields import Leaf, leaves
from tests.unit.planning.render import full_project
from tests.unit.planning.render.full_project import HARMLESS

ROOT = Path(__file__).parents[4]
MODELS: dict[str, type[BaseModel]] = {
    "matrix.yaml": Matrix,
    "recipes/server/recipe.yaml": Recipe,
    "bakehouse.lock": Lock,
}
CONTENT = dict(zip(MODELS, (full_project.MATRIX, full_project.RECIPE, full_project.LOCK), strict=True))
OTHERS = {f"other-{number}": content for number, content in enumerate(full_project.OTHER_KINDS)}
"""Recipes whose templates need more than a plan: their values are read."""
CONTENT |= OTHERS

FRAGMENTS = [
    "a", " ", "\n", "\r", "\r\n", "\u2028", "\u2029", "\x85", "\v", "\0", "\t", "\x1b", "\ud800", "\u202e",
    "'", '"', "\\", "`", "$(id)", "${HOME}", "$HOME", "%{if true}", "${target}", "#", "--", "-", "&&", ";", "|",
    "<<EOF", "RUN id", "syntax=evil/image",
    "escape=`", "{{ 7 * 7 }}", "{% raw %}", "]", "[", ",", ":", "/", "..", "../..", "=",
    "*", "~", "docker-image://evil", "target:evil", "<script>", "é", "日本",
]  # fmt: skip
HOSTILE = [
    "a\nRUN id", "a\r\nRUN id", "a\u2028RUN id", "a\x85b", "a\0b", "\ud800", "a\u202eb", "syntax=evil/image",
    "escape=`", "check=skip=all", "' && id '", '" && id "', "$(id)", "${HOME}", "`id`", "a\\", "\\", "a \\ ", "-rf",
    "--flag", "#",
    "# syntax=x", "<<EOF", "a <<EOF", "${target}", "%{if true}", "$${x}", "{{ 7 * 7 }}", "a b", "a;id", "'", '"', "*",
    "../..", "/etc/passwd", "]", '"]', "a,b", "EOF",
]  # fmt: skip


@cache
def document(file: str) -> Document:
    text = yaml.safe_dump(CONTENT[file], sort_keys=False).replace("'2026-10-01T00:00:00Z'", "2026-10-01T00:00:00Z")
    return parse(text, file=file)


def places(value: Any, path: Sequence[str], at: tuple[Any, ...] = ()) -> Iterator[tuple[Any, ...]]:
    """Where a leaf stands in the example; where its mapping stands, if it does not."""
    if not path:
        yield at
        return
    head, rest = path[0], path[1:]
    if head == "[]" and isinstance(value, list):
        for index, item in enumerate(value):
            yield from places(item, rest, (*at, index))
    elif head in ("{}", "{:}") and isinstance(value, dict):
        for key, item in value.items():
            yield from [(*at, key, "{}")] if head == "{}" else places(item, rest, (*at, key))
    elif isinstance(value, dict) and head in value:
        yield from places(value[head], rest, (*at, head))
    elif isinstance(value, dict) and not rest and "[]" not in (at[-1:] or ()):
        yield (*at, head)


def found(file: str, leaf: Leaf) -> list[tuple[Any, ...]]:
    """A place of a union's other member comes only where no better one is."""
    whole = list(places(CONTENT[file], leaf.path))
    return [place for place in whole if exists(CONTENT[file], place)] or whole


def exists(value: Any, place: tuple[Any, ...]) -> bool:
    for part in place:
        if part == "{}":
            return True
        if isinstance(value, dict) and part not in value:
            return False
        value = value[part]
    return True


def changed(file: str, place: tuple[Any, ...], text: str) -> Document:
    """The example with another text at one place; lines stay."""
    original = document(file)
    value = copy.deepcopy(original.value)
    parent = value
    is_key = place[-1] == "{}"
    *way, last = place[:-1] if is_key else place
    for part in way:
        parent = parent[part]
    if is_key:
        items = [(text if key == last else key, item) for key, item in parent.items()]
        parent.clear()
        parent.update(items)
    else:
        parent[last] = text
    return Document(file=file, value=value, marks=original.marks)


def rendered(documents: dict[str, Document]) -> tuple[dict[str, str], dict[str, Any]]:
    """Raises InputError."""
    matrix, recipe, lock = (validate(documents[file], model) for file, model in MODELS.items())
    assert isinstance(matrix, Matrix)
    assert isinstance(recipe, Recipe)
    assert isinstance(lock, Lock)
    world = World(matrix=matrix, recipes={"server": recipe})
    check_references(world)
    cells = resolve(world).cells
    dockerfiles = {cell.name: renderer().render(cell, world) for cell in cells}
    return dockerfiles, json.loads(json.dumps(bake_file(cells, world, published_supplies(world, lock))))


@cache
def renderer() -> Renderer:
    return Renderer(ROOT)


def structure(text: str) -> list[Any]:
    """Directives, stages, instructions, and how many words each of them has."""
    directives = [line for line in text.split("\n")[:5] if re.match(r"#\s*[a-z]+\s*=", line, re.IGNORECASE)]
    stages = [
        (stage.image, stage.name, [(one.name, words_in(one.body.text)) for one in stage.instructions])
        for stage in read_dockerfile(text, file="Dockerfile").stages
    ]
    return [directives, stages, len(text.splitlines())]


def words_in(body: str) -> int:
    if body.lstrip().startswith("["):
        return len(json.loads(body))
    lexer = shlex.shlex(body, posix=True, punctuation_chars=True)
    lexer.whitespace_split = True
    lexer.commenters = ""
    return len(list(lexer))


def shape(value: Any) -> Any:
    """Of a bake file: keys, lengths, and what kind of context a text names."""
    if isinstance(value, dict):
        return {key: shape(item) for key, item in value.items()}
    if isinstance(value, list):
        return [shape(item) for item in value]
    if isinstance(value, str):
        without = value.replace("$${", "").replace("%%{", "")
        kind = re.match(r"[a-z-]+:(?://)?", value)
        return kind[0] if kind else "", "${" in without or "%{" in without
    return value


@cache
def harmless() -> tuple[dict[str, str], dict[str, Any]]:
    return rendered({file: document(file) for file in MODELS})


@cache
def harmless_structure(name: str) -> list[Any]:
    return structure(harmless()[0][name])


def require_place(error: InputError, documents: dict[str, Document]) -> None:
    """File, line and key are known."""
    for one in error.errors if isinstance(error, InputErrors) else [error]:
        assert one.where is not None
        assert one.where.path
        assert documents[one.where.file].where(one.where.path).line is not None


def try_one(file: str, place: tuple[Any, ...], text: str) -> str:
    """`refused` or `rendered`; fails where neither holds."""
    documents = {name: document(name) for name in MODELS} | {file: changed(file, place, text)}
    try:
        dockerfiles, bake = rendered(documents)
    except InputError as error:
        require_place(error, documents)
        return "refused"
    before, bake_before = harmless()
    assert list(before) == list(dockerfiles)
    for name, dockerfile in dockerfiles.items():
        if dockerfile != before[name]:
            assert structure(dockerfile) == harmless_structure(name), (name, text)
    assert shape(bake) == shape(bake_before)
    return "rendered"


TEXTS = [(file, leaf) for file, model in MODELS.items() for leaf in leaves(model) if leaf.kind is str]


def found_anywhere(file: str, leaf: Leaf) -> list[tuple[str, tuple[Any, ...]]]:
    """Where a leaf stands in this file, else in a recipe of another kind."""
    files = [file, *OTHERS] if file == "recipes/server/recipe.yaml" else [file]
    everywhere = [(name, place) for name in files for place in found(name, leaf)]
    whole = [(name, place) for name, place in everywhere if exists(CONTENT[name], place)]
    return whole or everywhere


def take_one(leaf: Leaf, text: str) -> None:
    """The same of a format alone, for keys that the example does not have."""
    adapter = TypeAdapter[Any](Annotated.__class_getitem__((leaf.kind, *leaf.notes)))  # type: ignore[attr-defined]
    try:
        adapter.validate_python(text, strict=True)
    except ValidationError:
        return
    many_lines = any(isinstance(note, Format) and note.many_lines for note in leaf.notes)
    assert not unprintable(text, many_lines=many_lines)


def read_one(name: str, place: tuple[Any, ...], text: str) -> None:
    """A value that is refused, or one that the rules of escape.py can write down."""
    try:
        validate(changed(name, place, text), Recipe)
    except InputError as error:
        require_place(error, {name: document(name)})
    else:
        assert not unprintable(text)


@pytest.mark.parametrize(("file", "leaf"), TEXTS, ids=lambda one: one if isinstance(one, str) else ".".join(one.path))
def test_no_text_changes_the_structure(file: str, leaf: Leaf) -> None:
    there = found_anywhere(file, leaf)
    for text in HOSTILE:
        if not there:
            take_one(leaf, text)
        elif there[0][0] in OTHERS:
            read_one(*there[0], text)
        else:
            try_one(*there[0], text)


@settings(max_examples=150, deadline=None)
@given(which=st.sampled_from(TEXTS), fragments=st.lists(st.sampled_from(FRAGMENTS), min_size=1, max_size=5))
def test_no_mixture_changes_it_either(which: tuple[str, Leaf], fragments: list[str]) -> None:
    file, leaf = which
    text = "".join(fragments)
    take_one(leaf, text)
    for name, place in found_anywhere(file, leaf):
        (read_one if name in OTHERS else try_one)(name, place, text)


def test_the_comparison_sees_a_change() -> None:
    name, text = next(iter(harmless()[0].items()))
    good = harmless_structure(name)
    assert structure(text) == good
    for worse in (
        f"{text}\nRUN id\n",
        text.replace(f": {HARMLESS}\n", ": x\nRUN id\n", 1),
        text.replace(HARMLESS, "a b"),
        text.replace(HARMLESS, "a;id"),
        f"# syntax=evil/image\n{text}",
    ):
        assert structure(worse) != good
    assert try_one("recipes/server/recipe.yaml", ("summary",), "one line, ${HOME} and 'quotes'") == "rendered"
    assert try_one("recipes/server/recipe.yaml", ("summary",), "two\nlines") == "refused"


def test_every_stage_and_every_escape_is_in_the_example() -> None:
    whole = "".join(harmless()[0].values())
    for text in ("AS flag-set-plugins", "AS backend-target", "mmdebstrap", "pip download", "AS web-page", "CMD ["):
        assert text in whole
