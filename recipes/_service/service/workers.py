"""Threads beside the event loop, with room for a bounded number of items."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import AbstractContextManager
from typing import TypeVar

from service.batching import StoppingError
from service.limits import Room
from service.metrics import Metrics

T = TypeVar("T")


class Workers:
    """`threads` work at a time; `most` items may be held, waiting ones included."""

    def __init__(self, *, threads: int, most: int, metrics: Metrics) -> None:
        self._threads = threads
        self._metrics = metrics
        self._room = Room(most)
        metrics.holds(lambda: self._room.taken)
        self._pool: ThreadPoolExecutor | None = None

    async def open(self) -> None:
        self._pool = ThreadPoolExecutor(self._threads, thread_name_prefix="worker")

    async def close(self) -> None:
        """After what was taken is finished."""
        if self._pool:
            await asyncio.to_thread(self._pool.shutdown, wait=True)

    def room(self, items: int) -> AbstractContextManager[None]:
        """Raises QueueFullError where there is none."""
        return self._room.of(items)

    async def run(self, stage: str, work: Callable[[], T]) -> T:
        """In one of the threads; its time is told as a stage's."""
        if self._pool is None:
            raise StoppingError

        def measured() -> T:
            with self._metrics.stage(stage):
                return work()

        return await asyncio.get_running_loop().run_in_executor(self._pool, measured)
