from __future__ import annotations

import itertools
import random
import statistics
from typing import Any

import pytest

from bakehouse.measure import workload_runs
from bakehouse.measure.loadgen import workloads
from bakehouse.measure.loadgen.client import LoadResult
from bakehouse.measure.loadgen.client_overhead import ClientOverhead
from bakehouse.measure.loadgen.replies import Failure, Reply
from bakehouse.measure.loadgen.workloads import Api, Request
from bakehouse.measure.workload_runs import PlannedLoad
from bakehouse.model.recipe import Arrivals, Chat, Limits, Load, LongContext, Sweep

CALM = ClientOverhead(elapsed=4.0, cpu=0.1, waited=0.0, suspended=0.0, lags=(1e-5, 2e-5, 3e-5), late=0.0)
ALL: list[Load] = [
    Chat(kind="chat"),
    Sweep(kind="sweep"),
    Arrivals(kind="arrivals"),
    LongContext(kind="long-context"),
]


def planned(asked: Load, *, native: bool = True) -> list[PlannedLoad]:
    return workload_runs.plan(asked, chance=random.Random(1), native=native, model="" if native else "m")


def reply(*, sent: float, first: float, gaps: list[float], tokens: int | None = None, **changes: Any) -> Reply:
    stamps = [first]
    for gap in gaps:
        stamps.append(stamps[-1] + gap)
    fields: dict[str, Any] = {
        "text": "",
        "sent": sent,
        "first": first,
        "ended": stamps[-1],
        "chunks": len(stamps),
        "stamps": tuple(stamps),
        "timings": None,
        "usage": {"prompt_tokens": 10, "completion_tokens": tokens or len(stamps)},
    }
    return Reply(**(fields | changes))


def outcome(*replies: Reply | Failure) -> LoadResult:
    return LoadResult(replies=replies, overhead=CALM, parsing=0.001)


def plan_for(*tokens: int) -> PlannedLoad:
    return PlannedLoad(name="x", users=1, requests=tuple(Request(prompt="a", output_tokens=count) for count in tokens))


TWO = outcome(
    reply(sent=100.0, first=100.5, gaps=[0.1, 0.1, 0.2]), reply(sent=101.0, first=102.0, gaps=[0.2, 0.2, 0.2, 0.4])
)


def test_figures_follow_their_definitions() -> None:
    found = workload_runs.figures(plan_for(4, 5), TWO, Limits(ttft=0.6)).values
    wall = 103.0 - 100.0
    assert found == {
        "system_rate": pytest.approx(9 / wall),
        "system_prompt_rate": pytest.approx(20 / wall),
        "request_rate": pytest.approx(2 / wall),
        "goodput": pytest.approx(1 / wall),
        "ttft": pytest.approx(0.75),
        "latency": pytest.approx((0.9 + 2.0) / 2),
        "tpot": pytest.approx((0.4 / 3 + 1.0 / 4) / 2),
        "itl": pytest.approx(0.2),
        "decode_rate": pytest.approx(1 / ((0.4 / 3 + 1.0 / 4) / 2)),
    }


def test_goodput_holds_all_limits_and_is_nothing_without_any() -> None:
    plan = plan_for(4, 5)
    assert "goodput" not in workload_runs.figures(plan, TWO, Limits()).values
    for limits, good in [
        (Limits(tpot=0.2), 1),
        (Limits(latency=2.5), 2),
        (Limits(ttft=2, tpot=0.1), 0),
        (Limits(ttft=0.4, latency=9), 0),
    ]:
        assert workload_runs.figures(plan, TWO, limits).values["goodput"] == pytest.approx(good / 3.0)


def test_percentiles_are_given_where_there_are_values_enough() -> None:
    replies = [reply(sent=float(number), first=number + 0.1 + number / 1000, gaps=[0.01] * 11) for number in range(10)]
    found = workload_runs.figures(plan_for(*[12] * 10), outcome(*replies), Limits()).values
    assert found["ttft_p90"] == pytest.approx(0.1081)
    assert "ttft_p99" not in found
    assert found["itl_p99"] == pytest.approx(0.01)


def test_gaps_between_chunks_of_several_tokens_are_not_called_gaps_between_tokens() -> None:
    found = workload_runs.figures(
        plan_for(12), outcome(reply(sent=0.0, first=1.0, gaps=[0.1] * 3, tokens=12)), Limits()
    )
    assert "itl" not in found.values
    assert found.skipped["itl"].startswith("its chunks hold 3.0 tokens each")
    assert found.values["tpot"] == pytest.approx(0.3 / 11)


@pytest.mark.parametrize(
    ("replies", "reason"),
    [
        (
            [reply(sent=0.0, first=1.0, gaps=[1.0] * 3), Failure(reason="HTTP 500: oh", sent=0.0)],
            "1 of 2 requests failed; the first: HTTP 500: oh",
        ),
        ([reply(sent=0.0, first=1.0, gaps=[1.0] * 3)] * 2, "5 output tokens were asked for and the server counted 4"),
        ([reply(sent=2.0, first=1.0, gaps=[1.0] * 3)] * 2, "the clock went backwards"),
        ([reply(sent=0.0, first=1.0, gaps=[1.0] * 3, usage=None)] * 2, "the server sent no timings and no usage"),
        (
            [reply(sent=0.0, first=1.0, gaps=[1.0] * 3, usage={"completion_tokens": 4, "prompt_tokens": None})] * 2,
            "the server counted None as its prompt_tokens",
        ),
    ],
    ids=["failed", "count", "clock", "no usage", "odd usage"],
)
def test_a_load_with_an_answer_that_does_not_count_is_void_as_a_whole(
    replies: list[Reply | Failure], reason: str
) -> None:
    found = workload_runs.figures(plan_for(4, 5), outcome(*replies), Limits())
    assert found.values == {}
    assert found.reason.startswith(reason)


def test_raw_is_enough_to_compute_everything_again() -> None:
    plan = PlannedLoad(name="x", users=None, requests=plan_for(4, 5).requests, due=(0.0, 1.0))
    kept = workload_runs.raw(plan, outcome(*TWO.replies[:1], Failure(reason="gone", sent=101.0, due=100.9)))
    assert kept["requests"] == [
        {
            "asked": 4,
            "chunks": 4,
            "sent_us": 0,
            "late_us": 100_000_000,
            "first_us": 500_000,
            "ended_us": 900_000,
            "usage": {"prompt_tokens": 10, "completion_tokens": 4},
            "gaps_us": [100_000, 100_000, 200_000],
        },
        {"asked": 5, "chunks": 0, "sent_us": 1_000_000, "late_us": 100_000, "failed": "gone"},
    ]
    assert kept["client"]["cpu_s"] == 0.1


def test_gaps_of_a_large_load_are_left_out() -> None:
    many = reply(sent=0.0, first=1.0, gaps=[0.001] * workload_runs.KEPT_GAPS)
    (row,) = workload_runs.raw(plan_for(workload_runs.KEPT_GAPS + 1), outcome(many))["requests"]
    assert "gaps_us" not in row


def test_a_sweep_has_a_load_for_each_number_of_users() -> None:
    found = planned(Sweep(kind="sweep", users=(1, 3), requests_each=2))
    assert [(one.name, one.users, len(one.requests)) for one in found] == [("sweep-1u", 1, 2), ("sweep-3u", 3, 6)]


def test_chats_go_through_the_template_and_have_the_same_lengths_each_time() -> None:
    (first,), (second,) = (
        planned(Chat(kind="chat")),
        workload_runs.plan(Chat(kind="chat"), chance=random.Random(2), native=True),
    )
    assert {request.api for request in first.requests} == {Api.CHAT}
    lengths = [request.output_tokens for request in first.requests]
    assert lengths == [request.output_tokens for request in second.requests]
    assert 32 <= min(lengths) < max(lengths) <= 96
    assert first.requests[0].prompt != second.requests[0].prompt


@pytest.mark.parametrize("asked", ALL, ids=lambda load: load.kind)
def test_texts_of_a_load_are_all_different(asked: Load) -> None:
    texts = [request.prompt for one in planned(asked) for request in one.requests]
    assert len(set(texts)) == len(texts)


def test_other_servers_are_asked_by_the_openai_paths_and_with_their_models_name() -> None:
    for asked in ALL:
        for one in planned(asked, native=False):
            assert {request.api for request in one.requests} <= {Api.COMPLETIONS, Api.CHAT}
            assert {request.body()["model"] for request in one.requests} == {"m"}


def test_arrivals_are_poisson_and_the_same_for_the_same_seed() -> None:
    asked = Arrivals(kind="arrivals", rate=4.0, requests=4001)
    moments = workload_runs.moments(asked)
    assert moments == workload_runs.moments(asked) != workload_runs.moments(asked.model_copy(update={"seed": 2}))
    gaps = [after - before for before, after in itertools.pairwise(moments)]
    assert moments[0] == 0
    assert statistics.mean(gaps) == pytest.approx(0.25, rel=0.05)
    assert statistics.stdev(gaps) == pytest.approx(0.25, rel=0.1)  # exponential: as large as the mean


@pytest.mark.parametrize("asked", ALL, ids=lambda load: load.kind)
def test_the_server_has_room_for_what_is_asked(asked: Load) -> None:
    for one in planned(asked):
        assert one.users is None or one.users <= workloads.slots(asked)
        for request in one.requests:
            words = len(str(request.prompt).split())
            assert 1.5 * words + request.output_tokens + 64 <= workloads.context(asked)


@pytest.mark.parametrize("asked", ALL, ids=lambda load: load.kind)
def test_quick_asks_for_less_of_the_same(asked: Load) -> None:
    def tokens(load: Load) -> int:
        return sum(
            request.output_tokens + len(str(request.prompt)) for one in planned(load) for request in one.requests
        )

    assert type(workload_runs.quick(asked)) is type(asked)
    assert tokens(workload_runs.quick(asked)) < tokens(asked)
    assert workload_runs.quick(workload_runs.quick(asked)) == workload_runs.quick(asked)


@pytest.mark.parametrize(
    ("load", "tokens"),
    [
        (Sweep(kind="sweep", users=(1, 2, 4), requests_each=2, output_tokens=32), 448),
        (Arrivals(kind="arrivals", requests=8, output_tokens=32), 256),
        (LongContext(kind="long-context", requests=1, output_tokens=16), 16),
        (Chat(kind="chat", requests=4, output_tokens=64, spread=0), 256),
    ],
    ids=["sweep", "arrivals", "long", "chat"],
)
def test_tokens_of_a_load_are_those_that_its_requests_ask_for(load: Load, tokens: int) -> None:
    assert workload_runs.output_tokens(load) == tokens
    planned = workload_runs.plan(load, chance=random.Random(1), native=True)
    assert sum(request.output_tokens for one in planned for request in one.requests) == tokens
