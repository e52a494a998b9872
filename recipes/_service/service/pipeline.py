"""From a request's bytes to a model's outputs: decoded by a pool of threads, computed in batches by another.

Nothing of it runs on the event loop, which only waits. All that a request holds is counted from its first byte on.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from functools import partial
from typing import Generic, TypeVar

from service.batching import Batcher, StoppingError
from service.metrics import Metrics
from service.settings import PictureSettings, Settings, usable_threads
from service.workers import Workers

P = TypeVar("P")
R = TypeVar("R")
T = TypeVar("T")


class Batches(Generic[P, R]):
    """A batcher that is set as the service is, and lives as long as the application. `len` tells how many wait."""

    def __init__(self, work: Callable[[Sequence[P]], Sequence[R]], *, settings: Settings, metrics: Metrics) -> None:
        self._work = work
        self._settings = settings
        self._metrics = metrics
        self._batcher: Batcher[P, R] | None = None

    def __len__(self) -> int:
        return len(self._batcher or ())

    async def open(self) -> None:
        settings = self._settings
        self._batcher = Batcher(
            self._work,
            most=settings.max_batch,
            patience=settings.max_wait_ms / 1000,
            longest=settings.max_queue,
            observe=self._metrics.observe,
        )
        self._batcher.start()

    async def close(self) -> None:
        """After what was taken is finished."""
        if self._batcher:
            await self._batcher.stop()

    async def ask(self, items: Sequence[P]) -> list[R]:
        """Results in order. Raises QueueFullError, StoppingError, and what the work raises."""
        if self._batcher is None:
            raise StoppingError
        return await self._batcher.ask(items)


class Pipeline(Generic[P, R]):
    """`work` computes a batch of prepared items."""

    def __init__(
        self, work: Callable[[Sequence[P]], Sequence[R]], *, settings: PictureSettings, metrics: Metrics
    ) -> None:
        threads = usable_threads(settings.decoders)
        self._workers = Workers(threads=threads, most=settings.max_queue, metrics=metrics)
        self._batches: Batches[P, R] = Batches(work, settings=settings, metrics=metrics)

    async def open(self) -> None:
        await self._batches.open()
        await self._workers.open()

    async def close(self) -> None:
        await self._batches.close()
        await self._workers.close()

    async def run(self, contents: Sequence[bytes], prepare: Callable[[bytes], P]) -> tuple[list[P], list[R]]:
        """Prepared items and their results, in order. Raises QueueFullError, StoppingError, and what `prepare` does."""
        with self._workers.room(len(contents)):
            prepared = list(await asyncio.gather(*(self.beside("decode", partial(prepare, one)) for one in contents)))
            return prepared, await self._batches.ask(prepared)

    async def beside(self, stage: str, work: Callable[[], T]) -> T:
        """Run it in a thread of the decoders, and measure it as a stage."""
        return await self._workers.run(stage, work)
