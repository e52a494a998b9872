from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from bakehouse.measure.loadgen.client_overhead import ClientOverhead, Moment, own_usage


def own(**changes: Any) -> ClientOverhead:
    fields: dict[str, Any] = {"elapsed": 10.0, "cpu": 1.0, "waited": 0.0, "suspended": 0.0, "lags": None, "late": 0.0}
    return ClientOverhead(**(fields | changes))


@pytest.mark.parametrize(
    ("changes", "shortest", "said"),
    [
        ({}, 0.1, ""),
        ({"cpu": 6.9}, 0.1, ""),
        ({"cpu": 7.5}, 0.1, "the load client used 75% of a core (more than 70% voids a measurement)"),
        ({"cpu": 0.09, "elapsed": 0.1}, 0.1, ""),
        ({"lags": (0.0001, 0.0009, 0.5)}, 0.001, ""),
        (
            {"lags": (0.0001, 0.004, 0.5)},
            0.2,
            "the load client read 4 ms late (1 read in 20; 2 ms are allowed)",
        ),
        ({"lags": (0.0001, 0.004, 0.5)}, 0.5, ""),
        ({"late": 0.03}, 0.1, "requests left 30 ms late (1 in 20): the server did not accept them in time"),
        ({"lags": (0.0001, 0.04, 0.5), "by_kernel": True}, 0.1, ""),
        (
            {"lags": (0.0001, 0.06, 0.5), "by_kernel": True},
            0.1,
            "the load client read 60 ms late (1 read in 20; 50 ms are allowed)",
        ),
        ({"jump": -0.0004, "by_kernel": True}, 0.1, ""),
        ({"jump": 3600.0, "by_kernel": True}, 0.1, "the system's clock was set, by 3.6e+03 s, meanwhile"),
        ({"jump": 3600.0}, 0.1, ""),
        ({"suspended": 2.5}, 0.1, "the machine slept for 2.5 s meanwhile"),
    ],
    ids=[
        "calm",
        "busy",
        "too busy",
        "short",
        "small lag",
        "lag",
        "lag of a long time",
        "late",
        "lag that moves nothing",
        "reads run together",
        "drift",
        "jump",
        "jump of a clock not used",
        "slept",
    ],
)
def test_a_client_that_was_the_bottleneck_says_so(changes: dict[str, Any], shortest: float, said: str) -> None:
    found = own(**changes)
    assert (found.fault or found.lateness(shortest)) == said
    is_wrong = any(word in said for word in ("core", "clock", "slept"))
    assert bool(found.fault) == is_wrong


def moment(monotonic: float, *, cpu: float, waited: float | None = 0.0, slept: float = 0.0) -> Moment:
    return Moment(monotonic=monotonic, with_sleep=monotonic + slept, cpu=cpu, waited=waited)


def test_usage_is_the_difference_of_two_moments() -> None:
    found = moment(110.0, cpu=8.0, waited=1.5, slept=3.0).since(
        moment(100.0, cpu=5.0, waited=1.0), lags=[3.0, 1.0, 2.0], late=[0.0, 1.0]
    )
    assert (found.elapsed, found.cpu, found.waited, found.suspended) == (10.0, 3.0, 0.5, 3.0)
    assert found.lags == pytest.approx((2.0, 2.9, 2.98))
    assert found.late == pytest.approx(0.95)
    assert found.record()["cpu_s"] == 3.0


def test_a_kernel_that_tells_less(tmp_path: Path) -> None:
    assert own_usage(root=tmp_path).waited is None
    found = own_usage(root=tmp_path).since(own_usage(root=tmp_path))
    assert (found.waited, found.lags, found.late) == (None, None, 0.0)


def test_waiting_for_a_core_is_read_from_the_scheduler(tmp_path: Path) -> None:
    file = tmp_path / "proc/thread-self/schedstat"
    file.parent.mkdir(parents=True)
    file.write_text("123 2500000000 7\n")
    assert own_usage(root=tmp_path).waited == 2.5
