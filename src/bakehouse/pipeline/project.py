"""The project that a command works on: its files, resolved, and its git revision."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from bakehouse.config.load import Project, load_project
from bakehouse.errors import InfrastructureError, InputError
from bakehouse.model.cell import Resolution
from bakehouse.planning.resolve import resolve
from bakehouse.system import process


def open_project(root: Path) -> tuple[Project, Resolution]:
    """Read the files and resolve the matrix. Errors carry the lines they come from."""
    project = load_project(root)
    try:
        return project, resolve(project.world)
    except InputError as error:
        raise project.pinpoint(error) from None


def revision(root: Path, environ: Mapping[str, str]) -> str:
    """Git commit of the project, with `-dirty` where files differ from it (results do not count); empty without git."""
    try:
        head = process.run(["git", "-C", str(root), "rev-parse", "HEAD"], env=environ, timeout=10).stdout.strip()
        changes = process.run(
            ["git", "-C", str(root), "status", "--porcelain", "--untracked-files=no", "--", ".", ":(exclude)reports"],
            env=environ,
            timeout=30,
        ).stdout
    except InfrastructureError:
        return ""
    return f"{head}-dirty" if changes.strip() else head
