from __future__ import annotations

import json
import math
import random
import time
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import replace
from typing import Any

import pytest

from bakehouse.history.paired import pairs
from bakehouse.measure.cpu_usage import Usage
from bakehouse.measure.loadgen.client_overhead import ClientOverhead
from bakehouse.measure.loadgen.sending import Answered, send
from bakehouse.model.enums import Disturbance, Grade, Verdict
from bakehouse.model.report import Measurement
from bakehouse.model.suite import WorkToMeasure
from bakehouse.probes import ProbeFailed
from bakehouse.probes.cases import wrong_with
from bakehouse.probes.measured_server import MeasuredServer
from bakehouse.probes.series import Samples, Turns, take
from bakehouse.probes.work_rates import RATE, Counts, WorkRates, summary
from tests.doubles.work_server import Asked, Respond, WorkServer, embed, work_server

CALM = ClientOverhead(elapsed=1.0, cpu=0.01, waited=0.0, suspended=0.0, lags=None, late=0.0)
EMBED: dict[str, Any] = {
    "name": "embed",
    "unit": "embeddings",
    "http": {"path": "/v1/embeddings", "body": {"input": "{inputs}"}},
    "inputs": {"sentences": 4},
    "count": "length(data)",
}


class Watched:
    def __init__(self, foreign: float, joules: float | None) -> None:
        self._foreign, self._joules = foreign, joules  # NaN: what is watched has no counter

    def start(self) -> None:
        pass

    def usage(self) -> Usage:
        usage = Usage(elapsed=0.05, cores=1, machine=self._foreign * 0.05, container=0.0, client=0.0)
        if self._joules is None:
            return usage
        joules = None if math.isnan(self._joules) else self._joules
        return replace(usage, elapsed=1.0, machine=self._foreign, joules=joules, telemetry={"watched": True})


class Measured:
    """What came of a task on a server."""

    def __init__(
        self,
        respond: Respond = embed,
        *,
        left: float = math.inf,
        starts: int = 1,
        foreign: float = 0.0,
        joules: float | None = None,
        overhead: ClientOverhead = CALM,
        counts: Counts | None = None,
        limits: dict[str, float] | None = None,
        repetitions: int = 2,
        behind: Respond | None = None,
        **task: Any,
    ) -> None:
        self.counts = counts or Counts()
        self.servers: list[WorkServer] = []

        @contextmanager
        def start() -> Iterator[MeasuredServer]:
            with ExitStack() as stack:
                server = stack.enter_context(work_server(respond, seconds=0.002 if behind is None else 0.02))
                self.servers.append(server)
                if behind:
                    self.servers.append(stack.enter_context(work_server(behind, seconds=0.002)))
                yield MeasuredServer(
                    url=server.url,
                    behind=self.servers[-1].url if behind else "",
                    healthy=0.5,
                    started=time.perf_counter(),
                    load=Watched(foreign, joules),
                    peak_memory=lambda: 1,
                )

        def calm(
            url: str, requests: Sequence[bytes], *, users: int | None = None, due: Sequence[float] = ()
        ) -> Answered:
            return replace(send(url, requests, users=users, due=due), overhead=overhead)

        about = {"tasks": [EMBED | task], "starts": starts, "repetitions": repetitions, "seconds": 0.05}
        asked = WorkToMeasure.model_validate_json(json.dumps(about | {"limits": limits or {}}))
        series = WorkRates(
            start=start,
            asked=asked,
            settings={"device": "cpu"},
            chance=random.Random(1),
            read=lambda name: name.encode(),
            wrong=lambda task, answer: "; ".join(wrong_with(answer, task.expect, {})),
            counts=self.counts,
            send=calm,
            left=lambda: left,
        )
        found = take([[series]], turns=Turns(wanted=starts, most=starts))[0]
        self.found = {f"{one.workload} {one.metric}": one for one in found}

    def __getitem__(self, name: str) -> Measurement:
        return self.found[name]


def test_each_level_has_its_rate_in_its_own_unit_and_its_latencies() -> None:
    levels = ("embed-b1-1c", "embed-b4-1c", "embed-b1-2c", "embed-b1-100ps")
    counts = Counts(by_level=dict.fromkeys(levels, 12))
    one = Measured(counts=counts, batches=(1, 4), clients=(1, 2), arrivals=(100.0,), limits={"latency": 30.0})
    for level in levels:
        assert one[f"{level} work_rate"].unit == "embeddings/s"
        assert one[f"{level} request_rate"].unit == one[f"{level} goodput"].unit == "requests/s"
        assert one[f"{level} latency"].unit == "seconds"
        assert len(one[f"{level} work_rate"].counted) == 2
        assert one[f"{level} latency_p90"].counted
    rate, batched = one["embed-b1-1c work_rate"], one["embed-b4-1c work_rate"]
    assert max(rate.counted) < 500  # 2 ms an answer
    assert one["embed-b4-1c request_rate"].counted[0] == pytest.approx(batched.counted[0] / 4)
    assert (rate.settings["batch"], rate.settings["clients"]) == (1, 1)
    assert one["embed-b1-100ps work_rate"].settings["arrivals"] == 100
    assert "embed-b1-1c" in summary(list(one.found.values()))
    assert one["start first_answer"].unit == one["start time_to_healthy"].unit == "seconds"


def test_what_a_server_adds_is_held_against_the_same_requests_to_the_one_behind_it() -> None:
    """They take 20 ms here and 2 ms there."""
    one = Measured(behind=embed, clients=(1, 2))
    added = one["embed-b1-1c added_latency"]
    assert added.unit == "seconds"
    assert len(added.counted) == 2
    assert all(0.01 < value < 0.1 for value in added.counted)
    assert "embed-b1-2c added_latency" not in one.found, "two clients wait for each other"
    assert one["embed-b1-1c work_rate"].counted[0] < 60, "what is sent behind it is not the server's work"
    assert "embed-b1-1c added_latency" not in Measured().found


def test_what_a_server_adds_is_void_where_the_one_behind_it_does_not_answer() -> None:
    def broken(_: Asked) -> tuple[int, Any]:
        return 500, {}

    added = Measured(behind=broken)["embed-b1-1c added_latency"]
    assert {one.verdict for one in added.samples} == {Verdict.VOID}
    assert added.samples[0].reason.startswith("without it, ")


def test_a_unit_has_its_energy_where_a_counter_tells() -> None:
    counts = Counts(by_level={"embed-b4-1c": 10, "embed-b4-100ps": 10})
    one = Measured(counts=counts, batches=(4,), arrivals=(100.0,), joules=8.0)
    energy = one["embed-b4-1c energy_per_unit"]
    assert (energy.unit, energy.counted) == ("joules/embedding", [8.0 / 40])
    assert "embed-b4-100ps energy_per_unit" not in one.found, "between random arrivals the device idles"
    assert "embed-b1-1c energy_per_unit" not in Measured().found, "nothing was watched"


def test_that_nothing_tells_the_energy_is_said_on_a_busy_machine_too() -> None:
    silent = Measured(foreign=0.9, joules=math.nan)["embed-b1-1c energy_per_unit"].samples[0]
    assert (silent.verdict, silent.reason.partition(":")[0]) == (Verdict.SKIPPED, "unsupported")
    disturbed = Measured(foreign=0.9, joules=8.0)["embed-b1-1c energy_per_unit"].samples[0]
    assert disturbed.reason == "no answer of this start counts"


def test_starts_that_are_taken_later_send_as_many() -> None:
    first = Measured(counts=Counts(seconds=0.01, by_level={"embed-b1-1c": 7}))
    counts = Counts()
    samples = Samples(by_metric={("embed-b1-1c", RATE): first["embed-b1-1c work_rate"].samples})
    counts.recall(samples)
    assert counts.by_level == {"embed-b1-1c": 7}


def test_the_same_number_of_requests_comes_in_each_start_and_no_text_comes_twice() -> None:
    one = Measured(starts=2)
    count = one.counts.by_level["embed-b1-1c"]
    assert count >= 2
    assert {sample.raw["requests"] for sample in one["embed-b1-1c work_rate"].samples} == {count}
    bodies = [asked.body for server in one.servers for asked in server.asked]
    assert len(set(bodies)) == len(bodies) > 4 * count


def test_a_refusal_voids_the_repetition_that_it_is_in() -> None:
    asked = 0

    def refuse_one(request: Asked) -> tuple[int, Any]:
        nonlocal asked
        asked += 1
        return (429, {}) if asked == 5 else embed(request)

    found = Measured(refuse_one, counts=Counts(seconds=0.01, by_level={"embed-b1-1c": 2}))["embed-b1-1c work_rate"]
    assert [sample.verdict for sample in found.samples] == [Verdict.VOID, Verdict.PASSED]
    assert (
        "1 of 2 requests were not answered as expected; the first: status 429, expected 200" in found.samples[0].reason
    )
    assert asked == 8


def test_a_server_that_answers_nothing_as_expected_fails() -> None:
    with pytest.raises(ProbeFailed, match=r"not one request was answered as expected: .* status 503, expected 200"):
        Measured(lambda _: (503, {"error": "no"}))
    with pytest.raises(ProbeFailed, match="has length 2, expected 3"):
        Measured(expect={"values": {"data[0].embedding": {"length": 3}}})


def test_what_cannot_be_counted_voids_it() -> None:
    with pytest.raises(ProbeFailed, match="nothing is None in an answer, and no number of embeddings"):
        Measured(count="nothing")


def test_other_work_makes_it_noisy_and_a_busy_client_voids_it() -> None:
    found = Measured(foreign=0.9)["embed-b1-1c work_rate"]
    assert (found.grade, found.samples[0].disturbed) == (Grade.NOISY, Disturbance.OTHER_WORK)
    busy = replace(CALM, cpu=0.9)
    assert "used 90% of a core" in Measured(overhead=busy)["embed-b1-1c work_rate"].samples[0].reason


def test_without_time_each_task_has_one_rate_of_its_first_requests() -> None:
    found = Measured(left=0.0, clients=(1, 2))
    levels = [found[f"embed-b1-{clients}c work_rate"].samples for clients in (1, 2)]
    said = [[(one.verdict, one.disturbed) for one in samples] for samples in levels]
    assert said == [[(Verdict.PASSED, Disturbance.COLD)], [(Verdict.SKIPPED, Disturbance.NO_TIME)]]
    assert levels[0][0].value > 0


def test_with_little_time_the_first_requests_count() -> None:
    cold = Measured(left=0.04)["embed-b1-1c work_rate"].samples
    assert [(one.verdict, one.disturbed) for one in cold] == [(Verdict.PASSED, Disturbance.COLD)]


def test_two_images_in_turn_get_as_many_requests() -> None:
    counts = Counts()
    first = Measured(counts=counts)
    chosen = dict(counts.by_level)
    other = Measured(counts=counts)
    assert counts.by_level == chosen
    sent = [one["embed-b1-1c work_rate"].samples[0].raw["requests"] for one in (first, other)]
    assert sent[0] == sent[1] == chosen["embed-b1-1c"]
    (pair,) = pairs("cell", [first["embed-b1-1c work_rate"]], [other["embed-b1-1c work_rate"]])
    assert (pair.metric, pair.missing) == ("work_rate", "")


def test_a_slow_server_gets_fewer_repetitions_so_that_all_levels_fit() -> None:
    found = Measured(left=0.25, clients=(1, 2), repetitions=9)  # a run takes 50 ms by its usage
    assert [len(found[f"embed-b1-{number}c work_rate"].samples) for number in (1, 2)] == [2, 4]


def test_a_server_that_breaks_off_is_given_up_at_once() -> None:
    asked = 0

    def break_off(_: Asked) -> tuple[int, Any]:
        nonlocal asked
        asked += 1
        raise OSError

    with pytest.raises(ProbeFailed, match="not one request was answered: 2 of 2 requests failed"):
        Measured(break_off, clients=(1, 2, 4))
    assert asked == 2
