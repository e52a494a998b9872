"""Where files lie on a host: below one volume of its engine, which has the same path on the host and in the agent.

Containers that the suite starts are the agent's siblings, not its children: the paths that they mount are the host's.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

VOLUME = "bakehouse"


@dataclass(frozen=True, kw_only=True, slots=True)
class HostFolders:
    """`volume`: the volume's folder on the host."""

    volume: Path

    @property
    def cache(self) -> Path:
        """Leases, and how fast the machine is: shared by all runs from wherever."""
        return self.volume / "cache"

    @property
    def models(self) -> Path:
        return self.volume / "models"

    def model(self, sha256: str, name: str) -> Path:
        return self.models / sha256 / name

    @property
    def runs(self) -> Path:
        return self.volume / "runs"

    def run(self, name: str) -> Path:
        """What belongs to one run: it goes when the run has ended."""
        return self.runs / name

    def results(self, name: str) -> Path:
        """The run's folder, as the suite knows it."""
        return self.run(name) / "results"

    def sent(self, name: str, path: Path) -> Path:
        """A file of the machine that builds."""
        return self.run(name) / "files" / str(path).lstrip("/")
