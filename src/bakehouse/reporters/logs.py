"""Log files of a run: their tails, and links to them. A path in a report never leads out of the run's folder."""

from __future__ import annotations

import os
from pathlib import Path, PurePosixPath
from urllib.parse import quote

TAIL_LINES = 30
_TAIL_BYTES = 64 * 1024


def inside(folder: Path, relative: str) -> Path | None:
    """The file, where the path stays in the folder and names a regular file that is there."""
    if not _is_plain(relative):
        return None
    path = folder / relative
    try:
        is_ours = path.resolve().is_relative_to(folder.resolve())
        return path if is_ours and path.is_file() else None
    except (OSError, ValueError):
        return None


def tail(folder: Path, relative: str, *, lines: int = TAIL_LINES) -> tuple[str, ...]:
    """The last lines; none where there is no such file."""
    path = inside(folder, relative)
    if path is None:
        return ()
    try:
        with path.open("rb") as file:
            end = file.seek(0, os.SEEK_END)
            file.seek(max(0, end - _TAIL_BYTES))
            text = file.read().decode("utf-8", errors="replace")
    except OSError:
        return ()
    return tuple(text.splitlines()[-lines:])


def link(relative: str) -> str:
    """The path as an address relative to the run's folder; empty where it is no plain path inside it."""
    return f"./{quote(relative)}" if _is_plain(relative) else ""


def _is_plain(relative: str) -> bool:
    path = PurePosixPath(relative)
    return bool(path.parts) and not path.is_absolute() and ".." not in path.parts and "\x00" not in relative
