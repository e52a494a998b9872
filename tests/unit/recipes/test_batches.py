"""Batching as an application has it: by its settings, counted, from its start to its end."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from pathlib import Path

import pytest
from service.batching import StoppingError
from service.metrics import Metrics
from service.pipeline import Batches
from service.settings import Settings


def test_they_live_as_long_as_the_application() -> None:
    batches: list[list[int]] = []

    def double(items: Sequence[int]) -> list[int]:
        batches.append(list(items))
        return [item * 2 for item in items]

    async def run() -> list[int]:
        with pytest.raises(StoppingError):
            await one.ask([1])
        await one.open()
        found = await one.ask([1, 2, 3])
        await one.close()
        return found

    metrics = Metrics()
    one: Batches[int, int] = Batches(double, settings=Settings(model=Path("x"), max_batch=2), metrics=metrics)

    assert asyncio.run(run()) == [2, 4, 6]
    assert batches == [[1, 2], [3]]
    assert metrics.registry.get_sample_value("inference_items_total") == 3


def test_all_that_wait_are_counted_wherever_they_do() -> None:
    metrics = Metrics()
    metrics.holds(lambda: 2)
    metrics.holds(lambda: 3)

    assert metrics.registry.get_sample_value("inference_queue_items") == 5
