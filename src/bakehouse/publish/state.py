"""What a registry held when it was read: the plan is made from this and nothing else. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date

from bakehouse.publish.channel import ChannelHistory
from bakehouse.publish.facts import Measured


@dataclass(frozen=True, kw_only=True, slots=True)
class VariantState:
    """Of one variant and one channel."""

    staged: Mapping[str, str | None]
    """Digest of each image to the tag that it has in staging; those that are not there are left out."""
    in_target: frozenset[str]
    """Digests, of images and of the index."""
    attached: frozenset[tuple[str, str]]
    """Keys of statements that our key signed and the index has."""
    immutable: str | None
    """What the immutable tag names."""
    tags: Mapping[str, str]
    """The channel's tags to what they name; those that are not there are left out."""
    history: ChannelHistory
    """Of this channel."""
    others: tuple[ChannelHistory, ...] = ()
    """Of the variant's other channels."""
    present: Measured | None = None
    """What is known of the image that the channel names."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Held:
    """One index or image of a repository, with what would go with it."""

    digest: str
    children: tuple[str, ...] = ()
    attached: tuple[str, ...] = ()
    """Referrers, those of referrers, and the indexes that list them where there is no API."""
    expires: date | None = None
    """What was announced."""


@dataclass(frozen=True, kw_only=True, slots=True)
class RepositoryState:
    """All of a repository, for retention and for `--list`."""

    name: str
    tags: Mapping[str, str]
    held: Mapping[str, Held]
    """By digest: what the tags name."""
    histories: tuple[ChannelHistory, ...]
    journal: tuple[str, ...] = ()
    """What an earlier prune began to delete."""
    staging_tags: Mapping[str, str] = field(default_factory=dict)
    staging_held: Mapping[str, Held] = field(default_factory=dict)
    staging_journal: tuple[str, ...] = ()
