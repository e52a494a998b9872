"""What publishing does to a registry, step by step. `--dry-run` prints these, and these are executed. Pure."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from bakehouse.publish.attestations import Statement
from bakehouse.publish.channel import ChannelHistory
from bakehouse.registry.content import SHORT, Manifest

Where = Literal["staging", "target"]


@dataclass(frozen=True, kw_only=True, slots=True)
class CopyImage:
    """One platform's image, by its digest."""

    to: Where
    digest: str
    cell: str
    tag: str | None = None
    """In staging: a repository without a tag cannot be seen, and breaks garbage collection."""

    def __str__(self) -> str:
        under = f" as {self.tag}" if self.tag else ""
        return f"push    {short(self.digest)} {self.cell} to {self.to}{under}"


@dataclass(frozen=True, kw_only=True, slots=True)
class PutIndex:
    manifest: Manifest
    platforms: tuple[str, ...]

    def __str__(self) -> str:
        return f"join    {short(self.manifest.digest)} {', '.join(self.platforms)}"


@dataclass(frozen=True, kw_only=True, slots=True)
class Attach:
    """Sign a statement and attach it."""

    subject: str
    statement: Statement

    def __str__(self) -> str:
        return f"attest  {short(self.subject)} {self.statement.about}"


@dataclass(frozen=True, kw_only=True, slots=True)
class SetTag:
    """A tag that never moves."""

    tag: str
    digest: str

    def __str__(self) -> str:
        return f"tag     {short(self.digest)} {self.tag}"


@dataclass(frozen=True, kw_only=True, slots=True)
class Move:
    """A channel's tag."""

    tag: str
    digest: str
    was: str | None

    def __str__(self) -> str:
        return f"move    {self.tag} to {short(self.digest)} from {short(self.was) if self.was else 'nothing'}"


@dataclass(frozen=True, kw_only=True, slots=True)
class WriteHistory:
    tag: str
    history: ChannelHistory

    def __str__(self) -> str:
        entry = self.history.newest
        return f"note    {self.tag}: {entry.kind} {short(entry.digest)}" if entry else f"note    {self.tag}"


@dataclass(frozen=True, kw_only=True, slots=True)
class Announce:
    """That an image will go."""

    digest: str
    tag: str
    expires: str
    """`2026-12-27`."""

    def __str__(self) -> str:
        return f"notice  {short(self.digest)} {self.tag} goes on {self.expires} at the earliest"


@dataclass(frozen=True, kw_only=True, slots=True)
class Delete:
    where: Where
    digest: str
    what: str

    def __str__(self) -> str:
        return f"delete  {short(self.digest)} {self.what}" + (" in staging" if self.where == "staging" else "")


@dataclass(frozen=True, kw_only=True, slots=True)
class WriteJournal:
    """What is about to be deleted: what was cut off is found again, although its index is gone."""

    where: Where
    digests: tuple[str, ...]

    def __str__(self) -> str:
        return f"note    {len(self.digests)} manifests that will be deleted in {self.where}"


@dataclass(frozen=True, kw_only=True, slots=True)
class DropJournal:
    where: Where

    def __str__(self) -> str:
        return f"note    nothing more is to be deleted in {self.where}"


Step = CopyImage | PutIndex | Attach | SetTag | Move | WriteHistory | Announce | Delete | WriteJournal | DropJournal


def short(digest: str) -> str:
    return digest[:SHORT]
