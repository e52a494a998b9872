"""Reads a registry before anything is planned. Only GET and HEAD."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from datetime import date

from bakehouse.model import annotations as names
from bakehouse.publish import channel as channels
from bakehouse.publish.attestations import key
from bakehouse.publish.channel import HISTORY_SUFFIX, ChannelHistory
from bakehouse.publish.facts import Measured
from bakehouse.publish.index import join
from bakehouse.publish.plan import STAGING_PREFIX, PublishRequest, immutable_tag, staging_tag
from bakehouse.publish.signing import Opened, Verifier, open_bundle
from bakehouse.publish.state import Held, RepositoryState, VariantState
from bakehouse.registry import fallback
from bakehouse.registry.content import Descriptor, Manifest
from bakehouse.registry.store import Source

JOURNAL = "bakehouse.prune"
_DEEPEST = 4


def variant_state(
    request: PublishRequest, *, target: Source, staging: Source | None, key: Verifier | None
) -> VariantState:
    """What is needed to plan one variant. Raises RegistryError."""
    index = join(request.variant, request.images)
    digests = [one.digest for one in request.variant.candidates]
    staged = {
        one.digest: _staged(staging, staging_tag(one), one.digest) for one in request.variant.candidates if staging
    }
    have = frozenset(one for one in (*digests, index.digest) if target.resolve(one))
    others = tuple(
        read_history(target, other, request.variant.name)
        for other in request.policy.channels
        if other != request.channel
    )
    if request.channel is None:
        empty = ChannelHistory(channel="", variant=request.variant.name)
        return VariantState(
            staged=_there(staged), in_target=have, attached=frozenset(), immutable=None, tags={}, history=empty
        )
    history = read_history(target, request.channel, request.variant.name)
    known = channels.known_tags([history, *others])
    tag = next((name for name, entry in known.items() if entry.digest == index.digest), immutable_tag(request, index))
    tags = {
        name: target.resolve(name) for name in channels.tags_of(request.channel, request.variant.name, request.rules)
    }
    now = tags[channels.channel_tag(request.channel, request.variant.name)]
    return VariantState(
        staged=_there(staged),
        in_target=have,
        attached=_attached(target, index.digest, key) if index.digest in have else frozenset(),
        immutable=target.resolve(tag),
        tags=_there(tags),
        history=history,
        others=others,
        present=measured(target, now, key) if now else None,
    )


def _there(found: Mapping[str, str | None]) -> dict[str, str]:
    return {name: value for name, value in found.items() if value}


def _staged(staging: Source | None, tag: str, digest: str) -> str | None:
    return tag if staging and staging.resolve(tag) == digest else None


def read_history(store: Source, channel: str, variant: str) -> ChannelHistory:
    """An empty one where there is none, or none that can be read."""
    found = store.manifest(channels.history_tag(channel, variant))
    content = _first_blob(store, found) if found else None
    return (channels.read(content) if content else None) or ChannelHistory(channel=channel, variant=variant)


def bundles(store: Source, digest: str, key: Verifier | None) -> Iterator[tuple[Descriptor, Opened]]:
    """What is attached to a digest and speaks of it. Each is read: cosign's fallback index does not say what it is."""
    for one in store.referrers(digest):
        if one.artifact_type and one.artifact_type not in (names.BUNDLE, "application/vnd.oci.empty.v1+json"):
            continue
        manifest = store.manifest(one.digest)
        content = _first_blob(store, manifest) if manifest else None
        opened = open_bundle(content, key) if content else None
        if opened and digest in opened.subjects:
            yield one, opened


def _attached(store: Source, digest: str, signer: Verifier | None) -> frozenset[tuple[str, str]]:
    return frozenset(
        key(opened.predicate_type, opened.predicate) for _, opened in bundles(store, digest, signer) if opened.valid
    )


def measured(store: Source, digest: str, key: Verifier | None) -> Measured:
    """How fast the image is that a channel names, by what was signed of it."""
    manifest = store.manifest(digest)
    children = [child.digest for child in manifest.children()] if manifest and manifest.is_index else []
    predicates = [
        opened.predicate
        for _, opened in bundles(store, digest, key)
        if opened.predicate_type == names.MEASUREMENTS and opened.valid
    ]
    newest_first = sorted(predicates, key=lambda one: str(one.get("time", "")), reverse=True)
    return Measured(digests=frozenset({digest, *children}), predicates=tuple(newest_first))


def _first_blob(store: Source, manifest: Manifest) -> bytes | None:
    layers = manifest.document.get("layers") or ()
    if not layers or int(layers[0].get("size", 0)) > MOST_BYTES:
        return None
    with store.open_blob(Descriptor.read(layers[0])) as file:
        return file.read()


MOST_BYTES = 64 << 20
"""Of a bundle or a history: an SBOM of 5,000 packages has 4 MB."""


# ------------------------------------------------------------------------------------------------ all of a repository


def repository_state(target: Source, staging: Source | None) -> RepositoryState:
    """Every tag, what each names, and what is attached to that. Raises RegistryError."""
    tags = _resolved(target, target.tags())
    shown = {tag: digest for tag, digest in tags.items() if not tag.endswith(HISTORY_SUFFIX) and tag != JOURNAL}
    histories = [_history_under(target, tag) for tag in tags if tag.endswith(HISTORY_SUFFIX)]
    waiting = _resolved(staging, [tag for tag in staging.tags() if tag.startswith(STAGING_PREFIX)]) if staging else {}
    return RepositoryState(
        name=target.name,
        tags=shown,
        held={digest: held(target, digest) for digest in sorted(set(shown.values()))},
        histories=tuple(history for history in histories if history),
        journal=read_journal(target),
        staging_tags=waiting,
        staging_held={digest: held(staging, digest) for digest in sorted(set(waiting.values()))} if staging else {},
        staging_journal=read_journal(staging) if staging else (),
    )


def _resolved(store: Source, tags: Sequence[str]) -> dict[str, str]:
    return _there({tag: store.resolve(tag) for tag in tags})


def _history_under(store: Source, tag: str) -> ChannelHistory | None:
    found = store.manifest(tag)
    content = _first_blob(store, found) if found else None
    return channels.read(content) if content else None


def held(store: Source, digest: str) -> Held:
    """What would go with a digest. Attestations in buildx's own form are children of the index."""
    manifest = store.manifest(digest)
    children = tuple(child.digest for child in manifest.children()) if manifest else ()
    attached, expires = _all_attached(store, digest, deep=_DEEPEST)
    for child in children:
        attached += _all_attached(store, child, deep=_DEEPEST)[0]
    return Held(digest=digest, children=children, attached=tuple(dict.fromkeys(attached)), expires=expires)


def _all_attached(store: Source, digest: str, *, deep: int) -> tuple[list[str], date | None]:
    found: list[str] = []
    dates = []
    for one in store.referrers(digest):
        found += [*(_all_attached(store, one.digest, deep=deep - 1)[0] if deep else ()), one.digest]
        if one.artifact_type == names.NOTICE_TYPE and (day := _day(one.annotations.get(names.EXPIRES, ""))):
            dates.append(day)
    index = store.resolve(fallback.tag_of(digest))
    if index and index != digest:
        found.append(index)
    return found, min(dates, default=None)


def _day(text: str) -> date | None:
    return date.fromisoformat(text) if re.fullmatch(r"[0-9]{4}-(?:0[1-9]|1[0-2])-(?:0[1-9]|[12][0-9])", text) else None


def read_journal(store: Source) -> tuple[str, ...]:
    found = store.manifest(JOURNAL)
    content = _first_blob(store, found) if found else None
    lines = content.decode("utf-8", errors="replace").split() if content else []
    return tuple(line for line in lines if re.fullmatch(r"sha256:[0-9a-f]{64}", line))
