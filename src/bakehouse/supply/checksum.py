"""sha256 of files and folders, without reading the same large file twice."""

from __future__ import annotations

import contextlib
import hashlib
import json
import os
import stat
from collections.abc import Iterator
from pathlib import Path

from bakehouse.system import atomic_write


def sha256_of(path: Path) -> str:
    """Hash of a file's bytes, in hexadecimal."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def remembered_sha256_of(path: Path, *, cache: Path) -> str:
    """Like `sha256_of`, but a file whose size and time of change are as before is not read again.

    Models on a disk weigh tens of gigabytes. Each file has a record of its own, so that two runs don't clash.
    """
    path = path.resolve()
    known = path.stat()
    state = [str(path), known.st_size, known.st_mtime_ns]
    record = cache / "hashes" / f"{hashlib.sha256(str(path).encode()).hexdigest()}.json"
    with contextlib.suppress(OSError, ValueError, TypeError):
        *before, digest = json.loads(record.read_text(encoding="utf-8"))
        if before == state:
            return str(digest)
    digest = sha256_of(path)
    atomic_write.write(record, json.dumps([*state, digest]))
    return digest


def sha256_of_tree(folder: Path) -> str:
    """Hash of a folder's names, executable bits, links and contents. What git keeps for itself does not count."""
    whole = hashlib.sha256()
    for path in _files(folder):
        name = path.relative_to(folder).as_posix()
        if path.is_symlink():
            kind, content = "link", str(path.readlink())
        else:
            kind = "program" if path.stat().st_mode & stat.S_IXUSR else "file"
            content = sha256_of(path)
        whole.update(f"{kind}\0{name}\0{content}\0".encode(errors="surrogateescape"))
    return whole.hexdigest()


def _files(folder: Path) -> Iterator[Path]:
    """Every regular file and link below `folder`, in an order that does not depend on the file system."""
    for entry in sorted(os.scandir(folder), key=lambda entry: entry.name):
        if entry.is_dir(follow_symlinks=False):
            if entry.name != ".git":
                yield from _files(Path(entry.path))
        elif entry.is_symlink() or entry.is_file():
            yield Path(entry.path)
