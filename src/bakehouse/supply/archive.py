"""Unpacking wheels, sdists and tarballs: one file or one folder of them, all of it or nothing.

An archive is not trusted. Nothing is written, read or changed outside the folder that it is unpacked into: names stay
below it, links come last and lead nowhere else, and what is asked for is no link itself.
"""

from __future__ import annotations

import contextlib
import lzma
import os
import secrets
import struct
import tempfile
import zipfile
import zlib
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path, PurePosixPath
from typing import Any

from bakehouse.config.suggest import perhaps
from bakehouse.errors import SupplyError
from bakehouse.system.tarfiles import filtered as _tarfile

BROKEN: tuple[type[Exception], ...] = (
    _tarfile.TarError,
    zipfile.BadZipFile,
    zlib.error,
    lzma.LZMAError,
    struct.error,
    EOFError,
    OSError,
    ValueError,
    RuntimeError,  # a zip with a password
)
"""What a damaged or hostile archive makes the standard library raise."""

MOST_FILES = 1_000_000
MOST_BYTES = 64 << 30
"""More is no source and no model of a package, but an archive that was made to fill disks."""


def unpack(archive: Path, *, to: Path, member: str = "", has_top_folder: bool) -> Path:
    """Put `member` of `archive` (without one: everything) at `to`, unless that exists. Returns `to`.

    `has_top_folder`: names inside begin with one common folder, as in an sdist; `member` is then below it. Without a
    member, an archive that has no such folder is taken as it is. `to` appears in one step. Raises SupplyError when the
    archive is broken, unsafe or has no such member.
    """
    if to.exists():
        return to
    wanted = _wanted(member)
    to.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=to.parent, prefix=f".{to.name[:100]}.") as scratch:
        content = _Content(folder=Path(scratch), wanted=wanted, skipped=1 if has_top_folder else 0)
        with _readable(archive):
            if zipfile.is_zipfile(archive):
                _unzip(archive, content)
            else:
                _untar(archive, content)
        found = _find(content)
        if found is None or (found.is_dir() and not any(found.iterdir())):
            raise SupplyError(f"{archive.name} holds no {member or 'files'}", hint=perhaps(member, content.seen))
        with _readable(archive):
            found = _checked(found, content)
        _move(found, to)
    return to


def _wanted(member: str) -> PurePosixPath:
    wanted = PurePosixPath(member)
    if wanted.is_absolute() or ".." in wanted.parts or "\0" in member:
        raise SupplyError(f"{member!r} is no path inside an archive")
    return wanted


@dataclass(kw_only=True, slots=True)
class _Content:
    """What of an archive is taken, and what was seen of it."""

    folder: Path
    """Where it is unpacked, under its own names."""
    wanted: PurePosixPath
    skipped: int
    """Folders at the beginning of names that do not count."""
    seen: set[str] = field(default_factory=set)
    """Names and folders, for suggestions."""
    tops: set[str] = field(default_factory=set)
    files: int = 0
    bytes: int = 0

    def takes(self, name: str, size: int) -> bool:
        """Whether this entry is wanted. Raises ValueError for a name that leads out of the archive."""
        path = PurePosixPath(name)
        if path.is_absolute() or ".." in path.parts:
            raise ValueError(f"{name!r} leads out of it")
        if not path.parts:
            return False
        self.tops.add(path.parts[0])
        inner = PurePosixPath(*path.parts[self.skipped :])
        self.seen.update(parent.as_posix() for parent in (inner, *inner.parents) if parent.name)
        taken = inner == self.wanted or self.wanted in inner.parents or not self.wanted.name
        if taken:
            self.files, self.bytes = self.files + 1, self.bytes + size
        if self.files > MOST_FILES or self.bytes > MOST_BYTES:
            raise ValueError(f"it holds more than {MOST_FILES:,} files or {MOST_BYTES >> 30} GiB")
        return taken


def _untar(archive: Path, content: _Content) -> None:
    """Files first, so that none is ever written through a link."""
    links = []
    with _tarfile.open(archive, "r:*") as tar:
        for entry in tar:
            if not content.takes(entry.name, entry.size):
                continue
            if entry.issym() or entry.islnk():
                links.append(entry)
            else:
                tar.extract(entry, content.folder, filter="data")
    for entry in sorted(links, key=lambda entry: bool(entry.issym())):
        _link(entry, content.folder)


def _link(entry: Any, folder: Path) -> None:
    """Hard links come before symbolic ones. Raises ValueError for one that stands or leads elsewhere."""
    place = folder / entry.name
    place.parent.mkdir(parents=True, exist_ok=True)
    _require_below(place.parent, folder, entry.name)
    if entry.issym():
        place.symlink_to(entry.linkname)
        return
    target = folder / entry.linkname
    _require_below(target, folder, entry.name)
    os.link(target, place, follow_symlinks=False)


def _require_below(path: Path, folder: Path, name: str) -> None:
    if not Path(os.path.realpath(path)).is_relative_to(os.path.realpath(folder)):
        raise ValueError(f"the link {name!r} leads out of it")


def _unzip(archive: Path, content: _Content) -> None:
    """A zip holds no links for zipfile, which forgets which files are programs, too."""
    with zipfile.ZipFile(archive) as bundle:
        for entry in bundle.infolist():
            if content.takes(entry.filename, entry.file_size):
                path = Path(bundle.extract(entry, content.folder))
                if path.is_file() and (entry.external_attr >> 16) & 0o111:
                    path.chmod(0o755)


def _find(content: _Content) -> Path | None:
    """What was asked for, where it was unpacked."""
    if not content.skipped:
        candidates = [content.folder]
    elif content.wanted.name or len(content.tops) == 1:
        candidates = [content.folder / top for top in sorted(content.tops)]
    else:
        candidates = [content.folder]
    places = [candidate / content.wanted for candidate in candidates]
    return next((place for place in places if place.is_dir() or place.is_symlink() or place.is_file()), None)


def _checked(found: Path, content: _Content) -> Path:
    """The same under a name that no archive can know. Raises ValueError when one of its links leads out of it."""
    if found.is_symlink():
        raise ValueError(f"{content.wanted.as_posix()!r} is a link to {str(found.readlink())!r}; name that instead")
    whole = found == content.folder
    moved = found if whole else found.rename(content.folder / f".{secrets.token_hex(16)}")
    root = Path(os.path.realpath(moved))
    for folder, folders, files in os.walk(moved):
        for path in (Path(folder) / name for name in (*folders, *files)):
            if path.is_symlink() and not Path(os.path.realpath(path)).is_relative_to(root):
                raise ValueError(f"the link {str(path.relative_to(moved))!r} leads out of what was asked for")
    return moved


def _move(found: Path, to: Path) -> None:
    """Rename; another run that was faster has put the same content there."""
    found.chmod(found.stat().st_mode | 0o700 if found.is_dir() else 0o644)
    try:
        found.rename(to)
    except OSError:
        if not to.exists():
            raise


@contextlib.contextmanager
def _readable(archive: Path) -> Iterator[None]:
    try:
        yield
    except BROKEN as error:
        if isinstance(error, OSError) and error.errno is not None and not isinstance(error, _tarfile.TarError):
            raise SupplyError(f"cannot unpack {archive}: {error}") from error
        raise SupplyError(
            f"{archive.name} cannot be unpacked: {error}", hint=f"If it is damaged, delete it: {archive}"
        ) from error
