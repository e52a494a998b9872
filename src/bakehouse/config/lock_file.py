"""`bakehouse.lock`: read it, and write it so that the same pins are the same bytes."""

from __future__ import annotations

from pathlib import Path

import yaml

from bakehouse.config.load import load_model
from bakehouse.model.lock import Lock
from bakehouse.system import atomic_write

LOCK_FILE = "bakehouse.lock"
HEADER = "# What the names in matrix.yaml stood for when somebody last looked. Written by bakehouse; commit it.\n"


def read_lock(root: Path) -> Lock:
    """The lockfile in the project's folder; an empty one where there is none. Raises InputError with file and line."""
    path = root / LOCK_FILE
    return load_model(path, Lock, root=root) if path.exists() else Lock()


def write_lock(lock: Lock, *, root: Path) -> bool:
    """Write the lockfile. Whether that changed it: an unchanged file keeps its time stamp."""
    path = root / LOCK_FILE
    text = render_lock(lock)
    if path.exists() and path.read_text(encoding="utf-8") == text:
        return False
    atomic_write.write(path, text)
    return True


def render_lock(lock: Lock) -> str:
    """The file's text: sorted, one value a line."""
    content = lock.model_dump(mode="json")
    return HEADER + yaml.safe_dump(content, sort_keys=True, allow_unicode=True, width=1000)
