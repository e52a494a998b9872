from __future__ import annotations

import json
from typing import Any

import pytest

from bakehouse.measure.loadgen.answers import Answer
from bakehouse.measure.loadgen.replies import Failure
from bakehouse.measure.metrics import VoidError
from bakehouse.measure.task_requests import Call
from bakehouse.measure.task_runs import (
    ARRIVALS,
    MOST,
    MOST_BYTES,
    Level,
    enough,
    figures,
    least,
    levels,
    moments,
    raw,
    units_of,
)
from bakehouse.model.work import Task, WorkLimits

ONE = Level(name="a", batch=1, clients=1)
FOUR = Level(name="a", batch=1, clients=4)
OPEN = Level(name="a", batch=1, arrivals=50.0)
CALL = Call(data=b"", inputs=4)


def task(**changes: Any) -> Task:
    about = {"name": "embed", "unit": "embeddings", "inputs": {"sentences": 4}}
    return Task.model_validate(about | {"http": {"path": "/e", "body": {"input": "{inputs}"}}} | changes)


def answer(sent: float, ended: float, document: Any = None, status: int = 200) -> Answer:
    return Answer(status_code=status, headers={}, content=json.dumps(document).encode(), sent=sent, ended=ended)


def none(_: Answer) -> str:
    return ""


def test_batches_by_one_client_and_clients_with_the_first_batch() -> None:
    asked = task(batches=(1, 8), clients=(1, 4), arrivals=(20.0, 2.5))
    names = [one.name for one in levels(asked)]
    assert names == ["embed-b1-1c", "embed-b8-1c", "embed-b1-4c", "embed-b1-20ps", "embed-b1-2.5ps"]


def test_a_run_is_as_long_as_it_is_to_be_whatever_the_speed() -> None:
    quick = [answer(at / 1000, (at + 1) / 1000) for at in range(10)]
    assert enough(ONE, quick, seconds=1.0) == 1000
    assert enough(FOUR, quick, seconds=1.0) == 1000
    assert enough(ONE, [answer(0, 30), answer(30, 60)], seconds=1.0) == least(ONE) == 2
    assert enough(FOUR, [answer(0, 30)], seconds=1.0) == least(FOUR) == 8
    assert enough(ONE, [Failure(reason="no", sent=0.0)], seconds=1.0) == 2
    assert enough(ONE, [answer(0, 1e-7)] * 2, seconds=1.0) == MOST


def test_no_run_keeps_more_than_memory_can_hold() -> None:
    large = Answer(status_code=200, headers={}, content=bytes(1 << 20), sent=0.0, ended=0.001)
    assert enough(ONE, [large], seconds=1.0) == MOST_BYTES >> 20


def test_arrivals_are_many_enough_and_the_same_each_time() -> None:
    assert enough(OPEN, [], seconds=1.0) == 50
    assert least(OPEN) == ARRIVALS
    first, again = moments(OPEN, 50), moments(OPEN, 50)
    assert first == again == tuple(sorted(first))
    assert moments(ONE, 50) == ()


def test_rates_are_of_the_whole_run() -> None:
    replies = [answer(0.0, 1.0), answer(1.0, 2.0)]
    found = figures(task(), [CALL, CALL], replies, WorkLimits(latency=1.5), wrong=none)
    assert found.values == {"work_rate": 4.0, "latency": 1.0, "request_rate": 1.0, "goodput": 1.0}
    assert found.shortest == 1.0


def test_percentiles_come_where_there_are_enough_requests_for_them() -> None:
    replies = [answer(at, at + 1) for at in range(100)]
    found = figures(task(unit="requests"), [CALL] * 100, replies, WorkLimits(), wrong=none)
    assert {*found.values} == {"work_rate", "latency", "latency_p90", "latency_p99"}


@pytest.mark.parametrize(
    ("replies", "says"),
    [
        ([answer(0, 1), Failure(reason="reset", sent=0.0)], "1 of 2 requests failed; the first: reset"),
        ([answer(0, 1), answer(0, 1, status=500)], "1 of 2 requests were not answered as expected; the first: 500"),
        ([answer(1, 1), answer(1, 1)], "all answers came at one moment"),
    ],
)
def test_one_bad_answer_makes_all_of_it_void(replies: list[Answer | Failure], says: str) -> None:
    def wrong(one: Answer) -> str:
        return "" if one.status_code == 200 else str(one.status_code)

    found = figures(task(), [CALL, CALL], replies, WorkLimits(), wrong=wrong)
    assert (found.values, found.reason) == ({}, says)


def test_units_are_counted_in_the_answer_or_fixed_or_one_for_each_input() -> None:
    assert units_of(task(), CALL, answer(0, 1)) == 4
    assert units_of(task(units=3), CALL, answer(0, 1)) == 3
    assert units_of(task(count="length(data)"), CALL, answer(0, 1, {"data": [1, 2]})) == 2
    assert units_of(task(count="seconds"), CALL, answer(0, 1, {"seconds": 2.5})) == 2.5


@pytest.mark.parametrize("document", [None, {}, {"n": "4"}, {"n": -1}, {"n": True}, {"n": [1]}])
def test_what_is_no_number_voids_it(document: Any) -> None:
    with pytest.raises(VoidError, match="no number of embeddings"):
        units_of(task(count="n"), CALL, answer(0, 1, document))
    found = figures(task(count="length(data)"), [CALL], [answer(0, 1, {"data": []})], WorkLimits(), wrong=none)
    assert found.reason == "there were no embeddings in any answer"


def test_times_are_kept_from_the_first_request_on() -> None:
    found = raw([CALL, CALL], [answer(5.0, 5.5), Failure(reason="no", sent=5.25)])
    assert (found["requests"], found["sent_us"], found["latency_us"], found["failed"]) == (2, [0], [500_000], ["no"])
