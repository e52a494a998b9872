"""What registries hold: blobs and manifests, named by their digests. Pure.

https://github.com/opencontainers/image-spec (manifest.md, image-index.md, descriptor.md)
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

INDEX = "application/vnd.oci.image.index.v1+json"
MANIFEST = "application/vnd.oci.image.manifest.v1+json"
DOCKER_LIST = "application/vnd.docker.distribution.manifest.list.v2+json"
DOCKER_MANIFEST = "application/vnd.docker.distribution.manifest.v2+json"
EMPTY = "application/vnd.oci.empty.v1+json"
KINDS = (INDEX, MANIFEST, DOCKER_LIST, DOCKER_MANIFEST)
"""Media types of manifests that are understood."""
SHORT = 19
"""Letters of a digest that people are shown: `sha256:` and 12."""


def canonical(value: Any) -> bytes:
    """JSON that is the same for the same value: sorted, without blanks."""
    return json.dumps(value, sort_keys=True, separators=(",", ":"), ensure_ascii=False, allow_nan=False).encode()


def digest_of(content: bytes) -> str:
    return f"sha256:{hashlib.sha256(content).hexdigest()}"


@dataclass(frozen=True, kw_only=True, slots=True)
class Descriptor:
    """Names something by its digest."""

    media_type: str
    digest: str
    size: int
    annotations: Mapping[str, str] = field(default_factory=dict)
    artifact_type: str = ""
    platform: Mapping[str, Any] | None = None

    @classmethod
    def read(cls, value: Mapping[str, Any]) -> Descriptor:
        """From JSON. Raises KeyError and TypeError for what is none."""
        return cls(
            media_type=str(value["mediaType"]),
            digest=str(value["digest"]),
            size=int(value["size"]),
            annotations=dict(value.get("annotations") or {}),
            artifact_type=str(value.get("artifactType") or ""),
            platform=value.get("platform"),
        )

    def to_json(self) -> dict[str, Any]:
        found: dict[str, Any] = {"mediaType": self.media_type, "digest": self.digest, "size": self.size}
        if self.artifact_type:
            found["artifactType"] = self.artifact_type
        if self.platform:
            found["platform"] = dict(self.platform)
        if self.annotations:
            found["annotations"] = dict(sorted(self.annotations.items()))
        return found


def blob_of(content: bytes, media_type: str) -> Descriptor:
    return Descriptor(media_type=media_type, digest=digest_of(content), size=len(content))


EMPTY_BLOB = b"{}"
EMPTY_CONFIG = blob_of(EMPTY_BLOB, EMPTY)
"""The configuration of what is no image."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Manifest:
    """A manifest or an index: its very bytes."""

    content: bytes
    media_type: str

    @classmethod
    def of(cls, document: Mapping[str, Any]) -> Manifest:
        """Write one: the same document gives the same digest."""
        return cls(content=canonical(document), media_type=str(document["mediaType"]))

    @property
    def digest(self) -> str:
        return digest_of(self.content)

    @property
    def document(self) -> dict[str, Any]:
        """Raises ValueError for what is no JSON object."""
        found = json.loads(self.content)
        if not isinstance(found, dict):
            raise ValueError("a manifest is a JSON object")  # noqa: TRY004 - of a document, not of an argument
        return found

    @property
    def descriptor(self) -> Descriptor:
        document = self.document
        config = document.get("config") or {}
        return Descriptor(
            media_type=self.media_type,
            digest=self.digest,
            size=len(self.content),
            annotations=document.get("annotations") or {},
            artifact_type=document.get("artifactType") or (config.get("mediaType", "") if self.subject else ""),
        )

    @property
    def is_index(self) -> bool:
        return self.media_type in (INDEX, DOCKER_LIST)

    @property
    def annotations(self) -> dict[str, str]:
        return dict(self.document.get("annotations") or {})

    @property
    def subject(self) -> str | None:
        """Digest of what it is attached to."""
        subject = self.document.get("subject")
        return str(subject["digest"]) if subject else None

    def children(self) -> Iterator[Descriptor]:
        """Manifests that an index names."""
        yield from (Descriptor.read(one) for one in self.document.get("manifests") or ())

    def blobs(self) -> Iterator[Descriptor]:
        """The configuration and the layers, each once."""
        document = self.document
        found = [*([document["config"]] if document.get("config") else ()), *(document.get("layers") or ())]
        yield from {one["digest"]: Descriptor.read(one) for one in found}.values()


def artifact(
    *, artifact_type: str, layers: Mapping[str, bytes], subject: Descriptor | None, annotations: Mapping[str, str]
) -> Manifest:
    """A manifest of what is no image. `layers`: media type to content; it is the caller's to put those blobs."""
    document: dict[str, Any] = {
        "schemaVersion": 2,
        "mediaType": MANIFEST,
        "artifactType": artifact_type,
        "config": EMPTY_CONFIG.to_json(),
        "layers": [blob_of(content, media_type).to_json() for media_type, content in layers.items()],
        "annotations": dict(annotations),
    }
    if subject:
        document["subject"] = {"mediaType": subject.media_type, "digest": subject.digest, "size": subject.size}
    return Manifest.of(document)
