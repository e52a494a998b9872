"""Bring along what is attached to an image, as oras and regctl copy it."""

from __future__ import annotations

from bakehouse.registry.copying import put_blob, required
from bakehouse.registry.store import Source, Store


def copy_referrers(digest: str, *, source: Source, target: Store) -> int:
    """All that is attached to a digest, and what is attached to that. How many there are."""
    found = 0
    for one in source.referrers(digest):
        copy_attached(one.digest, subject=digest, source=source, target=target)
        found += 1 + copy_referrers(one.digest, source=source, target=target)
    return found


def copy_attached(digest: str, *, subject: str, source: Source, target: Store) -> None:
    """One referrer. It may be there and not be listed: a copy that was cut off between the two."""
    if any(one.digest == digest for one in target.referrers(subject)):
        return
    manifest = required(source, digest)
    for blob in manifest.blobs():
        put_blob(blob, source=source, target=target)
    target.put_manifest(manifest)
