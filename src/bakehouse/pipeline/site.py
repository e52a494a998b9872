"""Where cells are tested: this machine or a host, with what the suite and the reports must know of it."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from bakehouse.machine import Machine
from bakehouse.model.report import Host
from bakehouse.pipeline.limits import Bandwidth, Processor
from bakehouse.suite.ground import Ground


@dataclass(frozen=True, kw_only=True, slots=True)
class Site:
    ground: Ground
    folder: Path
    """Where its results are, on this machine."""
    run_folder: str
    """What the suite calls it."""
    cache: str
    """Where the suite finds leases."""
    machine: Machine
    processor: Processor
    bandwidth: Bandwidth
    say: Callable[[str], None]
    host: Host | None = None
    """None: the machine that builds."""
    images: Mapping[str, str] = field(default_factory=dict)
    """ID on this machine to that on the site, where they differ."""

    @property
    def name(self) -> str:
        """Empty for this machine."""
        return self.ground.name

    def image(self, reference: str) -> str:
        return self.images.get(reference, reference)

    def log(self, path: str) -> str:
        """A log of the suite, as the run's report names it."""
        return f"{results_of(self.name)}/{path}" if self.name and path else path


def results_of(host: str) -> str:
    """Where a host's results are mirrored, below the run's folder."""
    return f"hosts/{host}"
