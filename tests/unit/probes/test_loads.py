from __future__ import annotations

import random
from collections.abc import Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from bakehouse.measure.cpu_usage import Usage
from bakehouse.measure.loadgen.client import LoadResult, load
from bakehouse.measure.loadgen.client_overhead import ClientOverhead
from bakehouse.measure.loadgen.workloads import Request
from bakehouse.model.enums import Disturbance, Verdict
from bakehouse.model.recipe import Arrivals, Chat, Limits, Load, Sweep
from bakehouse.model.report import Measurement
from bakehouse.model.suite import Workload
from bakehouse.probes import ProbeFailed, loads
from bakehouse.probes.measured_server import MeasuredServer
from bakehouse.probes.series import Turns, take, void_reasons
from tests.doubles.mock import mock_server
from tests.doubles.mock_server import Script

CALM = ClientOverhead(elapsed=1.0, cpu=0.01, waited=0.0, suspended=0.0, lags=None, late=0.0)
SWEEP = Sweep(kind="sweep", users=(1, 2), prompt_words=8, output_tokens=4, requests_each=1)
CHAT = Chat(kind="chat", requests=2, prompt_words=8, output_tokens=4)
FAST = Script(ttft=0.004, gaps=(0.002,))


class Idle:
    def start(self) -> None:
        pass

    def usage(self) -> Usage:
        return Usage(elapsed=1.0, cores=2, machine=1.0, container=1.0, client=0.0)


def measure(
    script: Script,
    *asked: Load,
    folder: Path,
    overhead: ClientOverhead = CALM,
    api: str = "openai",
    repetitions: int = 2,
) -> dict[str, Measurement]:
    @contextmanager
    def start(_: Load) -> Iterator[MeasuredServer]:
        with mock_server({"default": script}, folder=folder) as mock:
            yield MeasuredServer(url=mock.url, healthy=0.5, load=Idle(), peak_memory=lambda: 1)

    def ask(url: str, asked: Sequence[Request], *, users: int | None = None, due: Sequence[float] = ()) -> LoadResult:
        return replace(load(url, asked, users=users, due=due), overhead=overhead)

    workload = Workload.model_validate(
        {
            "model_path": "/m",
            "model_sha256": "0" * 64,
            "prompt_tokens": 8,
            "output_tokens": 5,
            "starts": 1,
            "repetitions": 1,
            "load_repetitions": repetitions,
            "loads": [one.model_dump() for one in asked],
            "limits": Limits(ttft=5.0),
            "api": api,
        }
    )
    chance = random.Random(1)
    all_series = [
        loads.Loaded(start=start, load=one, asked=workload, settings={"kind": one.kind}, chance=chance, ask=ask)
        for one in workload.loads
    ]
    turns = Turns(wanted=workload.starts, most=workload.starts)
    found = [one for measured_series in all_series for one in take([[measured_series]], turns=turns)[0]]
    return {f"{one.workload} {one.metric}": one for one in found}


def test_each_level_of_a_sweep_has_all_its_metrics_and_the_wire_is_kept_once(tmp_path: Path) -> None:
    found = measure(replace(FAST, gaps=(0.05,)), SWEEP, folder=tmp_path)
    for workload in ("sweep-1u", "sweep-2u"):
        for metric in ("system_rate", "system_prompt_rate", "decode_rate", "goodput", "ttft", "itl", "tpot", "latency"):
            right = [one for one in found[f"{workload} {metric}"].samples if one.verdict is Verdict.PASSED]
            assert len(right) == 2, metric
    rate = found["sweep-2u system_rate"]
    assert (rate.unit, rate.settings["kind"], rate.settings["api"]) == ("tokens/s", "sweep", "openai")
    assert len(rate.samples[0].raw["requests"]) == 2
    assert found["sweep-2u ttft"].samples[0].raw == {}
    assert min(found["sweep-1u ttft"].counted) > 0.0035  # two clocks, read on a busy machine
    assert loads.summary(list(found.values())).startswith("sweep-1u ")


def test_chats_are_measured_through_llama_servers_words_too(tmp_path: Path) -> None:
    found = measure(replace(FAST, gaps=(0.06,)), CHAT, folder=tmp_path, api="llama-server", repetitions=1)
    assert found["chat-1u decode_rate"].counted


def test_arrivals_come_when_they_are_due(tmp_path: Path) -> None:
    asked = Arrivals(kind="arrivals", rate=200.0, requests=4, prompt_words=4, output_tokens=2)
    found = measure(FAST, asked, folder=tmp_path, repetitions=1)
    (sample,) = found["arrivals-200ps system_rate"].samples
    assert all(row["late_us"] >= 0 for row in sample.raw["requests"])


@pytest.mark.parametrize(
    ("script", "overhead", "reason"),
    [
        ({"ends_with": "reset"}, CALM, "not one request was answered"),
        ({"tokens": 2}, CALM, "4 output tokens were asked for and the server counted 2"),
        ({"usage": False}, CALM, "the server sent no timings and no usage"),
        ({}, replace(CALM, cpu=0.9), "the load client used 90% of a core"),
    ],
    ids=["reset", "short", "uncounted", "saturated"],
)
def test_what_may_not_count_is_void_with_the_reason_and_never_averaged(
    script: dict[str, Any], overhead: ClientOverhead, reason: str, tmp_path: Path
) -> None:
    one = SWEEP.model_copy(update={"users": (1,)})
    if "answered" in reason:
        with pytest.raises(ProbeFailed, match=f"{reason}; the last: the connection broke: the server reset it"):
            measure(replace(FAST, **script), one, folder=tmp_path, overhead=overhead)
        return
    found = measure(replace(FAST, **script), one, folder=tmp_path, overhead=overhead, repetitions=1)
    assert [measurement.counted for measurement in found.values()] == [[]] * len(found)
    assert {sample.verdict for measurement in found.values() for sample in measurement.samples} == {Verdict.VOID}
    assert void_reasons(list(found.values()))[0].startswith(f"sweep-1u system_rate: {reason}")


def test_a_metric_without_meaning_is_skipped_and_voids_nothing(tmp_path: Path) -> None:
    one = SWEEP.model_copy(update={"users": (1,)})
    found = measure(replace(FAST, per_chunk=4), one, folder=tmp_path, repetitions=1)
    (sample,) = found["sweep-1u itl"].samples
    assert (sample.verdict, sample.value) == (Verdict.SKIPPED, 0.0)
    assert void_reasons(list(found.values())) == []


def test_a_load_that_was_never_begun_is_left_out_by_name() -> None:
    load = SWEEP.model_copy(update={"users": (1, 4)})
    asked = Workload(
        model_path="/m", model_sha256="0" * 64, prompt_tokens=8, output_tokens=4, starts=3, repetitions=1, loads=[load]
    )

    def start(_: Load) -> AbstractContextManager[MeasuredServer]:
        raise AssertionError("no server is started for it")

    never = loads.Loaded(start=start, load=load, asked=asked, settings={"kind": "sweep"}, chance=random.Random(1))
    (found,) = take([[never]], turns=Turns(wanted=3, most=12, left=lambda: 0.0, must_start=False))
    assert [one.workload for one in found] == ["sweep-1u", "sweep-4u"]
    assert {sample.disturbed for one in found for sample in one.samples} == {Disturbance.NO_TIME}
    assert {sample.verdict for one in found for sample in one.samples} == {Verdict.SKIPPED}
