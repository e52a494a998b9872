"""What every measurement of an image has: the image on a device, how its server is started, and its baseline."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Self

from bakehouse.engine.devices import Devices
from bakehouse.model.suite import Side, Subject
from bakehouse.probes.series import Samples
from bakehouse.suite.sample_log import SampleLog
from bakehouse.suite.watched_server import OpenServer


@dataclass(frozen=True, kw_only=True, slots=True)
class BenchBase:
    """One subject on one device."""

    open_server: OpenServer
    run: str
    subject: Subject
    devices: Devices
    log: Callable[[], Path]
    """A new path for each container's log."""
    kept_samples: SampleLog
    side: Side = "candidate"

    @property
    def baseline(self) -> Self | None:
        """The image that this one is measured in turn with, on the same device, told the same."""
        subject = self.subject.of_baseline()
        return replace(self, subject=subject, side="baseline") if subject else None

    def with_baseline(self) -> list[Self]:
        """Give this one, then its baseline where it has one."""
        return [self, *filter(None, [self.baseline])]

    def samples_of(self, name: str, settings: dict[str, Any]) -> Samples:
        """Where those of a series go. It begins with those that an earlier attempt at this run took."""
        about = self.subject
        return self.kept_samples.samples(
            cell=about.cell, side=self.side, image=about.reference, name=name, settings=settings
        )
