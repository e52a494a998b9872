"""Recipes that ship, used by name or overridden, in small worlds."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

import bakehouse
from bakehouse.config.layout import shipped_folder
from bakehouse.config.load import load_project
from bakehouse.errors import InputError
from bakehouse.model.lock import Lock
from bakehouse.model.plan import Plan
from bakehouse.planning.planner import make_plan, published_supplies
from bakehouse.planning.resolve import resolve
from tests.unit.projects import RECIPE, matrix, recipe, write_project

TEMPLATE = {"server.Dockerfile.j2": "FROM {{ cell.runtime_base }}\nLABEL made=shipped\n"}


@pytest.fixture
def shipped(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """What an installed wheel holds: two recipes, their template, and the rows of their source."""
    package = tmp_path / "site-packages/bakehouse"
    folder = package / "shipped"
    folder.mkdir(parents=True)
    write_project(folder, recipes={"server": RECIPE, "other": RECIPE}, templates=TEMPLATE)
    monkeypatch.setattr(bakehouse, "__file__", str(package / "__init__.py"))
    shipped_folder.cache_clear()
    yield folder
    shipped_folder.cache_clear()


@pytest.fixture
def project(tmp_path: Path) -> Path:
    folder = tmp_path / "project"
    folder.mkdir()
    return folder


def project_of(folder: Path, *, own: dict[str, Any] | None = None, **keys: Any) -> Path:
    """A project with these keys in its matrix, and without templates."""
    content = {key: value for key, value in (matrix() | keys).items() if value is not None}
    return write_project(folder, matrix=content, recipes=own or {}, templates={})


def plan(root: Path) -> Plan:
    world = load_project(root).world
    supplies = published_supplies(world, Lock())
    return make_plan(root=root, world=world, cells=resolve(world).cells, excluded=(), supplies=supplies)


def test_a_recipe_is_used_by_its_name(shipped: Path, project: Path) -> None:
    made = plan(project_of(project, recipes=["server"], sources=None))
    assert [cell.at.recipe for cell in made.cells] == ["server"], "what is not named is not built"
    assert "LABEL made=shipped" in made.dockerfiles["server-cpu-amd64.Dockerfile"]
    contexts = made.bake["target"]["server-cpu-amd64"]["contexts"]
    assert contexts["recipe"] == str(shipped / "recipes/server")
    assert contexts["tree"] == f"https://example.org/tree.git#{'0123456789' * 4}", "its source needs no row"


def test_a_row_of_its_source_is_overridden_key_by_key(shipped: Path, project: Path) -> None:
    made = plan(project_of(project, recipes=["server"], sources={"tree": {"revision": "f" * 40}}))
    assert made.bake["target"]["server-cpu-amd64"]["contexts"]["tree"] == f"https://example.org/tree.git#{'f' * 40}"


def test_a_recipe_of_the_project_takes_its_place(shipped: Path, project: Path) -> None:
    root = project_of(project, own={"server": recipe(summary="mine")}, recipes=["server"])
    world = load_project(root).world
    assert world.recipes["server"].summary == "mine"
    assert world.shipped_folders == {}
    assert plan(root).bake["target"]["server-cpu-amd64"]["contexts"]["recipe"] == "recipes/server"


def test_a_template_of_the_project_takes_its_place(shipped: Path, project: Path) -> None:
    root = project_of(project, recipes=["server"])
    (root / "dockerfiles/server.Dockerfile.j2").write_text("FROM {{ cell.runtime_base }}\nLABEL made=here\n")
    assert "made=here" in plan(root).dockerfiles["server-cpu-amd64.Dockerfile"]


def test_values_of_a_shipped_recipe_come_from_the_file_that_ships(shipped: Path, project: Path) -> None:
    loaded = load_project(project_of(project, recipes=["server"]))
    error = InputError("wrong")
    assert loaded.pinpoint(error) is error
    where = loaded.documents["recipes/server/recipe.yaml"].where(("summary",))
    assert str(where) == "bakehouse/shipped/recipes/server/recipe.yaml:1: summary"


def test_a_name_that_is_nowhere(shipped: Path, project: Path) -> None:
    with pytest.raises(InputError) as found:
        load_project(project_of(project, recipes=["serve"]))
    message, hint = str(found.value).splitlines()
    assert message == "matrix.yaml:29: recipes[0]: there is no recipe 'serve'"
    assert "Perhaps you meant 'server'. Looked for recipes/serve/recipe.yaml in the project's folder, then" in hint
    assert "(bakehouse/shipped/recipes/serve/recipe.yaml)" in hint


@pytest.mark.parametrize("wrong", ["server", {"server": {}}, [1], [["server"]]])
def test_a_list_that_is_none_is_a_mistake_of_the_matrix(shipped: Path, project: Path, wrong: object) -> None:
    with pytest.raises(InputError, match=r"matrix.yaml:\d+: recipes"):
        load_project(project_of(project, recipes=wrong))


def test_a_template_that_is_nowhere(shipped: Path, project: Path) -> None:
    (shipped / "dockerfiles/server.Dockerfile.j2").unlink()
    with pytest.raises(InputError, match=r"Looked for dockerfiles/server\.Dockerfile\.j2 in the project's"):
        plan(project_of(project, recipes=["server"]))
