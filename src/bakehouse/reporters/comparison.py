"""The comparison in a run's reports: with another run, or with its history."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from bakehouse.history.baseline import Compared
from bakehouse.model.enums import Change

ORDER = (Change.REGRESS, Change.INCONCLUSIVE, Change.VOID, Change.IMPROVE, Change.PASS)
"""What one wants to read first."""

CHANGES: dict[Change, str] = {
    Change.REGRESS: "▼",
    Change.INCONCLUSIVE: "?",
    Change.VOID: "○",
    Change.IMPROVE: "▲",
    Change.PASS: "✓",
}
"""Beside the word."""


@dataclass(frozen=True, kw_only=True, slots=True)
class RunComparison:
    """A comparison of two images measured in turn has no history: its `Compared` hold an empty `Baseline`."""

    baseline: str
    """For people: `the history`, `run 20261120-031200-0e5428`, `sha256:5d1c… measured in turn`."""
    compared: Sequence[Compared]

    @property
    def in_order(self) -> list[Compared]:
        """Regressions first; as they were given otherwise."""
        return sorted(self.compared, key=lambda one: ORDER.index(one.judged.verdict))

    @property
    def tally(self) -> list[tuple[Change, int]]:
        """Verdicts that somebody has, in order."""
        counts = [(change, sum(one.judged.verdict is change for one in self.compared)) for change in ORDER]
        return [(change, number) for change, number in counts if number]
