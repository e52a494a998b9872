"""A repository in an OCI layout: a folder that is read and written, or a tar file that is read.

https://github.com/opencontainers/image-spec/blob/v1.1.1/image-layout.md . Referrers stand in `index.json` beside what
they are attached to, as oras writes them. It is changed in one step, by one process at a time.
"""

from __future__ import annotations

import contextlib
import hashlib
import json
import os
import tarfile
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, BinaryIO

import filelock

from bakehouse.errors import InfrastructureError, InputError
from bakehouse.prove.image.archive import BlobArchive, FolderArchive, TarArchive
from bakehouse.registry import fallback
from bakehouse.registry.content import KINDS, Descriptor, Manifest, canonical
from bakehouse.registry.store import NoSuchContentError, Opener, Placed, Source
from bakehouse.system import atomic_write

REF_NAME = "org.opencontainers.image.ref.name"
IMAGE_NAME = "io.containerd.image.name"
"""The whole reference of an image, by which `docker load` names it."""
_VERSION = '{"imageLayoutVersion":"1.0.0"}'
_PIECE = 1 << 20
_LOCK_TIMEOUT = 600.0


def blob_name(digest: str) -> str:
    return f"blobs/{digest.replace(':', '/')}"


class Layout:
    """What can be read of a layout, wherever its files lie. See Source."""

    def __init__(self, archive: BlobArchive, *, name: str) -> None:
        self._archive = archive
        self._name = name

    @property
    def name(self) -> str:
        return self._name

    def entries(self) -> list[Descriptor]:
        """What `index.json` lists. Raises InputError for what is no layout."""
        if "index.json" not in self._archive:
            raise InputError(f"{self.name} is no OCI layout: it has no index.json")
        try:
            found = json.loads(self._read("index.json"))
            return [Descriptor.read(one) for one in found.get("manifests") or ()]
        except (ValueError, KeyError, TypeError, AttributeError) as error:
            raise InputError(f"{self.name}: its index.json is damaged: {error}") from None

    def resolve(self, reference: str) -> str | None:
        if reference.startswith("sha256:"):
            return reference if blob_name(reference) in self._archive else None
        named = [one for one in self.entries() if tag_of(one) == reference]
        return named[-1].digest if named else None

    def manifest(self, reference: str) -> Manifest | None:
        digest = self.resolve(reference)
        if digest is None:
            return None
        content = self._read(blob_name(digest))
        try:
            document = json.loads(content)
            media_type = str(document.get("mediaType") or self._media_type(digest, document))
        except (ValueError, AttributeError):
            return None  # a blob that is no manifest
        found = Manifest(content=content, media_type=media_type)
        if found.digest != digest:
            raise InputError(f"{self.name} is damaged: {digest} holds {found.digest}")
        return found if media_type in KINDS else None

    def _media_type(self, digest: str, document: dict[str, Any]) -> str:
        """Manifests may leave their own out; what names them says it."""
        told = next((one.media_type for one in self.entries() if one.digest == digest), "")
        return told or (KINDS[0] if "manifests" in document else KINDS[1] if "layers" in document else "")

    def has_blob(self, digest: str) -> bool:
        return blob_name(digest) in self._archive

    @contextmanager
    def open_blob(self, blob: Descriptor) -> Iterator[BinaryIO]:
        if not self.has_blob(blob.digest):
            raise NoSuchContentError(f"{self.name} has no blob {blob.digest}")
        with contextlib.closing(self._archive.open(blob_name(blob.digest))) as file:
            yield file

    def tags(self) -> list[str]:
        found = {tag_of(one) for one in self.entries()}
        return sorted(tag for tag in found if tag and not fallback.is_one(tag))

    def referrers(self, digest: str) -> list[Descriptor]:
        manifests = (self.manifest(one.digest) for one in self.entries())
        return [one.descriptor for one in manifests if one and one.subject == digest]

    def _read(self, name: str) -> bytes:
        with contextlib.closing(self._archive.open(name)) as file:
            return file.read()


class LayoutFolder(Layout):
    """A layout that is written to. It is made when the first thing is put into it."""

    def __init__(self, folder: Path, *, image_name: str = "") -> None:
        """`image_name`: what `docker load` calls its images."""
        super().__init__(FolderArchive(folder), name=f"oci:{folder}")
        self.folder = folder
        self.image_name = image_name

    def entries(self) -> list[Descriptor]:
        return super().entries() if (self.folder / "index.json").exists() else []

    def put_blob(self, blob: Descriptor, content: Opener, *, mount_from: Source | None = None) -> Placed:  # noqa: ARG002
        if self.has_blob(blob.digest):
            return Placed.EXISTED
        with content() as file:
            self._write_blob(blob.digest, file)
        return Placed.SENT

    def put_manifest(self, manifest: Manifest, *, tag: str | None = None) -> None:
        if not self.has_blob(manifest.digest):
            with tempfile.TemporaryFile() as file:
                file.write(manifest.content)
                file.seek(0)
                self._write_blob(manifest.digest, file)
        if tag or manifest.subject:
            with self._changed() as entries:
                _enter(entries, manifest, tag, self.image_name)

    def delete(self, digest: str) -> bool:
        """The manifest alone. Blobs that nothing names any more stay; a new folder has none."""
        had = self.has_blob(digest)
        with self._changed() as entries:
            entries[:] = [one for one in entries if one.digest != digest]
        (self.folder / blob_name(digest)).unlink(missing_ok=True)
        return had

    def _write_blob(self, digest: str, file: BinaryIO) -> None:
        """Under its name when it is whole, and has that digest."""
        place = self.folder / blob_name(digest)
        place.parent.mkdir(parents=True, exist_ok=True)
        handle, temporary = tempfile.mkstemp(dir=place.parent, prefix=".", suffix=".tmp")
        try:
            with os.fdopen(handle, "wb") as out:
                found = _copied(file, out)
                os.fchmod(out.fileno(), 0o644)
            if found != digest:
                raise InfrastructureError(f"what was read for {digest} is {found}")
            Path(temporary).replace(place)
        finally:
            Path(temporary).unlink(missing_ok=True)

    @contextmanager
    def _changed(self) -> Iterator[list[Descriptor]]:
        """The entries of index.json, to be changed; no other process changes them meanwhile."""
        self.folder.mkdir(parents=True, exist_ok=True)
        with filelock.FileLock(self.folder / ".lock", timeout=_LOCK_TIMEOUT):
            entries = self.entries()
            yield entries
            atomic_write.write(self.folder / "oci-layout", _VERSION)
            index = {
                "schemaVersion": 2,
                "mediaType": KINDS[0],
                "manifests": [one.to_json() for one in sorted(entries, key=lambda one: (tag_of(one), one.digest))],
            }
            atomic_write.write(self.folder / "index.json", canonical(index).decode())


def open_layout_tar(path: Path) -> Layout:
    """A layout in a tar file that is not compressed, as `docker image save` writes it. Raises InputError."""
    if not path.is_file():
        raise InputError(f"there is no file {path}")
    return Layout(TarArchive(path), name=f"oci-archive:{path}")


def write_tar(layout: LayoutFolder, to: Path) -> None:
    """The folder as one tar file, the same for the same content: sorted, without times and owners."""
    handle, temporary = tempfile.mkstemp(dir=to.parent, prefix=f".{to.name}.", suffix=".tmp")
    try:
        with os.fdopen(handle, "wb") as out, tarfile.open(fileobj=out, mode="w", format=tarfile.PAX_FORMAT) as tar:
            for path in sorted(layout.folder.rglob("*")):
                if not path.name.startswith("."):
                    tar.add(path, arcname=str(path.relative_to(layout.folder)), recursive=False, filter=_anonymous)
            os.fchmod(out.fileno(), 0o644)
        Path(temporary).replace(to)
    finally:
        Path(temporary).unlink(missing_ok=True)


def _anonymous(member: tarfile.TarInfo) -> tarfile.TarInfo:
    member.mtime = member.uid = member.gid = 0
    member.uname = member.gname = ""
    member.mode = 0o755 if member.isdir() else 0o644
    return member


def tag_of(entry: Descriptor) -> str:
    """`docker image save` writes a tag under this name, and the whole reference beside it."""
    return entry.annotations.get(REF_NAME, "")


def _enter(entries: list[Descriptor], manifest: Manifest, tag: str | None, image_name: str) -> None:
    """A tag names one manifest; a referrer is listed once."""
    if tag:
        entries[:] = [one for one in entries if tag_of(one) != tag]
    elif any(one.digest == manifest.digest for one in entries):
        return
    found = manifest.descriptor
    named = {REF_NAME: tag} if tag else dict(found.annotations)
    if tag and image_name and not manifest.document.get("artifactType"):
        named[IMAGE_NAME] = f"docker.io/{image_name}:{tag}"
    entries.append(
        Descriptor(
            media_type=found.media_type,
            digest=found.digest,
            size=found.size,
            artifact_type=found.artifact_type,
            annotations=named,
        )
    )


def _copied(file: BinaryIO, out: BinaryIO) -> str:
    whole = hashlib.sha256()
    while piece := file.read(_PIECE):
        whole.update(piece)
        out.write(piece)
    return f"sha256:{whole.hexdigest()}"
