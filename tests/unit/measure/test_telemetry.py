from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator

import pytest

from bakehouse.machine.sensors import Sensors
from bakehouse.measure.cpu_usage import Usage
from bakehouse.measure.telemetry import CARD_ENERGY, UNSUPPORTED, Telemetry, Watch, trouble
from bakehouse.model.enums import Disturbance


def each(*values: float | None) -> Callable[[], float | None]:
    """One after the other; the last again and again."""
    line = list(values)
    return lambda: line.pop(0) if len(line) > 1 else line[0]


def seen(sensors: Sensors) -> dict[str, object]:
    telemetry = Telemetry(sensors)
    telemetry.start()
    return telemetry.summary()


def test_levels_totals_and_states_of_a_window() -> None:
    states: Iterator[frozenset[str]] = iter([frozenset({"old"}), frozenset({"a"}), frozenset({"b"})])
    found = seen(
        Sensors(
            levels={"gpu_power_w": each(100.0, 300.0)},
            totals={"gpu_energy_j": each(1000.0, 1250.5)},
            states={"gpu_throttled": lambda: next(states)},
        )
    )
    assert found["gpu_power_w"] == [100.0, 200.0, 300.0]
    assert found["gpu_energy_j"] == 250.5
    assert found["gpu_throttled"] == ["a", "b"]  # what was before the window does not count
    assert isinstance(found["looking_cpu_s"], float)


def test_what_was_seen_between_windows_is_remembered() -> None:
    """A prompt of 20 ms lies between two steps of NVML's accounts; those around it are of the same start."""
    states: Iterator[frozenset[str]] = iter([frozenset({"python3 (process 1)"}), *[frozenset[str]()] * 20])
    slept: list[float] = []
    telemetry = Telemetry(Sensors(states={"gpu_others": lambda: next(states)}))
    telemetry.start()
    assert telemetry.summary()["gpu_others"] == []
    assert telemetry.ever("gpu_others", sleep=slept.append) == ["python3 (process 1)"]
    assert sum(slept) > 0.5, "a watch that is shorter than a step may have seen nothing"


def test_what_the_last_look_sees_counts() -> None:
    states: Iterator[frozenset[str]] = iter([frozenset[str](), frozenset[str](), frozenset({"late"})])
    telemetry = Telemetry(Sensors(states={"gpu_others": lambda: next(states)}))
    telemetry.start()
    assert telemetry.ever("gpu_others", sleep=lambda _: None) == ["late"]


def test_who_computes_nothing_tells() -> None:
    assert Telemetry(Sensors()).ever("gpu_others", sleep=lambda _: None) is None


def test_what_a_machine_does_not_tell_is_not_zero() -> None:
    assert seen(Sensors(missing=frozenset({"gpu_energy_j"})))["gpu_energy_j"] == UNSUPPORTED


def test_a_sensor_that_falls_silent_is_left_out() -> None:
    found = seen(Sensors(levels={"x": each(None)}, totals={"y": each(1.0, None)}))
    assert "x" not in found
    assert "y" not in found


def test_it_looks_by_itself_and_ends() -> None:
    looks = threading.Semaphore(0)

    def level() -> float:
        looks.release()
        return 1.0

    with Telemetry(Sensors(levels={"x": level}), interval=0.005).running():
        for _ in range(3):
            assert looks.acquire(timeout=5)
    assert not [thread for thread in threading.enumerate() if thread.name == "telemetry"]


def test_windows_do_not_mix() -> None:
    level = [1.0]
    telemetry = Telemetry(Sensors(levels={"x": lambda: level[0]}))
    telemetry.start()
    level[0] = 5.0
    telemetry.start()
    assert telemetry.summary()["x"] == [5.0, 5.0, 5.0]


class Meter:
    def start(self) -> None:
        pass

    def usage(self) -> Usage:
        return Usage(elapsed=1.0, cores=2, machine=1.0, container=1.0, client=0.0)


def test_a_watch_gives_both_and_the_energy_of_its_device() -> None:
    sensors = Sensors(totals={"gpu_energy_j": each(0.0, 40.0), "cpu_energy_j": each(0.0, 7.0)})
    watch = Watch(Meter(), Telemetry(sensors), energy=CARD_ENERGY)
    watch.start()
    usage = watch.usage()
    assert (usage.container, usage.joules, usage.trouble) == (1.0, 40.0, None)
    assert usage.telemetry["cpu_energy_j"] == 7.0


def test_a_card_without_a_counter_is_not_given_the_processor_s() -> None:
    sensors = Sensors(totals={"cpu_energy_j": each(0.0, 7.0)}, missing=frozenset({"gpu_energy_j"}))
    watch = Watch(Meter(), Telemetry(sensors), energy=CARD_ENERGY)
    watch.start()
    assert watch.usage().joules is None


@pytest.mark.parametrize(
    ("said", "kind", "reason"),
    [
        (
            {"gpu_others": ["ollama (process 12)"]},
            None,
            "other processes computed on the card meanwhile: ollama (process 12)",
        ),
        (
            {"gpu_throttled": ["power_limit", "thermal"]},
            Disturbance.HEAT,
            "the card throttled itself meanwhile",
        ),
        ({"cpu_throttled_times": 3.0}, Disturbance.HEAT, "the processor throttled itself 3 times"),
        ({"gpu_throttled": ["power_limit"], "gpu_others": [], "cpu_throttled_times": 0.0}, None, ""),
        ({"gpu_others": UNSUPPORTED, "gpu_throttled": UNSUPPORTED, "cpu_throttled_times": UNSUPPORTED}, None, ""),
    ],
    ids=["others", "card", "processor", "calm", "unsupported"],
)
def test_others_on_the_card_make_it_wrong_and_heat_makes_it_noisy(
    said: dict[str, object], kind: Disturbance | None, reason: str
) -> None:
    found = trouble(said)
    assert (found is not None) == bool(reason)
    assert found is None or (found.kind is kind and found.reason.startswith(reason))


def test_looking_costs_little() -> None:
    telemetry = Telemetry(Sensors(levels={"x": each(1.0)}))
    telemetry.start()
    before = time.thread_time()
    for _ in range(100):
        telemetry._look()
    assert (time.thread_time() - before) / 100 < 0.001
