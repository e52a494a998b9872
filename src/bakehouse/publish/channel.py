"""The history of a channel: every digest that it named, since when, and why. It is an artifact in the registry. Pure.

Rollback, retention and `--list` need no other record.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Literal

from pydantic import BaseModel, ConfigDict, ValidationError

from bakehouse.model import annotations as names
from bakehouse.model.publish import Channel
from bakehouse.registry.content import Manifest, artifact, canonical

HISTORY_SUFFIX = ".history"
_KEPT = 1000


class ChannelEntry(BaseModel):
    """The channel was moved to a digest, or a run confirmed it."""

    model_config = ConfigDict(extra="ignore", frozen=True)

    kind: Literal["moved", "confirmed", "rolled-back"]
    digest: str
    tag: str = ""
    """The immutable tag of the digest."""
    runs: tuple[str, ...] = ()
    """Whose reports said so."""
    built: datetime | None = None
    """When the run began that built it: a channel does not go back before it by itself."""
    time: datetime
    """When it was published, UTC."""
    left: str = ""
    """Of a rollback: the digest that was left, which no later run may move the channel to again."""


class ChannelHistory(BaseModel):
    """Oldest first."""

    model_config = ConfigDict(extra="ignore", frozen=True)

    channel: str
    variant: str
    entries: tuple[ChannelEntry, ...] = ()

    @property
    def newest(self) -> ChannelEntry | None:
        return self.entries[-1] if self.entries else None

    @property
    def refused(self) -> frozenset[str]:
        """Digests that were rolled back from, and not chosen again since."""
        found: set[str] = set()
        for entry in self.entries:
            found.discard(entry.digest)
            if entry.kind == "rolled-back" and entry.left:
                found.add(entry.left)
        return frozenset(found)

    def of(self, digest: str) -> list[ChannelEntry]:
        """What it says of an image, by its digest or by how that begins, as tables show it."""
        return [entry for entry in self.entries if entry.digest.startswith(digest)]

    def with_entry(self, entry: ChannelEntry) -> ChannelHistory:
        return self.model_copy(update={"entries": (*self.entries, entry)[-_KEPT:]})

    def previous(self, now: str) -> ChannelEntry | None:
        """The last entry of another digest than the present one that was not itself left by a rollback."""
        others = [entry for entry in self.entries if entry.digest != now and entry.digest not in self.refused]
        return others[-1] if others else None


def channel_tag(channel: str, variant: str) -> str:
    """`nightly-cuda12.9-sm120`."""
    return f"{channel}-{variant}"


def tags_of(channel: str, variant: str, policy: Channel) -> tuple[str, ...]:
    """The tags that move together; the last is the plain one, where the policy gives it to this variant."""
    own = channel_tag(channel, variant)
    return (own, channel) if policy.plain == variant else (own,)


def history_tag(channel: str, variant: str) -> str:
    return channel_tag(channel, variant) + HISTORY_SUFFIX


def write(history: ChannelHistory) -> tuple[Manifest, bytes]:
    """The artifact, and the blob that it names."""
    content = canonical(history.model_dump(mode="json"))
    manifest = artifact(
        artifact_type=names.HISTORY_TYPE,
        layers={names.HISTORY_TYPE: content},
        subject=None,
        annotations={names.VARIANT: history.variant},
    )
    return manifest, content


def read(content: bytes) -> ChannelHistory | None:
    """None: it is no history of ours."""
    try:
        return ChannelHistory.model_validate_json(content)
    except ValidationError:
        return None


def confirmed(history: ChannelHistory) -> datetime | None:
    """When a run last said that the channel is right: its age counts from there."""
    return history.newest.time if history.newest else None


def is_stale(history: ChannelHistory, *, max_age_days: int, now: datetime) -> bool:
    last = confirmed(history)
    return last is None or (now - last).days >= max(1, max_age_days)


def known_tags(histories: Sequence[ChannelHistory]) -> dict[str, ChannelEntry]:
    """Immutable tags that any channel ever had, with the entry that published each first."""
    found: dict[str, ChannelEntry] = {}
    for history in histories:
        for entry in history.entries:
            if entry.tag and (entry.tag not in found or entry.time < found[entry.tag].time):
                found[entry.tag] = entry
    return found
