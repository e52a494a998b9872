"""A repository in a registry. https://github.com/opencontainers/distribution-spec/blob/v1.1.1/spec.md"""

from __future__ import annotations

import hashlib
import re
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager, nullcontext
from dataclasses import dataclass
from typing import Any, BinaryIO
from urllib.parse import quote, urljoin, urlsplit, urlunsplit

import requests
import urllib3

from bakehouse.registry import fallback
from bakehouse.registry.connection import ACCEPT, Connection, RegistryRequest, TransientRegistryError
from bakehouse.registry.content import INDEX, Descriptor, Manifest
from bakehouse.registry.store import NoSuchContentError, Opener, Placed, RegistryError, Source
from bakehouse.system.file_slice import FileSlice

OK, CREATED, ACCEPTED, NO_CONTENT, NOT_FOUND = 200, 201, 202, 204, 404
_RANGE, _BAD, _NOT_ALLOWED, _NOT_IMPLEMENTED = 416, 400, 405, 501
CHUNK = 64 << 20
"""Bytes of one part of a large blob: what a broken connection costs at most."""
_PIECE = 1 << 20
LARGEST_MANIFEST = 4 << 20
"""What registries take (distribution-spec, "Pushing Manifests")."""
_OCTETS = "application/octet-stream"


@dataclass(kw_only=True, slots=True)
class Remote:
    """See Store."""

    connection: Connection
    path: str
    chunk: int = CHUNK
    _has_referrers: bool | None = None
    """Whether it answers the referrers API; None: not asked yet."""

    @property
    def name(self) -> str:
        return f"{self.connection.host}/{self.path}"

    # ------------------------------------------------------------------------------------------ reading

    def resolve(self, reference: str) -> str | None:
        response = self._read("HEAD", f"manifests/{reference}", OK, NOT_FOUND)
        if response.status_code == NOT_FOUND:
            return None
        digest = response.headers.get("Docker-Content-Digest", "")
        if re.fullmatch(r"sha256:[0-9a-f]{64}", digest):
            return digest
        found = self.manifest(reference)
        return found.digest if found else None

    def manifest(self, reference: str) -> Manifest | None:
        response = self._read("GET", f"manifests/{reference}", OK, NOT_FOUND)
        if response.status_code == NOT_FOUND:
            return None
        found = Manifest(
            content=response.content, media_type=response.headers.get("Content-Type", "").partition(";")[0]
        )
        told = reference if reference.startswith("sha256:") else response.headers.get("Docker-Content-Digest")
        if told and told != found.digest:
            raise RegistryError(f"{self.name}: {reference} came as {found.digest}, and it was told to be {told}")
        return found

    def has_blob(self, digest: str) -> bool:
        return self._read("HEAD", f"blobs/{digest}", OK, NOT_FOUND).status_code == OK

    @contextmanager
    def open_blob(self, blob: Descriptor) -> Iterator[BinaryIO]:
        with tempfile.TemporaryFile() as file:
            self.connection.patiently(lambda: self._download(blob, file))
            file.seek(0)
            yield file

    def _download(self, blob: Descriptor, file: Any) -> None:
        """From its beginning. Raises NoSuchContentError."""
        file.seek(0)
        file.truncate()
        whole = hashlib.sha256()
        ask = self._ask("GET", f"blobs/{blob.digest}", stream=True)
        response = self.connection.once(ask, ok=frozenset({OK, NOT_FOUND}))
        if response.status_code == NOT_FOUND:
            raise NoSuchContentError(f"{self.name} has no blob {blob.digest}")
        try:
            for piece in response.iter_content(_PIECE):
                whole.update(piece)
                file.write(piece)
        except (requests.RequestException, urllib3.exceptions.HTTPError, OSError) as error:
            raise TransientRegistryError(f"{self.name}: {blob.digest} broke off: {type(error).__name__}") from None
        finally:
            response.close()
        if f"sha256:{whole.hexdigest()}" != blob.digest:
            raise TransientRegistryError(f"{self.name}: what came for {blob.digest} has another digest")

    def tags(self) -> list[str]:
        return sorted(tag for tag in self._listed("tags/list", "tags") if not fallback.is_one(tag))

    def referrers(self, digest: str) -> list[Descriptor]:
        if self._has_referrers is not False:
            response = self._read("GET", f"referrers/{digest}", OK, NOT_FOUND, _BAD, _NOT_ALLOWED, _NOT_IMPLEMENTED)
            self._has_referrers = response.status_code == OK
            if response.status_code == OK:
                return [Descriptor.read(one) for one in self._pages(response, "manifests")]
        return fallback.listed(self.manifest(fallback.tag_of(digest)), subject=digest)

    def _listed(self, path: str, key: str) -> list[Any]:
        response = self._read("GET", path, OK, NOT_FOUND)
        return [] if response.status_code == NOT_FOUND else self._pages(response, key)

    def _pages(self, response: requests.Response, key: str) -> list[Any]:
        """All pages of a list: each names the next in its Link."""
        found: list[Any] = []
        seen: set[str] = set()
        while True:
            try:
                found += response.json().get(key) or []
            except (ValueError, AttributeError):
                raise RegistryError(f"{self.name}: the answer to {response.request.method} is no list") from None
            link = response.links.get("next", {}).get("url", "")
            url = urljoin(response.url, link)
            if not link or url in seen or urlsplit(url).netloc != urlsplit(self.connection.base).netloc:
                return found
            seen.add(url)
            response = self.connection.persist(
                RegistryRequest(method="GET", path=url, repository=self.path), ok=frozenset({OK})
            )

    # ------------------------------------------------------------------------------------------ writing

    def put_manifest(self, manifest: Manifest, *, tag: str | None = None) -> None:
        if len(manifest.content) > LARGEST_MANIFEST:
            raise RegistryError(
                f"{self.name}: a manifest of {len(manifest.content)} bytes is more than registries take"
            )
        ask = self._ask(
            "PUT",
            f"manifests/{tag or manifest.digest}",
            may="pull,push",
            headers={"Content-Type": manifest.media_type},
            content=manifest.content,
        )
        response = self.connection.persist(ask, ok=frozenset({CREATED, OK, ACCEPTED}))
        told = response.headers.get("Docker-Content-Digest")
        if told and told != manifest.digest:
            raise RegistryError(f"{self.name}: {manifest.digest} was stored as {told}")
        if manifest.subject and not response.headers.get("OCI-Subject"):
            self._has_referrers = False
            fallback.add(self, manifest)

    def put_blob(self, blob: Descriptor, content: Opener, *, mount_from: Source | None = None) -> Placed:
        source = mount_from.path if isinstance(mount_from, Remote) and self._is_beside(mount_from) else ""
        return self.connection.patiently(lambda: self._place(blob, content, source))

    def _is_beside(self, other: Remote) -> bool:
        return other.connection.host == self.connection.host and other.path != self.path

    def _place(self, blob: Descriptor, content: Opener, source: str) -> Placed:
        """Once. What arrived although its answer was lost is found by the next attempt's first question."""
        if self.has_blob(blob.digest):
            return Placed.EXISTED
        query = f"?mount={quote(blob.digest, safe='')}&from={quote(source, safe='')}" if source else ""
        ask = self._ask("POST", f"blobs/uploads/{query}", may="pull,push", also=source)
        response = self.connection.once(ask, ok=frozenset({ACCEPTED, CREATED}))
        if response.status_code == CREATED:
            return Placed.MOUNTED
        place = urljoin(response.url, response.headers["Location"])
        if blob.size <= self.chunk:
            with content() as file:
                self._finish(place, blob, file, blob.size)
            return Placed.SENT
        place = self._send_parts(place, blob, content, least=int(response.headers.get("OCI-Chunk-Min-Length") or 0))
        self._finish(place, blob, None, 0)
        return Placed.SENT

    def _send_parts(self, place: str, blob: Descriptor, content: Opener, *, least: int) -> str:
        """All parts in turn; after a break it is asked how far it came. Returns where the upload goes on."""
        at, size = 0, max(self.chunk, least)
        breaks = 0
        while at < blob.size:
            part = min(size, blob.size - at)
            try:
                place = self._send_part(place, content, at, part)
                at, breaks = at + part, 0
            except TransientRegistryError as error:
                breaks += 1
                if breaks >= self.connection.patience.attempts:
                    raise
                self.connection.patience.rest(breaks, asked=error.wait)
                place, at = self._went(place)
        return place

    def _send_part(self, place: str, content: Opener, at: int, size: int) -> str:
        @contextmanager
        def part() -> Iterator[BinaryIO]:
            with content() as file:
                yield FileSlice(file, offset=at, size=size)  # type: ignore[misc]  # it is read, and told its length

        ask = RegistryRequest(
            method="PATCH",
            path=place,
            repository=self.path,
            may="pull,push",
            headers={"Content-Type": _OCTETS, "Content-Range": f"{at}-{at + size - 1}"},
            body=part,
            size=size,
        )
        response = self.connection.once(ask, ok=frozenset({ACCEPTED, NO_CONTENT}))
        return urljoin(response.url, response.headers.get("Location", place))

    def _went(self, place: str) -> tuple[str, int]:
        """Where an upload goes on, and how many bytes of it have arrived. An upload that is gone begins anew."""
        ask = RegistryRequest(method="GET", path=place, repository=self.path, may="pull,push")
        response = self.connection.persist(ask, ok=frozenset({NO_CONTENT, OK, ACCEPTED, NOT_FOUND}))
        arrived = re.fullmatch(r"(?:bytes=)?0-([0-9]+)", response.headers.get("Range", ""))
        if response.status_code == NOT_FOUND or not arrived:
            raise TransientRegistryError(f"{self.name}: an upload broke off and cannot go on")
        last = int(arrived[1])
        return urljoin(response.url, response.headers.get("Location", place)), last + 1 if last else 0

    def _finish(self, place: str, blob: Descriptor, file: BinaryIO | None, size: int) -> None:
        parts = urlsplit(place)
        query = f"{parts.query}&" if parts.query else ""
        url = urlunsplit(parts._replace(query=f"{query}digest={quote(blob.digest, safe='')}"))
        ask = RegistryRequest(
            method="PUT",
            path=url,
            repository=self.path,
            may="pull,push",
            headers={"Content-Type": _OCTETS},
            body=(lambda: nullcontext(file)) if file is not None else None,
            size=size,
        )
        response = self.connection.once(ask, ok=frozenset({CREATED, NO_CONTENT, NOT_FOUND, _RANGE}))
        if response.status_code in (NOT_FOUND, _RANGE):
            raise TransientRegistryError(f"{self.name}: an upload was forgotten before it had ended")
        told = response.headers.get("Docker-Content-Digest")
        if told and told != blob.digest:
            raise RegistryError(f"{self.name}: {blob.digest} was stored as {told}")

    # ------------------------------------------------------------------------------------------ removing

    def delete(self, digest: str) -> bool:
        response = self._delete(f"manifests/{digest}", NOT_FOUND)
        return response.status_code != NOT_FOUND

    def _delete(self, path: str, *also: int) -> requests.Response:
        ask = self._ask("DELETE", path, may="pull,push,delete")
        return self.connection.persist(ask, ok=frozenset({ACCEPTED, OK, *also}))

    # ------------------------------------------------------------------------------------------ requests

    def _read(self, method: str, path: str, *ok: int) -> requests.Response:
        return self.connection.persist(self._ask(method, path), ok=frozenset(ok))

    def _ask(
        self,
        method: str,
        path: str,
        *,
        may: str = "pull",
        also: str = "",
        headers: Mapping[str, str] | None = None,
        content: bytes | None = None,
        stream: bool = False,
    ) -> RegistryRequest:
        def body() -> AbstractContextManager[bytes]:
            return nullcontext(content or b"")

        accept = INDEX if path.startswith("referrers/") else ACCEPT
        return RegistryRequest(
            method=method,
            path=f"/v2/{self.path}/{path}",
            repository=self.path,
            may=may,
            also=also,
            headers={"Accept": accept, **(headers or {})},
            body=None if content is None else body,
            size=len(content or b""),
            stream=stream,
        )
