"""How long a server is waited for, and how often a request is tried again."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass

TRANSIENT = frozenset({408, 425, 429, 500, 502, 503, 504})
"""Statuses of HTTP that another attempt may help against."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Patience:
    """Seconds, but for the numbers of attempts."""

    connect: float = 10.0
    stall: float = 30.0
    """Between two pieces of data."""
    attempts: int = 5
    """In a row that bring nothing."""
    unreached: int = 2
    """The same of a server that was never reached: its name may be wrong, and another place may be waiting."""
    pause: float = 1.0
    """Before the second attempt; doubles with each further one."""
    longest: float = 60.0
    """The most that one pause lasts, whatever the server asks for."""
    sleep: Callable[[float], object] = time.sleep

    @property
    def timeout(self) -> tuple[float, float]:
        """In the form that requests takes."""
        return self.connect, self.stall

    def rest(self, failures: int, *, asked: float = 0.0) -> None:
        """Sleep after so many failures in a row, at least as long as the server asked for."""
        self.sleep(min(max(asked, self.pause * 2 ** max(0, failures - 1)), self.longest))
