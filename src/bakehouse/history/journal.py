"""Append-only JSON Lines, written by several processes at once. Reading skips what is broken."""

from __future__ import annotations

import contextlib
import errno
import fcntl
import os
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal

from pydantic_core import from_json

from bakehouse.errors import InfrastructureError
from bakehouse.model.history import HISTORY_SCHEMA, Decision, Row

LONGEST = 16 * 2**20
"""Bytes of a line; a longer one is none of ours."""
SHOWN = 100
"""Problems that are kept to be shown; the others are counted."""

Write = Callable[[int, memoryview], int]


@dataclass(frozen=True, kw_only=True, slots=True)
class Problem:
    """A line that is not used. It stays where it is."""

    path: Path
    line: int
    kind: Literal["torn", "corrupt", "newer"]
    message: str

    def __str__(self) -> str:
        return f"{self.path}:{self.line}: {self.message}"


@dataclass(kw_only=True, slots=True)
class Problems:
    """Those of a reading."""

    shown: list[Problem] = field(default_factory=list)
    count: int = 0

    def add(self, problem: Problem) -> None:
        self.count += 1
        if len(self.shown) < SHOWN:
            self.shown.append(problem)


def append(path: Path, records: Sequence[Row | Decision], *, write: Write = os.write) -> None:
    """Add whole lines, or nothing: InfrastructureError says why not.

    The lock keeps others of us out until the lines are on the disk. What a crash left of a line before ours gets an
    end, so that it spoils no other.
    """
    if not records:
        return
    lines = b"".join(record.model_dump_json(exclude_defaults=True).encode() + b"\n" for record in records)
    try:
        is_new = not path.exists()
        path.parent.mkdir(parents=True, exist_ok=True)
        descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_APPEND | os.O_CLOEXEC, 0o644)
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX)
            _add(descriptor, lines, write)
        finally:
            os.close(descriptor)
        if is_new:
            _sync_folder(path.parent)
    except OSError as error:
        hint = "make room and run again; what was there before is as it was"
        full = error.errno in (errno.ENOSPC, errno.EDQUOT)
        raise InfrastructureError(
            f"nothing was added to {path}: {error.strerror or error}", hint=hint if full else "check its permissions"
        ) from None


def read(path: Path, problems: Problems) -> Iterator[tuple[int, dict[str, Any]]]:
    """The lines that are good and whose schema we know, one at a time, with their numbers. The others go to
    `problems`.
    """
    with path.open("rb") as file:
        number = 0
        while line := file.readline(LONGEST):
            number += 1
            record = _parse(line)
            if isinstance(record, dict):
                yield number, record
                continue
            if len(line) == LONGEST and not line.endswith(b"\n"):
                record = ("corrupt", f"is longer than {LONGEST // 2**20} MiB")
                _skip_line(file.readline)
            kind, message = record
            advice = "" if kind == "newer" else "; kept and not used"
            problems.add(Problem(path=path, line=number, kind=kind, message=message + advice))


def _parse(line: bytes) -> dict[str, Any] | tuple[Literal["torn", "corrupt", "newer"], str]:
    if not line.endswith(b"\n"):
        return "torn", f"ends in the middle after {len(line)} bytes: its writer was killed, or is still at work"
    try:
        record = from_json(line, allow_inf_nan=False)
    except ValueError as error:
        return "corrupt", f"is not JSON ({error})"
    version = record.get("schema_version") if isinstance(record, dict) else None
    if not isinstance(version, int) or isinstance(version, bool) or version < 1:
        return "corrupt", "is not a record of bakehouse"
    if version > HISTORY_SCHEMA:
        return (
            "newer",
            f"was written in schema {version}, and this bakehouse reads up to {HISTORY_SCHEMA}: use a newer one",
        )
    return dict(record)


def _add(descriptor: int, lines: bytes, write: Write) -> None:
    size = os.fstat(descriptor).st_size
    if size and os.pread(descriptor, 1, size - 1) != b"\n":
        lines = b"\n" + lines
    try:
        rest = memoryview(lines)
        while rest:  # a disk that fills up takes a part, and refuses the next
            rest = rest[write(descriptor, rest) :]
        os.fsync(descriptor)
    except BaseException:
        with contextlib.suppress(OSError):
            os.ftruncate(descriptor, size)
        raise


def _skip_line(readline: Callable[[int], bytes]) -> None:
    while (rest := readline(LONGEST)) and not rest.endswith(b"\n"):
        pass


def _sync_folder(folder: Path) -> None:
    """So that the new name, too, survives a power cut."""
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
