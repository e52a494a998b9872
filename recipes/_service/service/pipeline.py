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
from service.settings import PictureSettings, usable_threads
from service.workers import Workers

P = TypeVar("P")
R = TypeVar("R")
T = TypeVar("T")


class Pipeline(Generic[P, R]):
    """`work` computes a batch of prepared items."""

    def __init__(
        self, work: Callable[[Sequence[P]], Sequence[R]], *, settings: PictureSettings, metrics: Metrics
    ) -> None:
        self._work = work
        self._settings = settings
        self._metrics = metrics
        threads = usable_threads(settings.decoders)
        self._workers = Workers(threads=threads, most=settings.max_queue, metrics=metrics)
        self._batcher: Batcher[P, R] | None = None

    async def open(self) -> None:
        await self._workers.open()
        self._batcher = Batcher(
            self._work,
            most=self._settings.max_batch,
            patience=self._settings.max_wait_ms / 1000,
            longest=self._settings.max_queue,
            observe=self._metrics.observe,
        )
        self._batcher.start()

    async def close(self) -> None:
        if self._batcher:
            await self._batcher.stop()
        await self._workers.close()

    async def run(self, contents: Sequence[bytes], prepare: Callable[[bytes], P]) -> tuple[list[P], list[R]]:
        """Prepared items and their results, in order. Raises QueueFullError, StoppingError, and what `prepare` does."""
        if self._batcher is None:
            raise StoppingError
        with self._workers.room(len(contents)):
            prepared = list(await asyncio.gather(*(self.beside("decode", partial(prepare, one)) for one in contents)))
            return prepared, await self._batcher.ask(prepared)

    async def beside(self, stage: str, work: Callable[[], T]) -> T:
        """Run it in a thread of the decoders, and measure it as a stage."""
        return await self._workers.run(stage, work)
