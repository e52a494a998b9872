"""The actions of others that our workflows use, each pinned to a full commit. Everything else is plain shell. Pure."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, kw_only=True, slots=True)
class Action:
    repository: str
    commit: str
    version: str
    """The tag at that commit, for people and for tools that look for newer ones."""

    @property
    def uses(self) -> str:
        return f"{self.repository}@{self.commit}"


CHECKOUT = Action(repository="actions/checkout", commit="3d3c42e5aac5ba805825da76410c181273ba90b1", version="v7.0.1")
UPLOAD = Action(
    repository="actions/upload-artifact", commit="bbbca2ddaa5d8feaa63e36b76fdaad77386f024f", version="v7.0.0"
)
DOWNLOAD = Action(
    repository="actions/download-artifact", commit="3e5f45b2cfb9172054b4087a40e8e0b5a5461e7c", version="v8.0.1"
)
ACTIONS = (CHECKOUT, UPLOAD, DOWNLOAD)
