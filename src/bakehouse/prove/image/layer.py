"""One layer of an image, unpacked into a tar file that can be read at any place."""

from __future__ import annotations

import hashlib
import os
import posixpath
import tarfile
import zlib
from collections.abc import Iterator
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO, Literal

from bakehouse.errors import InfrastructureError
from bakehouse.prove.image.archive import LayerBlob, Saved

Kind = Literal["file", "folder", "symlink", "hardlink", "other"]

_WHITEOUT = ".wh."
_OPAQUE = ".wh..wh..opq"
_CHUNK = 1 << 20
_GZIP = b"\x1f\x8b"
_ZSTD = b"\x28\xb5\x2f\xfd"
_AUTO_GZIP = zlib.MAX_WBITS | 32
_CAPABILITY = "SCHILY.xattr.security.capability"


@dataclass(frozen=True, kw_only=True, slots=True)
class Entry:
    """Something with a name in a layer."""

    path: str
    """Absolute: `/app/server`."""
    kind: Kind
    mode: int
    """Permission bits with setuid, setgid and sticky; no type."""
    uid: int
    gid: int
    size: int = 0
    """Bytes of the content; of a hard link 0 in its layer, and the file's in the merged tree."""
    target: str = ""
    """Of a symlink as it is written; of a hard link an absolute path."""
    layer: int = 0
    """Counts from 0, the lowest."""
    offset: int = 0
    """Where the content starts in the unpacked layer."""
    capable: bool = False
    """Whether it has file capabilities."""


@dataclass(frozen=True, kw_only=True, slots=True)
class LayerAtRest:
    digest: str
    diff_id: str
    bytes_compressed: int
    created_by: str
    unpacked: Path
    """The layer as a tar file without compression."""
    entries: tuple[Entry, ...]
    """In the order of the layer. Also what later layers remove."""
    removed: frozenset[str]
    """Paths that the layer deletes from those below."""
    emptied: frozenset[str]
    """Folders whose content below is hidden (opaque)."""

    @property
    def bytes_unpacked(self) -> int:
        """Sum of the contents: what the layer takes on disk, also when a later one deletes it."""
        return sum(entry.size for entry in self.entries)


def unpack(saved: Saved, blob: LayerBlob, *, index: int, created_by: str, workspace: Path) -> LayerAtRest:
    """Decompress a layer and list it. A workspace that already holds it (layers are shared by cells) is used again."""
    path = workspace / f"{blob.diff_id.replace(':', '-')}.tar"
    if not path.exists():
        _decompress(saved, blob, to=path)
    entries: list[Entry] = []
    removed: set[str] = set()
    emptied: set[str] = set()
    with tarfile.open(path, "r:") as archive:
        for member in archive:
            entry = _entry(member, layer=index)
            folder, name = posixpath.split(entry.path)
            if name == _OPAQUE:
                emptied.add(folder)
            elif name.startswith(_WHITEOUT):
                removed.add(posixpath.join(folder, name.removeprefix(_WHITEOUT)))
            else:
                entries.append(entry)
    return LayerAtRest(
        digest=blob.digest,
        diff_id=blob.diff_id,
        bytes_compressed=blob.size,
        created_by=created_by,
        unpacked=path,
        entries=tuple(entries),
        removed=frozenset(removed),
        emptied=frozenset(emptied),
    )


def absolute(name: str) -> str:
    """`./usr/bin/`, `usr/bin` and `/usr/bin` are `/usr/bin`; `..` does not leave the root."""
    return posixpath.normpath(f"/{name.lstrip('/')}")


def _entry(member: tarfile.TarInfo, *, layer: int) -> Entry:
    kind: Kind = "other"
    if member.isreg():
        kind = "file"
    elif member.isdir():
        kind = "folder"
    elif member.issym():
        kind = "symlink"
    elif member.islnk():
        kind = "hardlink"
    return Entry(
        path=absolute(member.name),
        kind=kind,
        mode=member.mode & 0o7777,
        uid=member.uid,
        gid=member.gid,
        size=member.size if kind == "file" else 0,
        target=absolute(member.linkname) if kind == "hardlink" else member.linkname,
        layer=layer,
        offset=member.offset_data,
        capable=_CAPABILITY in member.pax_headers,
    )


def _decompress(saved: Saved, blob: LayerBlob, *, to: Path) -> None:
    if blob.name not in saved.archive:
        raise InfrastructureError(
            f"layer {blob.digest} is not in the archive of the image",
            hint="Save the image again; an engine may hold only some platforms of it.",
        )
    temporary = to.with_name(f"{to.name}.{os.getpid()}.part")
    digest = hashlib.sha256()
    try:
        with closing(saved.archive.open(blob.name)) as source, temporary.open("wb") as target:
            for chunk in _plain(source, digest=blob.digest):
                digest.update(chunk)
                target.write(chunk)
        if f"sha256:{digest.hexdigest()}" != blob.diff_id:
            raise InfrastructureError(
                f"layer {blob.digest} is damaged: it unpacks to sha256:{digest.hexdigest()}, not to {blob.diff_id}",
                hint="Save the image again, and look at the disk.",
            )
        temporary.replace(to)
    finally:
        temporary.unlink(missing_ok=True)


def _plain(source: BinaryIO, *, digest: str) -> Iterator[bytes]:
    """The bytes of a blob without its compression, which the first bytes tell (media types have lied)."""
    start = source.read(4)
    source.seek(0)
    if start == _ZSTD:
        raise InfrastructureError(
            f"layer {digest} is compressed with zstd, which bakehouse cannot read",
            hint="Build the image with `compression=gzip`, or save it from an engine that stores gzip layers.",
        )
    if not start.startswith(_GZIP):
        while chunk := source.read(_CHUNK):
            yield chunk
        return
    unzip = zlib.decompressobj(_AUTO_GZIP)
    try:
        while chunk := source.read(_CHUNK):
            while chunk:
                yield unzip.decompress(chunk)
                chunk = unzip.unused_data
                if unzip.eof:  # parallel compressors write one member after the other
                    unzip = zlib.decompressobj(_AUTO_GZIP)
    except zlib.error as error:
        raise InfrastructureError(f"layer {digest} is damaged: {error}", hint="Save the image again.") from error
