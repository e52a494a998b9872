from __future__ import annotations

import json
import random
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager
from dataclasses import replace
from typing import Any

import pytest

from bakehouse.measure.cpu_usage import Usage
from bakehouse.measure.loadgen.client import LoadResult, load
from bakehouse.measure.loadgen.client_overhead import ClientOverhead
from bakehouse.measure.loadgen.workloads import Request, TokenWorkload
from bakehouse.model.enums import Disturbance, Verdict
from bakehouse.model.report import Measurement
from bakehouse.model.suite import Workload
from bakehouse.probes import ProbeFailed, throughput
from bakehouse.probes.calibrate import Benched
from bakehouse.probes.measured_server import MeasuredServer, Start
from bakehouse.probes.series import Turns, take, void_reasons
from bakehouse.servers.llama_cpp import bench_tool
from tests.doubles.fake_server import Behaviour, fake_server

ASKED = Workload(model_path="/m", model_sha256="0" * 64, prompt_tokens=8, output_tokens=5, starts=2, repetitions=3)


CALM = ClientOverhead(elapsed=1.0, cpu=0.01, waited=0.0, suspended=0.0, lags=None, late=0.0)


def ask(url: str, asked: Sequence[Request], *, users: int | None = None, due: Sequence[float] = ()) -> LoadResult:
    """Say that the client had nothing else to do, whatever this machine does while it runs tests."""
    return replace(load(url, asked, users=users, due=due), overhead=CALM)


class Load:
    """Says how busy the rest of the machine was, repetition by repetition."""

    def __init__(self, *foreign: float) -> None:
        self._foreign = list(foreign)

    def start(self) -> None:
        pass

    def usage(self) -> Usage:
        share = self._foreign.pop(0) if self._foreign else 0.0
        return Usage(elapsed=1.0, cores=2, machine=1.0 + 2 * share, container=1.0, client=0.0)


def served(behaviour: Behaviour, *, load: Load | None = None, memory: int | None = 1000) -> Start:
    @contextmanager
    def start() -> Iterator[MeasuredServer]:
        with fake_server(behaviour) as url:
            yield MeasuredServer(url=url, healthy=0.5, load=load or Load(), peak_memory=lambda: memory)

    return start


def rates(start: Start, asked: Workload, **how: Any) -> list[Measurement]:
    measured_series = throughput.Rates(
        start=start, asked=asked, random_ids=random.Random(1), ask=ask, **({"settings": {"threads": 2}} | how)
    )
    (found,) = take([[measured_series]], turns=Turns(wanted=asked.starts, most=asked.starts))
    return found


def measure(
    start: Callable[[], AbstractContextManager[MeasuredServer]], *, quick: bool = False
) -> dict[str, Measurement]:
    asked = ASKED.model_copy(update={"starts": 1, "repetitions": 2}) if quick else ASKED
    found = rates(start, asked)
    return {f"{one.workload} {one.metric}": one for one in found}


def test_starts_times_repetitions_are_recorded_and_warm_ups_are_not() -> None:
    behaviour = Behaviour(prompt_ms=100.0, predicted_ms=1000.0)
    found = measure(served(behaviour))
    assert set(found) == {"start time_to_healthy", "start memory", "pp8 prompt_rate", "pp8 ttft", "tg5 decode_rate"}
    assert found["pp8 prompt_rate"].counted == [80.0] * 6
    assert found["tg5 decode_rate"].counted == [4.0] * 6
    assert [(one.start, one.repetition) for one in found["tg5 decode_rate"].samples] == [
        (start, repetition) for start in (0, 1) for repetition in (0, 1, 2)
    ]
    assert found["start time_to_healthy"].counted == [0.5, 0.5]
    assert found["start memory"].counted == [1000.0, 1000.0]
    assert found["pp8 prompt_rate"].settings == {"threads": 2}
    assert len(behaviour.requests) == 2 * (3 + 1) * 2


def _decoding(predicted_ms: float = 20.0) -> list[bytes | float]:
    """An answer that takes 10 ms to be made, whatever it says itself."""
    timings = {"prompt_n": 1, "prompt_ms": 1.0, "predicted_n": 5, "predicted_ms": predicted_ms}
    return [
        b'data: {"content":"a","stop":false}\n\n',
        0.01,
        b"data: %b\n\n" % json.dumps({"content": "", "stop": True, "timings": timings}).encode(),
    ]


def test_raw_figures_of_both_clocks_are_kept() -> None:
    (sample, *_) = measure(served(Behaviour(events=_decoding())), quick=True)["tg5 decode_rate"].samples
    assert sample.raw["timings"]["predicted_n"] == 5
    assert sample.raw["client_decode_rate"] > 0
    assert sample.raw["foreign_cpu_share"] == 0


def test_a_start_is_taken_apart() -> None:
    @contextmanager
    def start() -> Iterator[MeasuredServer]:
        began = time.perf_counter()
        with fake_server(Behaviour(events=_decoding())) as url:
            yield MeasuredServer(
                url=url, healthy=0.5, port_open=0.25, started=began, load=Load(), peak_memory=lambda: 1
            )

    found = measure(start, quick=True)
    assert found["start port_open"].counted == [0.25]
    (first,), (steady,) = found["start first_token"].counted, found["start steady"].counted
    assert 0 < first < steady


def test_a_start_without_a_first_token_is_void_there() -> None:
    @contextmanager
    def start() -> Iterator[MeasuredServer]:
        with fake_server(Behaviour(events=[b'data: {"content":"","stop":true}\n\n'])) as url:
            yield MeasuredServer(url=url, healthy=0.5, started=0.0, load=Load(), peak_memory=lambda: 1)

    (sample,) = measure(start, quick=True)["start first_token"].samples
    assert (sample.verdict, sample.reason) == (Verdict.VOID, "no chunk had generated content")


def test_a_start_on_a_busy_machine_is_noisy_as_its_answers_are() -> None:
    """Two requests that warm up, then four that count: three of those are disturbed."""
    busy = {False: Load(0.0, 0.0, 0.5, 0.5, 0.0, 0.0), True: Load(0.0, 0.0, 0.5, 0.0, 0.5, 0.5)}
    for is_noisy, shares in busy.items():
        (sample,) = measure(served(Behaviour(), load=shares), quick=True)["start time_to_healthy"].samples
        assert sample.verdict is Verdict.PASSED
        assert sample.disturbed is (Disturbance.OTHER_WORK if is_noisy else None)
        assert ("for most of this start, other processes used 50% of" in sample.reason) == is_noisy
        assert sample.value == 0.5


def test_steady_is_the_first_answer_that_is_as_quick_as_the_later_ones() -> None:
    answers = [(1.0, 50.0), (2.0, 94.0), (3.0, 96.0), (4.0, 100.0), (5.0, 101.0), (6.0, 102.0)]
    assert throughput._steady(answers) == 3.0
    assert throughput._steady(answers[:1]) == 1.0


class Reference:
    """Stands in for llama-bench; says when it was asked."""

    def __init__(self, order: list[str], *, prompt: float, decode: float) -> None:
        self._order, self._prompt, self._decode = order, prompt, decode

    def __call__(self, repetitions: int, shapes: Sequence[TokenWorkload]) -> Benched:
        assert [one.name for one in shapes] == ["pp8", "tg5"]
        self._order.append("llama-bench")
        rows = [
            {"n_prompt": 8, "n_gen": 0, "samples_ns": [int(8e9 / self._prompt)] * repetitions},
            {"n_prompt": 0, "n_gen": 5, "samples_ns": [int(5e9 / self._decode)] * repetitions},
        ]
        return Benched(tool=bench_tool, output="\n".join(map(json.dumps, rows)), exit_code=0)


def calibrated(*, prompt: float, events: list[bytes | float] | None = None) -> tuple[dict[str, Measurement], list[str]]:
    """The server says 80 and 4 tokens/s, unless it is told other events."""
    order: list[str] = []

    @contextmanager
    def start() -> Iterator[MeasuredServer]:
        order.append("server")
        with fake_server(Behaviour(events=events)) as url:
            yield MeasuredServer(url=url, healthy=0.5, created=0.1, load=Load(), peak_memory=lambda: 1)

    found = rates(
        start,
        ASKED.model_copy(update={"starts": 3, "repetitions": 2}),
        reference=Reference(order, prompt=prompt, decode=4.0),
        image_size=4096,
    )
    return {f"{one.workload} {one.metric}": one for one in found}, order


def test_llama_bench_runs_after_and_before_in_turn() -> None:
    found, order = calibrated(prompt=80.0)
    assert order == ["server", "llama-bench", "llama-bench", "server", "server", "llama-bench"]
    assert found["pp8 llama_bench_prompt_rate"].counted == [80.0] * 6
    assert [one.start for one in found["pp8 llama_bench_prompt_rate"].samples] == [0, 0, 1, 1, 2, 2]
    assert found["pp8 server_to_llama_bench"].counted == [1.0] * 3
    assert found["pp8 prompt_rate"].counted == [80.0] * 6
    assert found["tg5 unstreamed_decode_rate"].counted == [4.0] * 6
    assert found["start create"].counted == [0.1] * 3
    assert found["start image_size"].counted == [4096.0]


def test_a_server_that_llama_bench_contradicts_is_void() -> None:
    found, _ = calibrated(prompt=90.0)
    assert found["pp8 prompt_rate"].counted == []
    assert found["pp8 ttft"].counted == []
    (reason,) = {one.reason for one in found["pp8 prompt_rate"].samples}
    assert reason.startswith("pp8: by the server's timings it is 11 % lower than by llama-bench (3 starts")


def test_llama_bench_is_held_against_answers_that_are_not_streamed() -> None:
    """Streamed, it is a hundred times as quick, by both clocks: that is no disagreement, and is told."""
    quick = {"prompt_n": 1, "prompt_ms": 1.0, "predicted_n": 5, "predicted_ms": 10.0}
    chunks: list[bytes | float] = [
        b'data: {"content":"a","stop":false}\n\n',
        0.01,
        b"data: %b\n\n" % json.dumps({"content": "", "stop": True, "timings": quick}).encode(),
    ]
    found, _ = calibrated(prompt=80.0, events=chunks)
    assert found["tg5 server_to_llama_bench"].counted == [1.0] * 3
    assert found["tg5 unstreamed_decode_rate"].counted == [4.0] * 6


def test_a_server_that_the_client_contradicts_is_void() -> None:
    """It says 2 s for five tokens, and takes a hundredth of it, or somewhat more on a busy machine."""
    found, _ = calibrated(prompt=80.0, events=_decoding(predicted_ms=2000.0))
    assert found["tg5 decode_rate"].counted == []
    (reason,) = {one.reason for one in found["tg5 decode_rate"].samples}
    assert reason.startswith("tg5: by the client's clock it is ")
    assert reason.endswith("look at `chunks` and `client.lag_s` of the samples in run.json")


def test_every_prompt_is_another() -> None:
    behaviour = Behaviour()
    measure(served(behaviour))
    prompts = [tuple(body["prompt"]) for body in behaviour.requests if len(body["prompt"]) > 1]
    assert len(set(prompts)) == len(prompts) == 8


@pytest.mark.parametrize(
    ("behaviour", "reason"),
    [
        (Behaviour(timings=lambda timings: timings | {"cache_n": 3}), "3 prompt tokens came from the cache"),
        (Behaviour(timings=lambda timings: timings | {"predicted_n": 2}), "the server counted 2"),
        (Behaviour(timings=lambda _: None), "no timings"),
    ],
    ids=["cache", "counts", "timings"],
)
def test_what_may_not_count_is_void_and_kept(behaviour: Behaviour, reason: str) -> None:
    found = measure(served(behaviour))
    rate = found["tg5 decode_rate"]
    assert rate.counted == []
    assert {sample.verdict for sample in rate.samples} == {Verdict.VOID}
    assert reason in rate.samples[0].reason
    assert any(line.startswith("tg5 decode_rate: ") for line in void_reasons(list(found.values())))


def test_a_repetition_that_others_disturbed_is_kept_apart_and_the_rest_counts() -> None:
    # The warm-up's two, then pp and tg of the first repetition.
    found = measure(served(Behaviour(), load=Load(0.9, 0.9, 0.3, 0.05)), quick=True)
    disturbed = found["pp8 prompt_rate"].samples[0]
    assert (disturbed.verdict, disturbed.disturbed) == (Verdict.PASSED, Disturbance.OTHER_WORK)
    assert disturbed.reason.startswith("other processes used 30% of this machine's CPU meanwhile")
    assert disturbed.value == 80.0  # what it would have been is kept
    assert len(found["pp8 prompt_rate"].counted) == 1
    assert len(found["tg5 decode_rate"].counted) == 2
    assert void_reasons(list(found.values())) == []


def test_a_server_that_answers_nothing_is_wrong() -> None:
    with pytest.raises(ProbeFailed, match="not one request was answered; the last: HTTP 500: out of patience"):
        measure(served(Behaviour(status=500)))


def test_memory_that_cannot_be_seen_is_void() -> None:
    (sample, _) = measure(served(Behaviour(), memory=None))["start memory"].samples
    assert (sample.verdict, sample.value) == (Verdict.VOID, 0.0)


def test_summary_names_the_rates() -> None:
    text = throughput.summary(list(measure(served(Behaviour())).values()))
    assert text == "pp8 80.0 tokens/s (median of 6), tg5 4.0 tokens/s (median of 6)"
