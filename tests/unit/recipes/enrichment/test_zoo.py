"""The zoo, with models that are numbers and a meter that counts them."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import dataclass, field
from itertools import count
from pathlib import Path

import pytest
from enrichment.work import Work
from enrichment.zoo import Priority, Zoo
from hypothesis import given
from hypothesis import strategies as st
from service.refused import Refused

SIZES = {"face": 10, "pose": 30, "age": 40, "mood": 20, "huge": 500}
PRIORITIES = {
    "face": Priority.CRITICAL,
    "pose": Priority.HIGH,
    "age": Priority.HIGH,
    "mood": Priority.LOW,
    "huge": Priority.LOW,
}


@dataclass(frozen=True, kw_only=True)
class Row:
    name: str
    priority: Priority
    file: Path


class Weight:
    """A loaded model: it takes its bytes until nobody holds it any more."""

    def __init__(self, memory: Memory, size: int) -> None:
        self._memory, self._size = memory, size
        memory.used += size

    def __del__(self) -> None:
        self._memory.used -= self._size


@dataclass
class Memory:
    used: int = 1000
    ticks: Iterator[int] = field(default_factory=count)


def zoo(
    folder: Path, memory: Memory, *, budget: int = 100, patience: float = 0.0, work: Work | None = None
) -> Zoo[Weight]:
    rows = {}
    for name, priority in PRIORITIES.items():
        file = folder / f"{name}.onnx"
        file.write_bytes(b"x")  # smaller than what it takes: the first loading is a surprise
        rows[name] = Row(name=name, priority=priority, file=file)
    return Zoo(
        rows,
        load=lambda name: Weight(memory, SIZES[name]),
        meter=lambda: memory.used,
        budget=budget,
        patience=patience,
        work=work,
        clock=lambda: float(next(memory.ticks)),
    )


def ask(animals: Zoo[Weight], *names: str) -> None:
    for name in names:
        with animals.using(name):
            pass


def loaded(animals: Zoo[Weight]) -> set[str]:
    return {name for name, one in animals.status().items() if one["loaded"]}


def test_what_is_loaded_is_measured(tmp_path: Path) -> None:
    memory = Memory()
    animals = zoo(tmp_path, memory)
    ask(animals, "pose", "age", "pose")

    assert (animals.used, memory.used) == (70, 1070)
    assert animals.status()["pose"] | {"idle_s": 0} == {
        "loaded": True,
        "priority": "high",
        "bytes": 30,
        "idle_s": 0,
        "in_use": 0,
        "loads": 1,
        "evictions": 0,
        "file": "pose.onnx",
        "file_is_there": True,
    }


def test_the_lowest_priority_goes_first_however_young(tmp_path: Path) -> None:
    animals = zoo(tmp_path, Memory())
    ask(animals, "face", "pose", "mood", "age")  # 10 + 30 + 20, and 40 is one too many for mood to stay
    ask(animals, "mood")

    assert loaded(animals) == {"face", "pose", "age", "mood"}
    small = zoo(tmp_path, Memory(), budget=70)
    ask(small, "pose", "mood", "age")
    assert loaded(small) == {"pose", "age"}


def test_of_one_priority_the_one_that_was_used_longest_ago_goes(tmp_path: Path) -> None:
    animals = zoo(tmp_path, Memory(), budget=75)
    ask(animals, "pose", "age", "pose", "mood")
    assert loaded(animals) == {"pose", "mood"}


def test_memory_is_given_back(tmp_path: Path) -> None:
    memory = Memory()
    animals = zoo(tmp_path, memory, budget=40)
    ask(animals, "pose", "age", "pose", "age")
    assert (animals.used, memory.used) == (40, 1040)
    assert animals.evictions == {"face": 0, "pose": 2, "age": 1, "mood": 0, "huge": 0}


def test_a_model_larger_than_the_budget_is_507_with_both_figures(tmp_path: Path) -> None:
    memory = Memory()
    animals = zoo(tmp_path, memory)
    ask(animals, "face")
    for _ in range(2):  # the first time it is found out by loading, then it is known
        with pytest.raises(Refused) as caught:
            ask(animals, "huge")
        assert caught.value.status_code == 507
        assert caught.value.detail == "huge takes 0.0 MiB; BUDGET_GB allows 0.0 MiB"
    assert (animals.loads["huge"], memory.used) == (0, 1010)


def test_what_is_critical_is_put_away_for_nothing_less(tmp_path: Path) -> None:
    animals = zoo(tmp_path, Memory(), budget=45)
    ask(animals, "face")
    with pytest.raises(Refused) as caught:
        ask(animals, "age")
    assert caught.value.status_code == 503
    assert "face (critical or in use)" in str(caught.value.detail)
    assert loaded(animals) == {"face"}


def test_what_is_in_use_stays(tmp_path: Path) -> None:
    animals = zoo(tmp_path, Memory(), budget=50)
    with animals.using("pose"), pytest.raises(Refused) as caught:
        ask(animals, "age")
    assert caught.value.status_code == 503
    ask(animals, "age")
    assert loaded(animals) == {"age"}


def test_a_request_waits_for_what_is_in_use(tmp_path: Path) -> None:
    animals = zoo(tmp_path, Memory(), budget=50, patience=10**9)
    with ExitStack() as stack:
        stack.enter_context(animals.using("pose"))
        waiting = threading.Thread(target=ask, args=(animals, "age"))
        waiting.start()
        waiting.join(0.1)
        assert waiting.is_alive()
    waiting.join(30)
    assert loaded(animals) == {"age"}


def test_several_at_once_load_it_once(tmp_path: Path) -> None:
    animals = zoo(tmp_path, Memory())
    threads = [threading.Thread(target=ask, args=(animals, "pose")) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert animals.loads["pose"] == 1


def test_a_file_that_is_not_there_is_named(tmp_path: Path) -> None:
    animals = zoo(tmp_path, Memory())
    (tmp_path / "pose.onnx").unlink()
    with pytest.raises(Refused) as caught:
        ask(animals, "pose")
    assert (caught.value.status_code, caught.value.detail) == (
        503,
        f"MODEL: there is no file {tmp_path / 'pose.onnx'}; mount it",
    )


def test_an_unknown_name(tmp_path: Path) -> None:
    with pytest.raises(Refused) as caught:
        ask(zoo(tmp_path, Memory()), "unicorn")
    assert caught.value.status_code == 422


@given(st.lists(st.sampled_from(sorted(SIZES)), max_size=40), st.integers(1, 120))
def test_the_budget_holds(tmp_path_factory: pytest.TempPathFactory, names: list[str], budget: int) -> None:
    memory = Memory()
    animals = zoo(tmp_path_factory.mktemp("zoo"), memory, budget=budget)
    for name in names:
        try:
            ask(animals, name)
        except Refused as refused:
            assert refused.status_code in (503, 507)  # noqa: PT017 - either, and nothing else
        assert animals.used <= budget
        assert memory.used - 1000 == animals.used == sum(SIZES[one] for one in loaded(animals))


class TestOthersAtWork:
    """What other requests allocate while a model is loaded is not the model's: it was too large for ever with it."""

    def test_a_model_is_measured_when_they_are_done(self, tmp_path: Path) -> None:
        memory, work = Memory(), Work()
        animals = zoo(tmp_path, memory, patience=20.0, work=work)
        loading = threading.Event()

        def other() -> None:
            with work.working():
                picture = Weight(memory, 400)
                loading.wait()
                del picture

        def one() -> None:
            with work.working():
                ask(animals, "pose")

        threads = [threading.Thread(target=each) for each in (other, one)]
        threads[0].start()
        while memory.used < 1400:
            pass
        threads[1].start()
        loading.set()
        for thread in threads:
            thread.join()
        assert animals.status()["pose"]["bytes"] == 30

    def test_a_measure_beside_them_is_not_remembered(self, tmp_path: Path) -> None:
        memory, work = Memory(), Work()
        animals = zoo(tmp_path, memory, work=work)
        load = animals._load

        def beside(name: str) -> Weight:
            memory.used += 400
            return load(name)

        animals._load = beside
        with work.working(), work.working(), pytest.raises(Refused, match="could not be measured") as refused:
            ask(animals, "pose")
        assert refused.value.status_code == 503
        animals._load = load
        with work.working():
            ask(animals, "pose")
        assert animals.status()["pose"]["bytes"] == 30

    def test_those_that_wait_for_the_same_model_are_not_at_work(self, tmp_path: Path) -> None:
        work = Work()
        animals = zoo(tmp_path, Memory(), patience=20.0, work=work)

        def one() -> None:
            with work.working():
                ask(animals, "pose", "age", "mood")

        threads = [threading.Thread(target=one) for _ in range(8)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join(10)
        assert not any(thread.is_alive() for thread in threads)
        assert {name: animals.status()[name]["bytes"] for name in ("pose", "age", "mood")} == {
            "pose": 30,
            "age": 40,
            "mood": 20,
        }
