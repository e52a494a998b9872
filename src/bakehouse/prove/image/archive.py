"""What `docker save` wrote: an OCI layout, or the older format, in a tar file or in a folder."""

from __future__ import annotations

import hashlib
import io
import json
import posixpath
import tarfile
from collections.abc import Iterator
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import Any, BinaryIO, Protocol

from bakehouse.errors import InputError
from bakehouse.system.file_slice import FileSlice

_ATTESTATION = "vnd.docker.reference.type"
_HINT = "Write it with `docker save REFERENCE --output FILE`."


def open_slice(path: Path, *, offset: int, size: int) -> BinaryIO:
    """A part of a file, as a file of its own."""
    part = FileSlice(path.open("rb"), offset=offset, size=size, closes=True)
    return io.BufferedReader(part, buffer_size=1 << 16)


class BlobArchive(Protocol):
    """Named blobs."""

    def __contains__(self, name: str) -> bool: ...

    def open(self, name: str) -> BinaryIO:
        """Seekable. KeyError where there is no such blob."""

    def size(self, name: str) -> int: ...


class FolderArchive:
    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def __contains__(self, name: str) -> bool:
        return (self._folder / name).is_file()

    def open(self, name: str) -> BinaryIO:
        if name not in self:
            raise KeyError(name)
        return (self._folder / name).open("rb")

    def size(self, name: str) -> int:
        return (self._folder / name).stat().st_size


class TarArchive:
    """Blobs inside a tar file that is not compressed itself: read where they lie."""

    def __init__(self, path: Path) -> None:
        self._path = path
        try:
            with tarfile.open(path, "r:") as archive:
                members = archive.getmembers()
        except tarfile.TarError as error:
            raise InputError(f"{path} is not a tar file: {error}", hint=_HINT) from error
        self._places = {_name(member.name): (member.offset_data, member.size) for member in members if member.isreg()}
        for member in members:  # the older format links a layer that appears twice
            if member.issym():
                target = posixpath.normpath(posixpath.join(posixpath.dirname(_name(member.name)), member.linkname))
                if target in self._places:
                    self._places[_name(member.name)] = self._places[target]

    def __contains__(self, name: str) -> bool:
        return name in self._places

    def open(self, name: str) -> BinaryIO:
        offset, size = self._places[name]
        return open_slice(self._path, offset=offset, size=size)

    def size(self, name: str) -> int:
        return self._places[name][1]


@dataclass(frozen=True, kw_only=True, slots=True)
class LayerBlob:
    """A layer as the archive holds it."""

    name: str
    digest: str
    """Of the blob as it is; in the older format, which names none, of the unpacked layer."""
    diff_id: str
    """Digest of the unpacked layer."""
    size: int


@dataclass(frozen=True, kw_only=True, slots=True)
class Saved:
    """One image of an archive."""

    archive: BlobArchive
    digest: str
    """Of the manifest; in the older format, which has none, of the configuration."""
    config: dict[str, Any]
    layers: tuple[LayerBlob, ...]


def open_archive(path: Path) -> BlobArchive:
    if path.is_dir():
        return FolderArchive(path)
    if not path.is_file():
        raise InputError(f"there is no image archive {path}", hint=_HINT)
    return TarArchive(path)


def read_saved(path: Path, *, platform: str | None = None) -> Saved:
    """Find the one image in an archive; `platform` (`linux/arm64`) chooses among several. Raises InputError."""
    archive = open_archive(path)
    if "index.json" in archive:
        return _read_layout(archive, path=path, platform=platform)
    if "manifest.json" in archive:
        return _read_docker(archive, path=path)
    raise InputError(f"{path} holds no image: neither index.json nor manifest.json is in it", hint=_HINT)


def _read_layout(archive: BlobArchive, *, path: Path, platform: str | None) -> Saved:
    images: dict[str, tuple[dict[str, Any], dict[str, Any]]] = {}
    for descriptor in _manifests(archive, _json(archive, "index.json")):
        manifest = _json(archive, _blob(descriptor["digest"]))
        if _blob(manifest["config"]["digest"]) in archive:
            images[descriptor["digest"]] = (manifest, _json(archive, _blob(manifest["config"]["digest"])))
    found = {digest: image for digest, image in images.items() if platform in (None, _platform(image[1]))}
    if len(found) != 1:
        had = ", ".join(sorted(_platform(config) for _, config in images.values())) or "none"
        wanted = f" for {platform}" if platform else ""
        raise InputError(f"{path} should hold one image{wanted}; it holds: {had}", hint="Name the platform of one.")
    ((digest, (manifest, config)),) = found.items()
    blobs = manifest["layers"]
    return Saved(
        archive=archive,
        digest=digest,
        config=config,
        layers=tuple(
            LayerBlob(name=_blob(blob["digest"]), digest=blob["digest"], diff_id=diff_id, size=blob["size"])
            for blob, diff_id in zip(blobs, config["rootfs"]["diff_ids"], strict=True)
        ),
    )


def _manifests(archive: BlobArchive, index: dict[str, Any]) -> Iterator[dict[str, Any]]:
    """Descriptors of image manifests that the archive holds: no attestations, no platforms that were left out."""
    for descriptor in index.get("manifests", []):
        if _blob(descriptor["digest"]) not in archive or _ATTESTATION in descriptor.get("annotations", {}):
            continue
        document = _json(archive, _blob(descriptor["digest"]))
        if "manifests" in document:
            yield from _manifests(archive, document)
        elif "layers" in document:
            yield descriptor


def _read_docker(archive: BlobArchive, *, path: Path) -> Saved:
    images = _json(archive, "manifest.json")
    if len(images) != 1:
        raise InputError(f"{path} should hold one image; it holds {len(images)}", hint=_HINT)
    (image,) = images
    with closing(archive.open(image["Config"])) as file:
        raw = file.read()
    config = json.loads(raw)
    return Saved(
        archive=archive,
        digest=f"sha256:{hashlib.sha256(raw).hexdigest()}",
        config=config,
        layers=tuple(
            LayerBlob(name=_name(name), digest=diff_id, diff_id=diff_id, size=archive.size(_name(name)))
            for name, diff_id in zip(image["Layers"], config["rootfs"]["diff_ids"], strict=True)
        ),
    )


def _platform(config: dict[str, Any]) -> str:
    return "/".join(config[key] for key in ("os", "architecture", "variant") if config.get(key))


def _json(archive: BlobArchive, name: str) -> Any:
    with closing(archive.open(name)) as file:
        return json.load(file)


def _blob(digest: str) -> str:
    return f"blobs/{digest.replace(':', '/')}"


def _name(name: str) -> str:
    return posixpath.normpath(name)
