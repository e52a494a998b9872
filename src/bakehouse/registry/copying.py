"""Copies from one store to another: what a manifest names first, then the manifest, so nothing is ever half there."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator

from bakehouse.registry.content import Descriptor, Manifest
from bakehouse.registry.store import NoSuchContentError, Placed, Source, Store

Say = Callable[[str], None]


def copy(digest: str, *, source: Source, target: Store, tag: str | None = None) -> Counter[Placed]:
    """A manifest with all that it names. How its blobs came there; nothing where it was there already.

    Raises NoSuchContentError and RegistryError.
    """
    placed: Counter[Placed] = Counter()
    if target.resolve(digest) is None:
        manifest = required(source, digest)
        for child in manifest.children():
            placed += copy(child.digest, source=source, target=target)
        for blob in manifest.blobs():
            placed[put_blob(blob, source=source, target=target)] += 1
        target.put_manifest(manifest)
    if tag and target.resolve(tag) != digest:
        target.put_manifest(required(target, digest), tag=tag)
    return placed


def put_blob(blob: Descriptor, *, source: Source, target: Store) -> Placed:
    return target.put_blob(blob, lambda: source.open_blob(blob), mount_from=source)


def required(store: Source, reference: str) -> Manifest:
    """Raises NoSuchContentError."""
    found = store.manifest(reference)
    if found is None:
        raise NoSuchContentError(f"{store.name} has no {reference}")
    return found


def platforms(store: Source, manifest: Manifest) -> Iterator[Descriptor]:
    """Images of an index, without attestations that buildx keeps in it; of a single image, itself."""
    if not manifest.is_index:
        yield manifest.descriptor
        return
    for child in manifest.children():
        if "vnd.docker.reference.type" in child.annotations:
            continue
        found = store.manifest(child.digest)
        if found is not None and found.is_index:
            yield from platforms(store, found)
        elif found is not None:
            yield child
