"""What an update would change, and what it could not find out."""

from __future__ import annotations

from dataclasses import dataclass, field

from bakehouse.config.yaml_document import KeyPath


@dataclass(frozen=True, kw_only=True, slots=True)
class NewerValue:
    """One value of a file that a newer one takes the place of."""

    path: KeyPath
    """In the matrix, the catalogue's rows included."""
    old: str
    new: str


@dataclass(frozen=True, kw_only=True, slots=True)
class News:
    """What is known of one row: a source, a base or a toolkit."""

    kind: str
    """`source`, `base`, `toolkit`."""
    name: str
    moves: tuple[NewerValue, ...] = ()
    """Empty where it is the newest, or where something could not be found out."""
    notes: tuple[str, ...] = ()
    """For people: what it was held against, and why it stays."""
    silent: tuple[str, ...] = field(default=())
    """Places that could not be asked, each with the reason."""

    @property
    def title(self) -> str:
        return f"{self.kind} {self.name}"
