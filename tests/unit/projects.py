"""Small projects to test with: a valid one, and ways to change it."""

from __future__ import annotations

import copy
import shutil
from pathlib import Path
from typing import Any

import yaml

from bakehouse.config.load import load_project
from bakehouse.config.requirements import MADE_FROM, made_from
from bakehouse.model.cell import World
from bakehouse.model.requirements import REQUIREMENTS

ROOT = Path(__file__).parents[2]

MATRIX: dict[str, Any] = {
    "version": 1,
    "catalogue": False,
    "bases": {
        "debian": {
            "os": "debian13",
            "platforms": ["linux/amd64"],
            "places": [{"registry": "docker.io/library/debian:trixie-slim"}],
        }
    },
    "sources": {
        "tree": {
            "revision": "0123456789" * 4,
            "committed": "2026-10-01T00:00:00Z",
            "places": [{"git": "https://example.org/tree.git"}],
        }
    },
    "flag_sets": {"default": {"summary": "plain", "accelerators": ["cpu"]}},
    "axes": {"accelerator": ["cpu"], "flag_set": ["default"], "platform": ["linux/amd64"]},
}

RECIPE: dict[str, Any] = {
    "summary": "a server",
    "template": "server.Dockerfile.j2",
    "accelerators": ["cpu"],
    "build": {"kind": "cmake", "source": "tree", "base": "debian", "packages": ["gcc"], "host_targets": ["server"]},
    "runtime": {"port": 8080, "entrypoint": ["/app/server"], "size_budget": "100 MiB"},
}


def matrix(**changes: Any) -> dict[str, Any]:
    return copy.deepcopy(MATRIX) | changes


def recipe(**changes: Any) -> dict[str, Any]:
    return copy.deepcopy(RECIPE) | changes


def wheels(**changes: Any) -> dict[str, Any]:
    """A recipe of wheels."""
    build = {"kind": "wheels", "base": "debian", "version": "1.2.0"}
    return recipe(template="python-server.Dockerfile.j2", build=build) | changes


def write_lock(root: Path, name: str, *pins: str, lock: str = "cpu-amd64") -> Path:
    """Write a recipe's lock, as if it had been made from its requirements. Returns the root."""
    folder = root / "recipes" / name
    (folder / REQUIREMENTS).write_text("fastapi\n")
    origin = made_from(folder, lock.partition("-")[0])
    (folder / f"requirements.{lock}.txt").write_text("\n".join([MADE_FROM + origin, *pins, ""]))
    return root


def write_project(
    root: Path, *, matrix: Any = MATRIX, recipes: dict[str, Any] | None = None, templates: dict[str, str] | None = None
) -> Path:
    """Write the files of a project. Templates: the repository's own unless given."""
    (root / "matrix.yaml").write_text(_dump(matrix))
    for name, content in (recipes if recipes is not None else {"server": RECIPE}).items():
        (root / "recipes" / name).mkdir(parents=True)
        (root / "recipes" / name / "recipe.yaml").write_text(_dump(content))
    if templates is None:
        shutil.copytree(ROOT / "dockerfiles", root / "dockerfiles")
    else:
        (root / "dockerfiles").mkdir()
        for name, text in templates.items():
            (root / "dockerfiles" / name).write_text(text)
    return root


def _dump(content: Any) -> str:
    """YAML, with the one date unquoted as a person writes it."""
    return yaml.safe_dump(content, sort_keys=False).replace("'2026-10-01T00:00:00Z'", "2026-10-01T00:00:00Z")


def world(root: Path, **files: Any) -> World:
    return load_project(write_project(root, **files)).world
