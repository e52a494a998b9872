"""Mirrors a folder of a host here while it grows, as lines of text in the agent's output.

Files that grow at their end (results, logs) are sent piece by piece, others whole when they have changed. So a host
that dies costs only what it had not sent by then.
"""

from __future__ import annotations

import base64
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

from pydantic import Field, ValidationError

from bakehouse.model.report import Record

MARK = "bakehouse-file: "
"""Starts a line with a piece of a file."""
GROWING = (".jsonl", ".log")
PIECE = 1 << 17
"""Bytes of a file in one line, at most."""


class Piece(Record):
    path: str
    """Below the folder."""
    offset: int = Field(ge=0)
    data: str
    """Base64."""


@dataclass(kw_only=True, slots=True)
class _Sent:
    size: int
    changed: int
    """Nanoseconds since 1970."""


class Sender:
    """Says what is new in a folder; what lies there from the beginning is known on the other side."""

    def __init__(self, folder: Path, write: Callable[[str], None]) -> None:
        self._folder, self._write = folder, write
        self._sent = {path: _state(path) for path in self._files()}

    def sync(self) -> None:
        for path in self._files():
            try:
                now, before = _state(path), self._sent.get(path)
                if now != before:
                    self._send(path, before.size if before and path.suffix in GROWING else 0)
            except FileNotFoundError:  # written beside its place, and renamed since
                continue

    def _files(self) -> list[Path]:
        return sorted(path for path in self._folder.rglob("*") if path.is_file() and path.suffix != ".tmp")

    def _send(self, path: Path, begin: int) -> None:
        state = _state(path)
        offset = begin if begin <= state.size else 0
        with path.open("rb") as file:
            file.seek(offset)
            while True:
                data = file.read(PIECE)
                name = path.relative_to(self._folder).as_posix()
                piece = Piece(path=name, offset=offset, data=base64.b64encode(data).decode("ascii"))
                self._write(f"{MARK}{piece.model_dump_json()}")
                offset += len(data)
                if len(data) < PIECE:
                    break
        self._sent[path] = _Sent(size=offset, changed=state.changed)


class Receiver:
    """Writes what a host says into a folder, and nowhere else."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def take(self, line: str) -> bool:
        """Whether the line was a piece of a file. One that would lie outside the folder is left out."""
        if not line.startswith(MARK):
            return False
        try:
            piece = Piece.model_validate_json(line.removeprefix(MARK))
            data = base64.b64decode(piece.data, validate=True)
        except (ValidationError, ValueError):  # torn: the connection broke
            return True
        name = PurePosixPath(piece.path)
        if not name.is_absolute() and ".." not in name.parts:
            self._write(self._folder / name, piece.offset, data)
        return True

    def _write(self, path: Path, offset: int, data: bytes) -> None:
        if not path.parent.resolve().is_relative_to(self._folder.resolve()) or path.is_symlink():
            return
        path.parent.mkdir(parents=True, exist_ok=True)
        if not offset:  # a reader sees the old file or the new one
            temporary = path.with_name(f".{path.name}.tmp")
            temporary.write_bytes(data)
            temporary.replace(path)
        elif path.exists():
            with path.open("r+b") as file:
                file.seek(offset)
                file.write(data)


def _state(path: Path) -> _Sent:
    found = path.stat()
    return _Sent(size=found.st_size, changed=found.st_mtime_ns)
