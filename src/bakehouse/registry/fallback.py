"""Referrers where a registry has no API for them: an index under the tag `sha256-HEX`.

https://github.com/opencontainers/distribution-spec/blob/v1.1.1/spec.md#referrers-tag-schema . It is read, changed and
written as a whole, and no registry can compare and swap: one writer for a subject at a time, and what was written is
read back.
"""

from __future__ import annotations

import re
from collections.abc import Sequence

from bakehouse.registry.content import INDEX, Descriptor, Manifest
from bakehouse.registry.store import RegistryError, Store

_ATTEMPTS = 3
_TAG = re.compile(r"sha256-[0-9a-f]{64}(?:\.(?:sig|att|sbom))?")
"""Those of older cosign included."""


def tag_of(digest: str) -> str:
    return digest.replace(":", "-")


def is_one(tag: str) -> bool:
    return bool(_TAG.fullmatch(tag))


def listed(found: Manifest | None, *, subject: str) -> list[Descriptor]:
    """What an index lists. GitLab's registry resolves the tag to the subject itself, which lists nothing."""
    if found is None or not found.is_index or found.digest == subject:
        return []
    return list(found.children())


def add(store: Store, manifest: Manifest) -> None:
    """List a manifest among the referrers of its subject. Raises RegistryError where other writers undo it."""
    subject = manifest.subject or ""
    for _ in range(_ATTEMPTS):
        had = listed(store.manifest(tag_of(subject)), subject=subject)
        if any(one.digest == manifest.digest for one in had):
            return
        store.put_manifest(index([*had, manifest.descriptor]), tag=tag_of(subject))
    if any(one.digest == manifest.digest for one in listed(store.manifest(tag_of(subject)), subject=subject)):
        return
    raise RegistryError(
        f"{store.name}: the list of what is attached to {subject} is written by others at the same time",
        hint="Let one job at a time publish an image (in CI: a concurrency group).",
    )


def index(entries: Sequence[Descriptor]) -> Manifest:
    return Manifest.of({"schemaVersion": 2, "mediaType": INDEX, "manifests": [one.to_json() for one in entries]})
