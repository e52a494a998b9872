"""A plan: which cells will be built, from which files, with which context for each name. Pure values."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from bakehouse.model.cell import Cell, Excluded


@dataclass(frozen=True, kw_only=True, slots=True)
class Supply:
    """Where a base or a source comes from in this plan, in the words of a bake file."""

    context: str
    """`docker-image://...`, `target:...`, a git address with a commit, or a folder."""
    rootfs: str | None = None
    """For a bootstrapped base: the folder that holds `rootfs.tar`; it becomes a bake target of its own."""
    on: tuple[str, Supply] | None = None
    """For a base that a stage of the cell's own Dockerfile makes (`context` is empty then): the name of the base that
    this stage starts from, and where that one comes from."""
    identity: str = ""
    """Digest, sha256 or commit, where it is known: `target:...` and a folder don't say what is in them."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Secret:
    """A file that RUN steps may see and no layer keeps."""

    id: str
    path: str


@dataclass(frozen=True, kw_only=True, slots=True)
class Supplies:
    """Inputs of a plan that depend on the machine. `planner.published_supplies` gives those that do not."""

    bases: dict[str, Supply]
    sources: dict[str, Supply]
    secrets: tuple[Secret, ...] = ()
    recipe_root: str = "recipes"
    """Folder of the recipes, as the bake file should name it."""
    cache: str = ""
    """Repository of a registry that keeps the build cache; empty: none."""
    bake_root: str = "."
    """Folder the rendered files will be written to, as the bake file should name it."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Plan:
    """What a run will do. The same matrix, recipes, selection and supplies give the same bytes."""

    cells: tuple[Cell, ...]
    excluded: tuple[Excluded, ...]
    dockerfiles: dict[str, str]
    """File name to text: `embedder-cpu-amd64.Dockerfile`."""
    bake: dict[str, Any]
    """The content of `docker-bake.json`."""
    fingerprint: str
    """sha256 over the rendered files and the probes' settings: a run resumes only a run with the same one."""
    selected_by: tuple[str, ...] = field(default=())
    """The options that chose these cells, for the report."""
