"""What the suppliers of bases, sources and models work with, and what they hand back."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Generic, TypeVar

from bakehouse.errors import Interrupted, SupplyError
from bakehouse.formatting import flow
from bakehouse.model.lock import Lock, LockedBase, LockedFile
from bakehouse.supply.download import Progress
from bakehouse.supply.registry import EngineRegistries
from bakehouse.supply.web import PATIENCE
from bakehouse.system.patience import Patience

T = TypeVar("T")

OFFLINE = "BAKEHOUSE_OFFLINE"
"""`1`: use what is in the cache or on this machine, and send no request."""
NEWS_EVERY = 10.0
"""Seconds between two lines about one download."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Found(Generic[T]):
    """What one place gave."""

    what: T
    identity: str
    """`sha256:...`, or a commit."""
    message: str
    """For the report: what was found."""
    locked: bool = False
    """Whether the lockfile had pinned it."""
    platforms: frozenset[str] | None = None
    """Of a base: what it serves; None where that does not matter or is not known."""
    files: dict[str, LockedFile] = field(default_factory=dict)
    """Pins for the lockfile."""
    base: LockedBase | None = None
    """Pin for the lockfile."""


@dataclass(frozen=True, kw_only=True, slots=True)
class SupplyContext:
    """One run's cache, settings and helpers. Shared by threads."""

    cache: Path
    root: Path
    """The project's folder."""
    environ: Mapping[str, str]
    machine: str
    """As `uname -m` says it."""
    lock: Lock
    registries: EngineRegistries
    say: Callable[[str], None]
    patience: Patience = PATIENCE
    stopped: threading.Event = field(default_factory=threading.Event)
    clock: Callable[[], float] = time.monotonic

    @property
    def offline(self) -> bool:
        return self.environ.get(OFFLINE, "0") not in ("", "0")

    def check(self) -> None:
        """Raise Interrupted when the run was cut off: threads get no Ctrl-C."""
        if self.stopped.is_set():
            raise Interrupted("interrupted")

    def require_network(self, what: str) -> None:
        """Raise SupplyError when the network may not be used and `what` would need it."""
        if self.offline:
            raise SupplyError(f"{what} is not in the cache, and {OFFLINE} is set")

    def progress(self, name: str) -> Progress:
        """Say now and then how far a download is."""
        last = self.clock()

        def report(have: int, total: int | None) -> None:
            nonlocal last
            self.check()
            if self.clock() - last >= NEWS_EVERY:
                last = self.clock()
                self.say(f"{name}: {flow(have, 'B')} of {flow(total, 'B') if total else 'unknown size'}")

        return report
