"""`reports/latest`: the newest run, under a name that does not change."""

from __future__ import annotations

import os
from pathlib import Path

from bakehouse.errors import InputError
from bakehouse.system import atomic_write


def update_latest(reports: Path, run: str) -> None:
    """Point `latest` at a run's folder, in one step. Where links are not possible it becomes a text file."""
    if not run or Path(run).name != run:
        raise ValueError(f"a run is named by its folder alone, not by {run!r}")
    latest = reports / "latest"
    if latest.is_dir() and not latest.is_symlink():
        raise InputError(f"{latest} is a folder", hint="bakehouse keeps a link of that name; move the folder away")
    temporary = reports / f".latest.{os.getpid()}.tmp"
    temporary.unlink(missing_ok=True)
    try:
        temporary.symlink_to(run, target_is_directory=True)
        temporary.replace(latest)
    except OSError:
        temporary.unlink(missing_ok=True)
        atomic_write.write(latest, f"{run}\n")


def find_latest(reports: Path) -> Path:
    """The folder that `latest` names, however it does so."""
    latest = reports / "latest"
    folder = latest
    if latest.is_file():
        folder = reports / latest.read_text(encoding="utf-8").strip()
    if not folder.is_dir():
        raise InputError(
            f"{reports} holds no latest run", hint="run `bakehouse build-matrix` first, or name a run's folder"
        )
    return folder
