"""Copies of this project that a benchmark may change."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import yaml
from harness import ROOT

from bakehouse.config.yaml_document import parse

MATRIX = "matrix.yaml"
FILES = (MATRIX, "bakehouse.lock")
FOLDERS = ("recipes", "dockerfiles", "buildkit")


def copy_project(to: Path) -> Path:
    """What cells are rendered from, in a new folder whose reports nobody misses."""
    to.mkdir()
    for name in FILES:
        if (ROOT / name).exists():
            shutil.copy2(ROOT / name, to / name)
    for name in FOLDERS:
        shutil.copytree(ROOT / name, to / name)
    return to


def change_matrix(project: Path, change: Callable[[dict[str, Any]], None]) -> Path:
    """Let `change` work on the matrix of a copy. PyYAML's own loader would read its key `on` as a truth value."""
    file = project / MATRIX
    document = parse(file.read_text(encoding="utf-8"), file=MATRIX).value
    change(document)
    file.write_text(yaml.safe_dump(document, sort_keys=False), encoding="utf-8")
    return project
