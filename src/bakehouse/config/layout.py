"""Where the files of a project stand: its own, and those that ship with bakehouse.

The project's own file comes first: one of the same name takes the place of a shipped one. A recipe is a folder and is
taken as a whole; templates, tests of the image suite and the options of sources are taken file by file.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path

import bakehouse

MATRIX_FILE = "matrix.yaml"
RECIPES = "recipes"
RECIPE_FILE = "recipe.yaml"
TEMPLATES = "dockerfiles"
TEMPLATE_SUFFIX = ".Dockerfile.j2"
IMAGE_TESTS = "tests/images"
OPTIONS = "options"
STACKS = "stacks"
HOSTS = "stacks/hosts"
ENGINE_SETTINGS = "buildkit/daemon.json"
REPORTS = "reports"
SHIPPED = "bakehouse/shipped"
"""What messages call the folder of the shipped files, wherever the package is installed."""


@cache
def shipped_folder() -> Path:
    """The files that ship: a folder of an installed wheel; of an editable installation, the repository around it."""
    package = Path(bakehouse.__file__).resolve().parent
    folder = package / "shipped"
    return folder if folder.is_dir() else package.parents[1]


@dataclass(frozen=True, kw_only=True, slots=True)
class ProjectLayout:
    """The one place that knows where a file of a project is looked for."""

    root: Path
    shipped: Path = field(default_factory=shipped_folder)

    def find(self, name: str) -> Path | None:
        """The project's file or folder of this name (`recipes/NAME`), else the shipped one."""
        return next((path for path in self.places(name) if path.exists()), None)

    def places(self, name: str) -> tuple[Path, ...]:
        """Where it is looked for, in order. In bakehouse's own repository both are the same."""
        return tuple(dict.fromkeys((self.root / name, self.shipped / name)))

    def recipe(self, name: str) -> Path | None:
        """The folder of a recipe, or of files that recipes share (`_service`, which has no recipe.yaml)."""
        needed = "" if name.startswith("_") else RECIPE_FILE
        return next((path for path in self.places(f"{RECIPES}/{name}") if (path / needed).exists()), None)

    def own_recipes(self) -> Mapping[str, Path]:
        """Folder by name."""
        return _recipes(self.root)

    def shipped_recipes(self) -> Mapping[str, Path]:
        """Folder by name, those too that the project overrides."""
        return _recipes(self.shipped)

    def image_tests(self) -> tuple[Path, ...]:
        """The files of the image suite: the project's, then those that ship and are not overridden."""
        found: dict[str, Path] = {}
        for folder in self.places(IMAGE_TESTS):
            for path in sorted(folder.glob("test_*.py")):
                found.setdefault(path.name, path)
        return tuple(found.values())

    def label(self, path: Path) -> str:
        """What messages call a file: by its name in the project, or as one that ships."""
        if path.is_relative_to(self.root):
            return path.relative_to(self.root).as_posix()
        if path.is_relative_to(self.shipped):
            return f"{SHIPPED}/{path.relative_to(self.shipped).as_posix()}"
        return str(path)

    def looked(self, name: str) -> str:
        """A sentence with both places, for the message that neither has it."""
        return f"Looked for {name} in the project's folder, then among what ships with bakehouse ({SHIPPED}/{name})."


def _recipes(root: Path) -> dict[str, Path]:
    return {path.parent.name: path.parent for path in sorted((root / RECIPES).glob(f"*/{RECIPE_FILE}"))}
