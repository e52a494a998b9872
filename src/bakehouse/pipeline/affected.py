"""The cells that a change affects, as `changed_since` finds them."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, kw_only=True, slots=True)
class Affected:
    revision: str
    """As it was typed."""
    commit: str
    why: dict[str, tuple[str, ...]]
    """For each affected cell, which of its inputs changed; `new` for a cell that was not there."""
    gone: tuple[str, ...] = ()
    """Cells of that revision that are none any more."""
    everything_because: str | None = None
    """Set when no cell could be spared."""
