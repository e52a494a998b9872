"""Back to an image that a channel named before. Nothing is built. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

from bakehouse.model.publish import Channel
from bakehouse.publish import channel as channels
from bakehouse.publish.channel import ChannelEntry, ChannelHistory
from bakehouse.publish.steps import Move, Step, WriteHistory


@dataclass(frozen=True, kw_only=True, slots=True)
class RollbackPlan:
    channel: str
    variant: str
    digest: str | None
    """What the channel goes back to; None with a reason: nothing."""
    reason: str = ""
    steps: tuple[Step, ...] = ()


def plan(
    *, channel: str, variant: str, rules: Channel, history: ChannelHistory, tags: Mapping[str, str], to: str | None,
    now: datetime,
) -> RollbackPlan:  # fmt: skip
    """To the image before the present one, or to a digest that the channel named once.

    It is noted before the tag moves: a rollback that was cut off goes to the same image when it is run again, and one
    that was done is done.
    """
    present = tags.get(channels.channel_tag(channel, variant)) or (history.newest.digest if history.newest else None)
    entry = _chosen(history, present, to)
    if entry is None:
        reason = f"it never named {to}" if to else "it named no other image before"
        return RollbackPlan(channel=channel, variant=variant, digest=None, reason=reason)
    steps: list[Step] = []
    newest = history.newest
    if newest is None or newest.digest != entry.digest:
        noted = ChannelEntry(
            kind="rolled-back",
            digest=entry.digest,
            tag=entry.tag,
            runs=entry.runs,
            built=entry.built,
            time=now,
            left=present or "",
        )
        steps.append(WriteHistory(tag=channels.history_tag(channel, variant), history=history.with_entry(noted)))
    steps += [
        Move(tag=name, digest=entry.digest, was=tags.get(name))
        for name in channels.tags_of(channel, variant, rules)
        if tags.get(name) != entry.digest
    ]
    return RollbackPlan(channel=channel, variant=variant, digest=entry.digest, steps=tuple(steps))


def _chosen(history: ChannelHistory, present: str | None, to: str | None) -> ChannelEntry | None:
    if to:
        found = history.of(to)
        return found[-1] if found else None
    newest = history.newest
    if newest and newest.kind == "rolled-back":
        return newest
    return history.previous(present) if present else None
