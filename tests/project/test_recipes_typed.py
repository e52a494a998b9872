"""The Python services of recipes are read by mypy like our own code: pyproject.toml names each folder by hand."""

from __future__ import annotations

import tomllib
from pathlib import Path
from typing import Any

from tests.unit.projects import ROOT


def tools() -> dict[str, Any]:
    with (ROOT / "pyproject.toml").open("rb") as stream:
        return dict(tomllib.load(stream)["tool"])


def applications() -> set[str]:
    """Folders with packages of recipes, and with what these share: `recipes/embedder/app`, `recipes/_service`."""
    folders = [*(ROOT / "recipes").glob("*/app"), *(ROOT / "recipes").glob("_*")]
    return {path.relative_to(ROOT).as_posix() for path in folders if any(path.rglob("*.py"))}


def test_mypy_finds_every_application() -> None:
    named = {path for path in tools()["mypy"]["mypy_path"].split(":") if path.startswith("recipes/")}
    missing, gone = applications() - named, named - applications()
    assert not missing, f"add to mypy_path of [tool.mypy] in pyproject.toml: {':'.join(sorted(missing))}"
    assert not gone, f"take out of mypy_path: {':'.join(sorted(gone))}"


def test_applications_with_tests_are_found_by_them() -> None:
    named = set(tools()["pytest"]["ini_options"]["pythonpath"])
    tested = {f"recipes/{path.name}/app" for path in (ROOT / "tests/unit/recipes").iterdir() if path.is_dir()}
    missing = (tested & applications()) - named
    assert not missing, (
        f"add to pythonpath of [tool.pytest.ini_options] in pyproject.toml: {', '.join(sorted(missing))}"
    )
    assert all(Path(ROOT / path).is_dir() for path in named)


def test_packages_of_applications_have_names_of_their_own() -> None:
    """They are all on one path."""
    packages = [path.name for folder in applications() for path in (ROOT / folder).iterdir() if path.is_dir()]
    packages = [name for name in packages if name != "__pycache__"]
    assert len(packages) == len(set(packages)), sorted(packages)
