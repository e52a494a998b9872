"""Small images, made by hand: the same seed gives the same digest."""

from __future__ import annotations

import gzip
import hashlib
import io
import random
import tarfile
from collections.abc import Mapping
from pathlib import Path

from bakehouse.registry.content import MANIFEST, Manifest, blob_of, canonical
from bakehouse.registry.layout import LayoutFolder
from bakehouse.registry.store import Store, opener

CONFIG = "application/vnd.oci.image.config.v1+json"
LAYER = "application/vnd.oci.image.layer.v1.tar+gzip"


def layer(files: Mapping[str, bytes]) -> tuple[bytes, str]:
    """A compressed layer, and the digest of what is in it."""
    raw = io.BytesIO()
    with tarfile.open(fileobj=raw, mode="w") as tar:
        for name, content in sorted(files.items()):
            member = tarfile.TarInfo(name)
            member.size = len(content)
            tar.addfile(member, io.BytesIO(content))
    return gzip.compress(raw.getvalue(), mtime=0), f"sha256:{hashlib.sha256(raw.getvalue()).hexdigest()}"


def put_image(
    store: Store,
    *,
    seed: str = "1",
    architecture: str = "amd64",
    labels: Mapping[str, str] | None = None,
    files: Mapping[str, bytes] | None = None,
    size: int = 4096,
) -> Manifest:
    """One image of two layers, of which the lower is the same in all."""
    noise = random.Random(f"{seed}-{architecture}").randbytes(size)
    layers = [layer({"common": b"shared"}), layer({"payload": noise, **(files or {})})]
    config = canonical(
        {
            "architecture": architecture,
            "os": "linux",
            "created": "1970-01-01T00:00:00Z",
            "config": {"Cmd": ["/payload"], "Labels": dict(labels or {})},
            "rootfs": {"type": "layers", "diff_ids": [diff for _, diff in layers]},
        }
    )
    for content, media_type in [*((content, LAYER) for content, _ in layers), (config, CONFIG)]:
        store.put_blob(blob_of(content, media_type), opener(content))
    manifest = Manifest.of(
        {
            "schemaVersion": 2,
            "mediaType": MANIFEST,
            "config": blob_of(config, CONFIG).to_json(),
            "layers": [blob_of(content, LAYER).to_json() for content, _ in layers],
        }
    )
    store.put_manifest(manifest)
    return manifest


def layout_with(folder: Path, *, tag: str = "img", **given: object) -> tuple[LayoutFolder, Manifest]:
    store = LayoutFolder(folder)
    manifest = put_image(store, **given)  # type: ignore[arg-type]
    store.put_manifest(manifest, tag=tag)
    return store, manifest
