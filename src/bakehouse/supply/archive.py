"""Unpacking wheels, sdists and tarballs: one file or one folder of them, all of it or nothing."""

from __future__ import annotations

import contextlib
import importlib
import tarfile
import tempfile
import zipfile
from collections.abc import Callable, Iterator
from pathlib import Path, PurePosixPath
from typing import Any

from bakehouse.config.suggest import perhaps
from bakehouse.errors import SupplyError

_tarfile: Any = tarfile if hasattr(tarfile, "data_filter") else importlib.import_module("backports.tarfile")
"""Debian 12's own Python 3.11.2 has no extraction filters yet."""

BROKEN: tuple[type[Exception], ...] = (
    _tarfile.TarError,
    zipfile.BadZipFile,
    EOFError,
    OSError,
    ValueError,
    NotImplementedError,
)


def unpack(archive: Path, *, to: Path, member: str = "", has_top_folder: bool) -> Path:
    """Put `member` of `archive` (without one: everything) at `to`, unless that exists. Returns `to`.

    `has_top_folder`: names inside begin with one common folder, as in an sdist; `member` is then below it. `to` appears
    in one step. Raises SupplyError when the archive is broken, unsafe or has no such member.
    """
    if to.exists():
        return to
    to.parent.mkdir(parents=True, exist_ok=True)
    wanted = PurePosixPath(member)
    with tempfile.TemporaryDirectory(dir=to.parent, prefix=f".{to.name}.") as scratch:
        folder = Path(scratch)
        seen: set[str] = set()

        def chosen(name: str) -> bool:
            inner = _inside(name, has_top_folder=has_top_folder)
            seen.update(parent.as_posix() for parent in (inner, *inner.parents) if parent.name)
            return inner == wanted or wanted in inner.parents or not wanted.name

        with _readable(archive):
            if zipfile.is_zipfile(archive):
                _unzip(archive, folder, chosen)
            else:
                _untar(archive, folder, chosen)
        found = _find(folder, wanted, has_top_folder=has_top_folder)
        if found is None or (found.is_dir() and not any(found.iterdir())):
            raise SupplyError(f"{archive.name} holds no {member or 'files'}", hint=perhaps(member, seen))
        _move(found, to)
    return to


def _inside(name: str, *, has_top_folder: bool) -> PurePosixPath:
    parts = PurePosixPath(name).parts
    return PurePosixPath(*parts[1:] if has_top_folder else parts)


def _untar(archive: Path, folder: Path, chosen: Callable[[str], bool]) -> None:
    with _tarfile.open(archive, "r:*") as tar:
        tar.extractall(folder, members=(entry for entry in tar if chosen(entry.name)), filter="data")


def _unzip(archive: Path, folder: Path, chosen: Callable[[str], bool]) -> None:
    """Names stay below `folder` by zipfile's own care, but it forgets which files are programs."""
    with zipfile.ZipFile(archive) as bundle:
        for entry in bundle.infolist():
            if chosen(entry.filename):
                path = Path(bundle.extract(entry, folder))
                if path.is_file() and (entry.external_attr >> 16) & 0o111:
                    path.chmod(0o755)


def _find(folder: Path, wanted: PurePosixPath, *, has_top_folder: bool) -> Path | None:
    tops = [folder]
    if has_top_folder:
        tops = [path for path in folder.iterdir() if path.is_dir()]
    return next((top / wanted for top in tops if (top / wanted).exists()), None)


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
