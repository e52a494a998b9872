"""The library that the Python services share: what needs no model."""

from __future__ import annotations

import asyncio
import threading
import time
from collections.abc import Sequence
from pathlib import Path

import pytest
from pydantic import ValidationError
from service.asked import Asked, Said
from service.batching import Batcher, QueueFullError, StoppingError
from service.settings import Settings, read

MODEL = {"MODEL": "/models/model.onnx"}


class TestSettings:
    def test_come_from_the_environment_with_their_types(self) -> None:
        found = read(Settings, MODEL | {"PORT": "9000", "MAX_WAIT_MS": "0.5", "UNRELATED": "x"})

        assert (found.port, found.max_wait_ms, found.model) == (9000, 0.5, Path("/models/model.onnx"))

    def test_an_empty_variable_is_none(self) -> None:
        assert read(Settings, MODEL | {"PORT": ""}).port == Settings(model=Path("x")).port

    @pytest.mark.parametrize(
        ("environ", "message"),
        [
            ({}, "MODEL is not set"),
            (MODEL | {"PORT": "x"}, "PORT='x': input should be a valid integer"),
            (MODEL | {"PORT": "70000"}, "PORT='70000': input should be less than or equal to 65535"),
            (MODEL | {"MAX_BATCH": "0"}, "MAX_BATCH='0'"),
        ],
    )
    def test_a_wrong_one_is_named(self, environ: dict[str, str], message: str) -> None:
        with pytest.raises(ValueError, match=message):
            read(Settings, environ)

    def test_all_wrong_ones_at_once(self) -> None:
        with pytest.raises(ValueError, match=r"MODEL is not set[\s\S]*PORT='x'|PORT='x'[\s\S]*MODEL is not set"):
            read(Settings, {"PORT": "x"})


class Work:
    """Doubles numbers; remembers the batches; can be held."""

    def __init__(self) -> None:
        self.batches: list[list[int]] = []
        self.begun, self.free = threading.Event(), threading.Event()
        self.free.set()

    async def has_begun(self) -> None:
        assert await asyncio.to_thread(self.begun.wait, 60)

    def __call__(self, items: Sequence[int]) -> Sequence[int]:
        self.begun.set()
        self.free.wait()
        self.batches.append(list(items))
        if 13 in items:
            raise RuntimeError("13")
        return [item * 2 for item in items]


def batcher(work: Work, *, most: int = 4, patience: float = 0.0, longest: int = 100) -> Batcher[int, int]:
    found = Batcher(work, most=most, patience=patience, longest=longest)
    found.start()
    return found


class TestBatcher:
    def test_answers_in_the_order_of_the_items(self) -> None:
        async def run() -> list[int]:
            one = batcher(Work())
            found = await one.ask([3, 1, 2])
            await one.stop()
            return found

        assert asyncio.run(run()) == [6, 2, 4]

    def test_those_that_wait_together_share_an_inference(self) -> None:
        work = Work()

        async def run() -> list[list[int]]:
            work.free.clear()
            one = batcher(work, patience=0.05)
            first = asyncio.create_task(one.ask([0]))
            await work.has_begun()
            others = [asyncio.create_task(one.ask([number])) for number in range(1, 7)]
            await asyncio.sleep(0.05)
            work.free.set()
            await asyncio.gather(first, *others)
            await one.stop()
            return work.batches

        assert asyncio.run(run()) == [[0], [1, 2, 3, 4], [5, 6]]

    def test_a_lone_item_waits_no_longer_than_it_must(self) -> None:
        async def run() -> float:
            one = batcher(Work(), most=64, patience=0.05)
            begin = time.perf_counter()
            await one.ask([1])
            took = time.perf_counter() - begin
            await one.stop()
            return took

        assert 0.05 <= asyncio.run(run()) < 5

    def test_a_full_queue_takes_all_of_a_request_or_nothing(self) -> None:
        work = Work()

        async def run() -> None:
            work.free.clear()
            one = batcher(work, longest=3)
            taken = asyncio.create_task(one.ask([1, 2, 3]))
            await asyncio.sleep(0)
            with pytest.raises(QueueFullError):
                await one.ask([4])
            work.free.set()
            assert await taken == [2, 4, 6]
            await one.stop()

        asyncio.run(run())

    def test_an_error_reaches_its_batch_and_nobody_else(self) -> None:
        async def run() -> None:
            one = batcher(Work())
            with pytest.raises(RuntimeError, match="13"):
                await one.ask([13])
            assert await one.ask([1]) == [2]
            await one.stop()

        asyncio.run(run())

    def test_too_few_results_are_an_error_too(self) -> None:
        """A model that answers for one of two must not leave the others waiting for ever."""

        async def run() -> None:
            one = batcher(Work())
            with pytest.raises(RuntimeError, match="13"):
                await one.ask([13])
            fewer: Batcher[int, int] = Batcher(lambda items: list(items)[1:], most=4, patience=0.0, longest=100)
            fewer.start()
            for _ in range(2):
                with pytest.raises(ValueError, match="argument 2 is shorter"):
                    await asyncio.wait_for(fewer.ask([1, 2]), 5)
            await one.stop()
            await fewer.stop()

        asyncio.run(run())

    def test_what_was_taken_is_finished_and_nothing_new_is_taken(self) -> None:
        work = Work()

        async def run() -> None:
            work.free.clear()
            one = batcher(work, most=1)
            taken = asyncio.create_task(one.ask([1, 2]))
            await asyncio.sleep(0)
            stopping = asyncio.create_task(one.stop())
            await asyncio.sleep(0)
            with pytest.raises(StoppingError):
                await one.ask([3])
            work.free.set()
            assert await taken == [2, 4]
            await stopping

        asyncio.run(run())

    def test_nobody_computes_for_a_client_that_has_gone(self) -> None:
        work = Work()

        async def run() -> None:
            work.free.clear()
            one = batcher(work, most=1)
            first, gone = asyncio.create_task(one.ask([1])), asyncio.create_task(one.ask([2]))
            await work.has_begun()
            gone.cancel()
            await asyncio.gather(gone, return_exceptions=True)
            work.free.set()
            await first
            await one.stop()

        asyncio.run(run())
        assert work.batches == [[1]]


class Wish(Asked):
    text: Said
    number: int = 7


def test_null_stands_for_what_is_left_out() -> None:
    assert Wish.model_validate({"text": "a", "number": None, "other": 1}).number == 7
    with pytest.raises(ValidationError, match="Field required"):
        Wish.model_validate({"text": None})


@pytest.mark.parametrize("text", ["", "half \ud800", 5])
def test_a_text_is_not_empty_and_whole(text: object) -> None:
    with pytest.raises(ValidationError, match="text"):
        Wish.model_validate({"text": text})
