"""What may go, and when; announced before it goes. Pure.

Roots stay with all that they name: what a channel names, what the lockfile or the history's baseline names, and the
newest tags of each variant. Only what our own channels published is ever removed, always by digest.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import date, datetime, timedelta

from bakehouse.model.publish import Publish, Retention
from bakehouse.publish import channel as channels
from bakehouse.publish.channel import ChannelEntry
from bakehouse.publish.plan import STAGING_PREFIX
from bakehouse.publish.state import Held, RepositoryState
from bakehouse.publish.steps import Announce, Delete, DropJournal, Step, Where, WriteJournal

_DAY = re.compile(rf"{STAGING_PREFIX}([0-9]{{4}})([0-9]{{2}})([0-9]{{2}})-[0-9a-f]{{12}}")


@dataclass(frozen=True, kw_only=True, slots=True)
class Published:
    """An immutable tag, and what becomes of it."""

    tag: str
    digest: str
    variant: str
    time: datetime
    kept: str = ""
    """Why it stays; empty: it may go."""
    expires: date | None = None
    """The day from which it may be gone, where it may: announced, or to be announced."""
    announced: bool = False


def published(state: RepositoryState, policy: Publish, *, roots: Mapping[str, str], now: datetime) -> list[Published]:
    """Every immutable tag that is there, the newest first. `roots`: digests that stay, with the reason."""
    found = []
    by_variant: dict[str, list[tuple[str, ChannelEntry]]] = {}
    for variant in sorted({history.variant for history in state.histories}):
        known = channels.known_tags([history for history in state.histories if history.variant == variant])
        by_variant[variant] = [(tag, entry) for tag, entry in known.items() if state.tags.get(tag) == entry.digest]
    named = _named(state, policy)
    for variant, tags in by_variant.items():
        newest_first = sorted(tags, key=lambda one: one[1].time, reverse=True)
        for place, (tag, entry) in enumerate(newest_first):
            last = max(one.time for history in state.histories for one in history.of(entry.digest))
            kept = named.get(entry.digest) or _root(state, entry.digest, roots)
            if not kept and place < policy.retention.keep:
                kept = f"one of the newest {policy.retention.keep}"
            held = state.held.get(entry.digest)
            found.append(
                Published(
                    tag=tag,
                    digest=entry.digest,
                    variant=variant,
                    time=entry.time,
                    kept=kept,
                    expires=None if kept else _expires(last, held, policy.retention, now),
                    announced=bool(held and held.expires),
                )
            )
    return sorted(found, key=lambda one: (one.variant, -one.time.timestamp(), one.tag))


def _named(state: RepositoryState, policy: Publish) -> dict[str, str]:
    """Digests that channels name now: by the tags as they are, whatever their history says."""
    variants = {history.variant for history in state.histories}
    names = {*policy.channels, *(history.channel for history in state.histories)}
    tags = [*names, *(channels.channel_tag(name, variant) for name in names for variant in variants)]
    return {state.tags[tag]: f"{tag} names it" for tag in sorted(tags) if tag in state.tags}


def _root(state: RepositoryState, digest: str, roots: Mapping[str, str]) -> str:
    held = state.held.get(digest)
    return next((roots[one] for one in (digest, *(held.children if held else ())) if one in roots), "")


def _expires(last: datetime, held: Held | None, rules: Retention, now: datetime) -> date | None:
    """As announced, and never sooner; else as it would be announced today."""
    if held and held.expires:
        return held.expires
    return max(last.date() + timedelta(days=rules.days), now.date() + timedelta(days=rules.notice_days))


def plan(state: RepositoryState, policy: Publish, *, roots: Mapping[str, str], now: datetime) -> tuple[Step, ...]:
    """Announcements that are due, then what was announced and may go now, then what waits in staging for nothing."""
    all_tags = published(state, policy, roots=roots, now=now)
    steps: list[Step] = [*_announcements(all_tags, policy, now)]
    going = [one for one in all_tags if one.announced and one.expires and one.expires <= now.date()]
    keep = _reached(state, without={one.digest for one in going})
    steps += _deletions("target", _with_all(state, going, keep), _left(state.journal, keep))
    waiting = _of_staging(state, policy, roots, now)
    staying = {digest for digest in state.staging_held if digest not in waiting}
    steps += _deletions("staging", waiting, _left(state.staging_journal, staying))
    return tuple(steps)


def _left(journal: tuple[str, ...], keep: set[str]) -> tuple[str, ...]:
    """What an earlier run began to delete, and nothing has come to need since."""
    return tuple(digest for digest in journal if digest not in keep)


def _announcements(all_tags: list[Published], policy: Publish, now: datetime) -> Iterator[Announce]:
    """When what is left of its days is the time of the notice."""
    for one in all_tags:
        if one.kept or one.announced or one.expires is None:
            continue
        if (one.expires - now.date()).days <= policy.retention.notice_days:
            yield Announce(digest=one.digest, tag=one.tag, expires=one.expires.isoformat())


def _reached(state: RepositoryState, *, without: set[str]) -> set[str]:
    """Digests that anything which stays needs."""
    found: set[str] = set()
    for digest, held in state.held.items():
        if digest not in without:
            found |= {digest, *held.children, *held.attached}
    return found


def _with_all(state: RepositoryState, going: list[Published], keep: set[str]) -> dict[str, str]:
    """Each index first, so that its tag is gone before anything that it needs; then what only it had."""
    found = {}
    for one in going:
        held = state.held[one.digest]
        found[one.digest] = one.tag
        found |= {digest: f"of {one.tag}" for digest in (*held.attached, *held.children) if digest not in keep}
    return found


def _of_staging(state: RepositoryState, policy: Publish, roots: Mapping[str, str], now: datetime) -> dict[str, str]:
    """What is older than a notice takes: it was published, or no gate will let it any more."""
    found = {}
    for tag, digest in state.staging_tags.items():
        day = _DAY.fullmatch(tag)
        if not day or digest in roots:
            continue
        age = (now.date() - date(int(day[1]), int(day[2]), int(day[3]))).days
        if age > policy.retention.notice_days:
            held = state.staging_held.get(digest)
            found[digest] = tag
            found |= dict.fromkeys((*held.attached, *held.children), f"of {tag}") if held else {}
    return found


def _deletions(where: Where, digests: Mapping[str, str], journal: tuple[str, ...]) -> Iterator[Step]:
    """All that is going is written down first: when the index is gone, nothing else names what it had."""
    todo = {**dict.fromkeys(journal, "left by an earlier run"), **digests}
    if not todo:
        return
    if set(todo) != set(journal):
        yield WriteJournal(where=where, digests=tuple(todo))
    for digest, what in todo.items():
        yield Delete(where=where, digest=digest, what=what)
    yield DropJournal(where=where)
