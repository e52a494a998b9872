"""What channels name, with all that is attached to it: drawn from the registry alone.

Only statements that the known key has signed count. Only GET and HEAD.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import bakehouse
from bakehouse.errors import BakehouseError
from bakehouse.model import annotations as names
from bakehouse.model.enums import AcceleratorName
from bakehouse.model.image_catalogue import (
    Event,
    Figure,
    Going,
    ImageCatalogue,
    PlatformImage,
    PublishedImage,
    Tested,
)
from bakehouse.model.matrix import Gpu, Matrix
from bakehouse.model.publish import Publish
from bakehouse.planning.gpus import CPU, Fit, Target, fit
from bakehouse.publish import channel as channels
from bakehouse.publish import retention
from bakehouse.publish.channel import ChannelHistory
from bakehouse.publish.hardware import MachineFacts
from bakehouse.publish.reading import bundles, repository_state
from bakehouse.publish.signing import Opened, Verifier
from bakehouse.publish.state import RepositoryState
from bakehouse.publish.verify import title
from bakehouse.registry.content import Descriptor, Manifest
from bakehouse.registry.store import Source


@dataclass(frozen=True, kw_only=True, slots=True)
class Collector:
    policy: Publish
    matrix: Matrix
    """For the cards that images hold code for."""
    key: Verifier | None
    roots: Mapping[str, str]
    """Digests that stay, with the reason."""
    now: datetime

    def collect(self, stores: Mapping[str, tuple[Source, Source | None]], *, title: str) -> ImageCatalogue:
        """`stores`: target and staging by recipe. What cannot be read is noted in the catalogue."""
        images: list[PublishedImage] = []
        going: list[Going] = []
        unread: list[str] = []
        for recipe, (target, staging) in stores.items():
            try:
                state = repository_state(target, staging)
                images += self._images(recipe, target, state)
                going += self._going(target, state)
            except BakehouseError as error:
                unread.append(f"{target.name} cannot be read: {error.message}")
        return ImageCatalogue(
            bakehouse=bakehouse.__version__,
            made=self.now,
            title=title,
            images=sorted(
                images, key=lambda one: (list(self.policy.channels).index(one.channel), one.recipe, one.variant)
            ),
            going=going,
            unread=unread,
        )

    def _images(self, recipe: str, target: Source, state: RepositoryState) -> Iterator[PublishedImage]:
        for history in state.histories:
            digest = state.tags.get(channels.channel_tag(history.channel, history.variant))
            manifest = target.manifest(digest) if digest else None
            if digest and manifest and history.channel in self.policy.channels:
                yield self._image(recipe, target, state, history, manifest)

    def _image(
        self, recipe: str, target: Source, state: RepositoryState, history: ChannelHistory, manifest: Manifest
    ) -> PublishedImage:
        valid = [opened for _, opened in bundles(target, manifest.digest, self.key) if opened.valid]
        rules, told, held = self.policy.channels[history.channel], manifest.annotations, state.held.get(manifest.digest)
        archs = _list(told.get(names.ARCHS))
        ptx = told.get(names.PTX) or None
        accelerator = told.get(names.ACCELERATOR, "")
        platforms = [_platform(one, valid) for one in manifest.children()] or [_single(manifest, valid)]
        tags = [tag for tag, digest in state.tags.items() if digest == manifest.digest]
        moving = channels.tags_of(history.channel, history.variant, rules)
        return PublishedImage(
            channel=history.channel,
            recipe=recipe,
            variant=history.variant,
            repository=target.name,
            digest=manifest.digest,
            tags=[*(tag for tag in moving if tag in tags), *(sorted(tag for tag in tags if tag not in moving))],
            title=told.get(names.TITLE, ""),
            version=told.get(names.VERSION, ""),
            revision=told.get(names.REVISION, ""),
            accelerator=accelerator,
            toolkit=told.get(names.TOOLKIT, ""),
            flag_set=told.get(names.FLAG_SET, "default"),
            archs=archs,
            ptx=ptx,
            driver_floor=told.get(names.DRIVER_FLOOR) or None,
            driver_floor_minor=told.get(names.DRIVER_FLOOR_MINOR) or None,
            platforms=platforms,
            cards=cards(accelerator, archs, [one.platform for one in platforms], self.matrix),
            figures=[figure for one in _of(valid, names.MEASUREMENTS) for figure in _figures(one)],
            tests=[_tested(one) for one in _of(valid, names.TEST_RESULT)],
            attestations=list(dict.fromkeys(title(one.predicate_type) for one in valid)),
            is_signed=bool(_of(valid, names.SIGNATURE)),
            history=[_event(entry) for entry in reversed(history.entries)],
            confirmed=channels.confirmed(history),
            is_stale=channels.is_stale(history, max_age_days=rules.max_age_days, now=self.now),
            expires=held.expires if held else None,
        )

    def _going(self, target: Source, state: RepositoryState) -> Iterator[Going]:
        for one in retention.published(state, self.policy, roots=self.roots, now=self.now):
            if one.expires and one.announced:
                yield Going(
                    repository=target.name, tag=one.tag, digest=one.digest, variant=one.variant, expires=one.expires
                )


def cards(accelerator: str, archs: Sequence[str], platforms: Sequence[str], matrix: Matrix) -> list[str]:
    """Cards of the catalogue that the image holds code for, other than PTX; `cpu` for one that needs none."""
    own = next((one for one in AcceleratorName if one == accelerator), None)
    if own is None:
        return []
    if own is AcceleratorName.CPU:
        return [CPU]
    known = [arch for arch in archs if arch in matrix.archs]
    if archs and not known:
        return []
    here = {name: gpu for name, gpu in matrix.gpus.items() if gpu.platform in platforms}
    return [name for name, gpu in here.items() if _runs(name, gpu, own, known, matrix)]


def _runs(name: str, gpu: Gpu, accelerator: AcceleratorName, archs: Sequence[str], matrix: Matrix) -> bool:
    target = Target(
        name=name, accelerators=(gpu.accelerator, *gpu.also), arch=gpu.arch, platforms=(gpu.platform,), gpu=gpu
    )
    how = fit(target, accelerator=accelerator, platform=gpu.platform, archs=archs, matrix=matrix)
    return how not in (None, Fit.PTX)


def _list(text: str | None) -> list[str]:
    return [word for word in (text or "").split(",") if word]


def _of(valid: Sequence[Opened], predicate_type: str) -> list[Mapping[str, Any]]:
    """Predicates of one type, the newest first."""
    found = [one.predicate for one in valid if one.predicate_type == predicate_type]
    return sorted(found, key=lambda one: str(one.get("time", "")), reverse=True)


def _platform(child: Descriptor, valid: Sequence[Opened]) -> PlatformImage:
    where = child.platform or {}
    words = "/".join(str(where[part]) for part in ("os", "architecture", "variant") if where.get(part))
    return _named(
        child.digest,
        words,
        child.annotations.get(names.CELL, ""),
        valid,
        compressed=child.annotations.get(names.BYTES_COMPRESSED),
        unpacked=child.annotations.get(names.BYTES_UNPACKED),
    )


def _single(manifest: Manifest, valid: Sequence[Opened]) -> PlatformImage:
    """Of an image that is no index: it says its cell itself."""
    return _named(manifest.digest, "", manifest.annotations.get(names.CELL, ""), valid)


def _named(
    digest: str,
    platform: str,
    cell: str,
    valid: Sequence[Opened],
    *,
    compressed: str | None = None,
    unpacked: str | None = None,
) -> PlatformImage:
    built = next((one for one in valid if one.predicate_type == names.PROVENANCE and digest in one.subjects), None)
    definition = (built.predicate.get("buildDefinition") or {}) if built else {}
    metadata = ((built.predicate.get("runDetails") or {}).get("metadata") or {}) if built else {}
    return PlatformImage(
        platform=platform,
        digest=digest,
        cell=cell,
        bytes_compressed=_bytes(compressed),
        bytes_unpacked=_bytes(unpacked),
        commit=_commit(definition.get("resolvedDependencies") or ()),
        started=metadata.get("startedOn"),
    )


def _bytes(text: str | None) -> int | None:
    return int(text) if text and text.isascii() and text.isdigit() else None


def _commit(dependencies: Sequence[Mapping[str, Any]]) -> str:
    """Of the project; empty where it is unknown, or its files differed from the commit."""
    for one in dependencies:
        if one.get("name") == "matrix" and not (one.get("annotations") or {}).get("dirty"):
            return str((one.get("digest") or {}).get("gitCommit", ""))
    return ""


def _figures(predicate: Mapping[str, Any]) -> Iterator[Figure]:
    machine = MachineFacts.read(predicate.get("machine"))
    for one in predicate.get("figures") or ():
        if isinstance(one.get("median"), int | float):
            yield Figure(
                cell=str(predicate.get("cell", "")),
                machine=machine.title if machine else "an unknown machine",
                device=machine.device if machine else "",
                workload=str(one.get("workload", "")),
                metric=str(one.get("metric", "")),
                unit=str(one.get("unit", "")),
                median=float(one["median"]),
                low=one.get("low"),
                high=one.get("high"),
                grade=str(one.get("grade", "")),
                time=str(predicate.get("time", "")),
            )


def _tested(predicate: Mapping[str, Any]) -> Tested:
    return Tested(
        cell=str(predicate.get("cell", "")),
        result=str(predicate.get("result", "")),
        passed=len(predicate.get("passedTests") or ()),
        skipped=len(predicate.get("warnedTests") or ()),
        failed=[str(name) for name in predicate.get("failedTests") or ()],
        time=str(predicate.get("time", "")),
    )


def _event(entry: channels.ChannelEntry) -> Event:
    return Event(kind=entry.kind, digest=entry.digest, tag=entry.tag, time=entry.time, runs=list(entry.runs))
