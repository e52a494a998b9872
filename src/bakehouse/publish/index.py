"""One index from images that were each built and tested on a machine of their platform. Pure.

Sorted and without a date: the same images give the same digest, on whatever machine it is written.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from bakehouse.model import annotations as names
from bakehouse.publish.candidates import Candidate, Variant
from bakehouse.registry.content import INDEX, Manifest


@dataclass(frozen=True, kw_only=True, slots=True)
class Prepared:
    """An image whose manifest has been read."""

    candidate: Candidate
    manifest: Manifest
    config: Mapping[str, Any]
    """Its configuration: platform and labels."""

    @property
    def labels(self) -> Mapping[str, str]:
        return (self.config.get("config") or {}).get("Labels") or {}

    @property
    def platform(self) -> dict[str, str]:
        found = {key: str(self.config[key]) for key in ("architecture", "os", "variant") if self.config.get(key)}
        return found or {"architecture": self.candidate.platform.partition("/")[2], "os": "linux"}

    @property
    def bytes_compressed(self) -> int:
        return sum(layer["size"] for layer in self.manifest.document.get("layers") or ())


def join(variant: Variant, images: Sequence[Prepared]) -> Manifest:
    """The index of a variant, with what its images say of themselves and agree on."""
    ordered = sorted(images, key=lambda one: one.candidate.platform)
    return Manifest.of(
        {
            "schemaVersion": 2,
            "mediaType": INDEX,
            "manifests": [_entry(one) for one in ordered],
            "annotations": _shared(variant, ordered),
        }
    )


def _entry(image: Prepared) -> dict[str, Any]:
    size = image.candidate.image
    told = {names.CELL: image.candidate.cell, names.BYTES_COMPRESSED: str(image.bytes_compressed)}
    if size:
        told[names.BYTES_UNPACKED] = str(size.bytes_unpacked)
    return {
        "mediaType": image.manifest.media_type,
        "digest": image.manifest.digest,
        "size": len(image.manifest.content),
        "platform": image.platform,
        "annotations": dict(sorted(told.items())),
    }


def _shared(variant: Variant, images: Sequence[Prepared]) -> dict[str, str]:
    found = {names.RECIPE: variant.recipe, names.VARIANT: variant.name, names.TITLE: f"{variant.recipe}-{variant.name}"}
    for name in names.OF_THE_IMAGE:
        values = {image.labels.get(name, "") for image in images}
        if len(values) == 1 and (value := values.pop()):
            found[name] = value
    return dict(sorted(found.items()))


def version_of(images: Sequence[Prepared]) -> str:
    """What the images say they are: a tag says no other version (xinference#1216). Empty where they disagree."""
    values = {image.labels.get(names.VERSION, "") for image in images}
    return values.pop() if len(values) == 1 else ""
