from __future__ import annotations

from pathlib import Path

import pytest

from bakehouse.config.layout import ProjectLayout, shipped_folder

FILES = ("recipes/server/recipe.yaml", "recipes/_service/app.py", "dockerfiles/server.Dockerfile.j2")


@pytest.fixture
def layout(tmp_path: Path) -> ProjectLayout:
    (tmp_path / "project").mkdir()
    for name in FILES:
        _write(tmp_path / "shipped" / name)
    return ProjectLayout(root=tmp_path / "project", shipped=tmp_path / "shipped")


def _write(path: Path) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text("")
    return path


def test_what_ships_is_found(layout: ProjectLayout) -> None:
    assert layout.recipe("server") == layout.shipped / "recipes/server"
    assert layout.recipe("_service") == layout.shipped / "recipes/_service", "shared files have no recipe.yaml"
    assert layout.find("dockerfiles/server.Dockerfile.j2") == layout.shipped / "dockerfiles/server.Dockerfile.j2"
    assert layout.find("dockerfiles/other.Dockerfile.j2") is None
    assert layout.recipe("other") is None


@pytest.mark.parametrize("name", FILES)
def test_a_file_of_the_project_takes_the_place_of_a_shipped_one(layout: ProjectLayout, name: str) -> None:
    own = _write(layout.root / name)
    assert layout.find(name) == own


def test_a_folder_without_a_recipe_overrides_none(layout: ProjectLayout) -> None:
    _write(layout.root / "recipes/server/notes.txt")
    assert layout.recipe("server") == layout.shipped / "recipes/server"
    _write(layout.root / "recipes/server/recipe.yaml")
    assert layout.recipe("server") == layout.root / "recipes/server"


def test_the_image_suite_is_taken_file_by_file(layout: ProjectLayout) -> None:
    for name in ("test_health.py", "test_smoke.py", "conftest.py"):
        _write(layout.shipped / "tests/images" / name)
    own = [_write(layout.root / "tests/images" / name) for name in ("test_mine.py", "test_smoke.py")]
    assert layout.image_tests() == (*own, layout.shipped / "tests/images/test_health.py")


def test_messages_say_whose_a_file_is_and_where_was_looked(layout: ProjectLayout) -> None:
    assert layout.label(layout.root / "recipes/mine/recipe.yaml") == "recipes/mine/recipe.yaml"
    assert layout.label(layout.shipped / "recipes/server/recipe.yaml") == "bakehouse/shipped/recipes/server/recipe.yaml"
    assert layout.looked("recipes/x") == (
        "Looked for recipes/x in the project's folder, then among what ships with bakehouse "
        "(bakehouse/shipped/recipes/x)."
    )


def test_where_the_project_is_what_ships_it_is_looked_at_once(layout: ProjectLayout) -> None:
    one = ProjectLayout(root=layout.shipped, shipped=layout.shipped)
    assert one.places("recipes") == (layout.shipped / "recipes",)


def test_an_editable_installation_has_the_files_of_its_repository() -> None:
    assert (shipped_folder() / "matrix.yaml").is_file()
    assert ProjectLayout(root=Path("/nowhere")).shipped == shipped_folder()
