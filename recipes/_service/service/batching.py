"""Dynamic batching: items that arrive close together share one inference, which runs beside the event loop."""

from __future__ import annotations

import asyncio
import time
from collections import deque
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from typing import Generic, TypeVar

I = TypeVar("I")  # noqa: E741 - an item
R = TypeVar("R")


class QueueFullError(Exception):
    """More items wait than the service is willing to hold."""


class StoppingError(Exception):
    """The service is ending and takes nothing new."""


@dataclass(slots=True)
class _Waiting(Generic[I, R]):
    item: I
    since: float
    done: asyncio.Future[R] = field(default_factory=lambda: asyncio.get_running_loop().create_future())


class Batcher(Generic[I, R]):
    """Runs `work` on up to `most` items at a time, in one thread of its own.

    A batch starts when it is full, or when its first item has waited `patience` seconds and the thread is free. While
    the thread works, the next batch fills. Sizes of batches and waiting times are told to `observe`.
    """

    def __init__(
        self,
        work: Callable[[Sequence[I]], Sequence[R]],
        *,
        most: int,
        patience: float,
        longest: int,
        observe: Callable[[int, float, float], None] | None = None,
    ) -> None:
        self._work = work
        self._most = most
        self._patience = patience
        self._longest = longest
        self._observe = observe
        self._queue: deque[_Waiting[I, R]] = deque()
        self._arrived = asyncio.Event()
        self._thread = ThreadPoolExecutor(max_workers=1, thread_name_prefix="inference")
        self._stopping = False
        self._loop: asyncio.Task[None] | None = None

    def __len__(self) -> int:
        return len(self._queue)

    def start(self) -> None:
        self._loop = asyncio.create_task(self._run())

    async def ask(self, items: Sequence[I]) -> list[R]:
        """Results in the order of the items. Raises QueueFullError, StoppingError, and what the work raises.

        Either all items are taken or none.
        """
        if self._stopping:
            raise StoppingError
        if len(self._queue) + len(items) > self._longest:
            raise QueueFullError
        now = time.perf_counter()
        waiting = [_Waiting[I, R](item, now) for item in items]
        self._queue.extend(waiting)
        self._arrived.set()
        try:
            return list(await asyncio.gather(*(one.done for one in waiting)))
        except asyncio.CancelledError:
            for one in waiting:
                one.done.cancel()  # the client has gone: nobody wants it
            raise

    async def stop(self) -> None:
        """Finish what was taken, then end."""
        self._stopping = True
        self._arrived.set()
        if self._loop:
            await self._loop
        self._thread.shutdown(wait=True)

    async def _run(self) -> None:
        while await self._fill():
            batch = [self._queue.popleft() for _ in range(min(self._most, len(self._queue)))]
            batch = [one for one in batch if not one.done.done()]
            if batch:
                await self._compute(batch)

    async def _fill(self) -> bool:
        """Wait for a first item, then for more until the batch is full or its time is up. False: the end."""
        while not self._queue:
            if self._stopping:
                return False
            self._arrived.clear()
            await self._arrived.wait()
        until = self._queue[0].since + self._patience
        while len(self._queue) < self._most and not self._stopping:
            left = until - time.perf_counter()
            if left <= 0:
                break
            self._arrived.clear()
            try:
                await asyncio.wait_for(self._arrived.wait(), left)
            except TimeoutError:
                break
        return True

    async def _compute(self, batch: list[_Waiting[I, R]]) -> None:
        begin = time.perf_counter()
        try:
            results = await asyncio.get_running_loop().run_in_executor(
                self._thread, self._work, [b.item for b in batch]
            )
            pairs = list(zip(batch, results, strict=True))
        except Exception as error:  # noqa: BLE001 - each caller is told; the service lives on
            for one in batch:
                if not one.done.done():
                    one.done.set_exception(error)
            return
        if self._observe:
            self._observe(len(batch), begin - batch[0].since, time.perf_counter() - begin)
        for one, result in pairs:
            if not one.done.done():
                one.done.set_result(result)
