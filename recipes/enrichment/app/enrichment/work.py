"""Who works in this process. While a model is measured for the first time, nobody else may: what others allocate would
count as the model's.
"""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager


class Work:
    """Requests under way. Used by several threads."""

    def __init__(self) -> None:
        self._changed = threading.Condition()
        self._running = 0
        self._is_closed = False

    @contextmanager
    def working(self) -> Iterator[None]:
        """One request; it begins when nobody is alone."""
        with self._changed:
            self._changed.wait_for(lambda: not self._is_closed)
            self._running += 1
        try:
            yield
        finally:
            self._count(-1)

    @contextmanager
    def resting(self) -> Iterator[None]:
        """A part of a request in which it only waits for another one."""
        self._count(-1)
        try:
            yield
        finally:
            self._count(1)

    @contextmanager
    def alone(self, patience: float) -> Iterator[bool]:
        """Keep requests from beginning, and wait at most `patience` seconds until only the caller's is under way.

        Whether it is. One thread at a time.
        """
        with self._changed:
            self._is_closed = True
            is_alone = self._changed.wait_for(lambda: self._running <= 1, patience)
        try:
            yield is_alone
        finally:
            with self._changed:
                self._is_closed = False
                self._changed.notify_all()

    def _count(self, more: int) -> None:
        with self._changed:
            self._running += more
            self._changed.notify_all()
