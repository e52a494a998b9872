from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import pytest

from bakehouse.measure.calibration import ClockPair
from bakehouse.measure.cpu_usage import Usage
from bakehouse.model.enums import Disturbance, Grade, Verdict
from bakehouse.model.report import Measurement, Metric, Sample
from bakehouse.model.suite import Workload
from bakehouse.probes import calibrate
from bakehouse.probes.calibrate import Benched
from bakehouse.servers.llama_cpp import bench_tool

ASKED = Workload(
    model_path="/m.gguf", model_sha256="0" * 64, prompt_tokens=512, output_tokens=128, starts=2, repetitions=3
)
SAID = "load_backend: loaded CPU backend from /app/libggml-cpu-zen4.so\n"
CALM = Usage(elapsed=10.0, cores=2, machine=19.0, container=19.0, client=0.0)


def row(prompt: int, output: int, *seconds: float) -> dict[str, Any]:
    """As llama-bench writes it, shortened."""
    return {
        "build_commit": "0c1e57098",
        "backends": "CPU",
        "n_threads": 2,
        "n_prompt": prompt,
        "n_gen": output,
        "samples_ns": [round(one * 1e9) for one in seconds],
        "samples_ts": [(prompt + output) / one for one in seconds],
    }


def benched(*rows: dict[str, Any], usage: Usage | None = CALM, exit_code: int = 0) -> Benched:
    return Benched(
        tool=bench_tool, output=SAID + "".join(json.dumps(one) + "\n" for one in rows), exit_code=exit_code, usage=usage
    )


BOTH = benched(row(512, 0, 2.0, 2.56), row(0, 128, 1.0, 1.28))


def measurement(workload: str, metric: Metric, *starts: Sequence[float]) -> Measurement:
    samples = [
        Sample(start=start, repetition=number, value=value)
        for start, values in enumerate(starts)
        for number, value in enumerate(values)
    ]
    return Measurement(workload=workload, metric=metric, unit="tokens/s", samples=samples)


def measured(*, client: float = 100.0, server: float = 100.0, bench: float = 100.0) -> list[Measurement]:
    both = [[1.0, 1.0, 1.0], [1.0, 1.0, 1.0]]

    def at(rate: float) -> list[list[float]]:
        return [[rate * value for value in start] for start in both]

    return [
        measurement("tg128", "decode_rate", *at(server)),
        measurement("tg128", "unstreamed_decode_rate", *at(server)),
        measurement("tg128", "client_decode_rate", *at(client)),
        measurement("tg128", "llama_bench_decode_rate", *at(bench)),
        measurement("pp512", "prompt_rate", *at(900.0)),
        measurement("pp512", "ttft", *at(0.6)),
        measurement("pp512", "llama_bench_prompt_rate", *at(920.0)),
    ]


def test_each_repetition_is_a_sample_from_its_nanoseconds() -> None:
    found = calibrate.samples(BOTH, ASKED, start=1)
    assert [one.value for one in found["llama_bench_prompt_rate"]] == [256.0, 200.0]
    assert [one.value for one in found["llama_bench_decode_rate"]] == [128.0, 100.0]
    assert [(one.start, one.repetition) for one in found["llama_bench_decode_rate"]] == [(1, 0), (1, 1)]
    first, second = found["llama_bench_decode_rate"]
    assert first.raw["llama_bench"]["n_threads"] == 2
    assert "samples_ns" not in first.raw["llama_bench"]
    assert second.raw == {}


@pytest.mark.parametrize(
    ("benched", "reason"),
    [
        (
            Benched(tool=bench_tool, output=SAID + "error: failed to load model", exit_code=1),
            "llama-bench gave no figures and ended with 1: error: failed to load model",
        ),
        (Benched(tool=bench_tool, output="", exit_code=-1), "llama-bench was not finished in time"),
        (benched(row(512, 0, 1.0), exit_code=137), "ended with 137"),
        (benched(row(0, 128) | {"samples_ns": None}), "gave no figures"),
        (benched(row(0, 64, 1.0)), "gave no figures"),
    ],
    ids=["failed", "too long", "killed", "no samples", "another test"],
)
def test_without_figures_there_is_one_void_sample_that_says_why(benched: Benched, reason: str) -> None:
    (sample,) = calibrate.samples(benched, ASKED, start=0)["llama_bench_decode_rate"]
    assert (sample.verdict, sample.value) == (Verdict.VOID, 0.0)
    assert reason in sample.reason


def test_a_disturbed_run_is_noisy_and_contradicts_nothing() -> None:
    busy = replace(BOTH, usage=replace(CALM, container=10.0))
    found = calibrate.samples(busy, ASKED, start=0)["llama_bench_decode_rate"]
    assert {one.disturbed for one in found} == {Disturbance.OTHER_WORK}
    assert found[0].value == 128.0
    rates = [
        measurement("tg128", "unstreamed_decode_rate", [50.0, 51.0]),
        measurement("tg128", "decode_rate", [50.0, 51.0]),
        Measurement(workload="tg128", metric="llama_bench_decode_rate", unit="tokens/s", samples=found),
    ]
    decode = calibrate.calibrated(rates, ASKED, settings={})[1]
    assert decode.counted == [50.0, 51.0]
    assert decode.grading
    assert (decode.grade, decode.grading.low, decode.grading.high) == (Grade.NOISY, 50.0, 128.0)
    assert Disturbance.CLOCKS in decode.grading.disturbances


def test_what_agrees_counts_and_the_ratios_are_kept_with_both_sides() -> None:
    found = calibrate.calibrated(measured(client=100.5, bench=101.0), ASKED, settings={"device": "cpu"})
    assert all(one.counted for one in found)
    ratios = {(one.workload, one.metric): one for one in found if one.unit == "ratio"}
    assert set(ratios) == {
        ("tg128", "client_to_server"),
        ("tg128", "server_to_llama_bench"),
        ("pp512", "server_to_llama_bench"),
    }
    one = ratios["tg128", "client_to_server"]
    assert one.settings == {"device": "cpu", "gate": 0.01, "allowed_s": 0.0}
    assert [sample.value for sample in one.samples] == pytest.approx([1.005, 1.005])
    assert one.samples[0].raw == {"first": 100.5, "second": 100.0, "ranges": ((100.5, 100.5), (100.0, 100.0))}


def test_the_summary_is_what_was_kept() -> None:
    found = calibrate.calibrated(measured(client=100.5, bench=101.0), ASKED, settings={})
    assert calibrate.summary(found).startswith(
        "tg128: by the client's clock it is 0.5 % higher than by the server's timings "
        "(2 starts, +0.5 % to +0.5 %; 1 % allowed); tg128: by the server's timings it is 0.99 % lower than by "
    )
    assert "pp512: by the server's timings it is 2.2 % lower than by llama-bench" in calibrate.summary(found)


@pytest.mark.parametrize(
    ("rates", "pair"),
    [(measured(client=98.0), ClockPair.CLIENT_SERVER), (measured(bench=96.0), ClockPair.SERVER_REFERENCE)],
    ids=["client", "llama-bench"],
)
def test_a_disagreement_voids_the_workload_and_keeps_what_was_measured(
    rates: list[Measurement], pair: ClockPair
) -> None:
    found = {(one.workload, one.metric): one for one in calibrate.calibrated(rates, ASKED, settings={})}
    decode = found["tg128", "decode_rate"]
    assert decode.counted == []
    assert {sample.value for sample in decode.samples} == {100.0}
    assert pair.names[1] in decode.samples[0].reason
    assert "allowed" in decode.samples[0].reason
    assert found["tg128", "client_decode_rate"].counted
    assert found["tg128", pair.value].counted
    assert found["pp512", "prompt_rate"].counted
    assert bool(found["pp512", "ttft"].counted) == (pair is ClockPair.SERVER_REFERENCE)


@pytest.mark.parametrize(
    ("client", "bench", "counts"), [(98.0, 100.0, False), (100.0, 96.0, True), (100.0, 100.0, True)]
)
def test_loads_are_doubted_only_where_the_client_is_contradicted(client: float, bench: float, counts: bool) -> None:
    load = measurement("sweep-4u", "system_rate", [50.0]).model_copy(update={"settings": {"kind": "sweep"}})
    rates = calibrate.calibrated(measured(client=client, bench=bench), ASKED, settings={})
    found = calibrate.doubted([*rates, load])
    assert bool(found[-1].counted) == counts
    assert found[:-1] == rates
    assert counts or "by the client's clock" in found[-1].samples[0].reason


def test_a_server_s_own_work_on_a_card_is_no_disagreement() -> None:
    """2.5 ms a token instead of 2.2 ms."""
    rates = measured(client=400.0, server=400.0, bench=450.0)
    assert "Another clock confirms the server" in calibrate.summary(calibrate.calibrated(rates, ASKED, settings={}))
    found = calibrate.calibrated(rates, ASKED, settings={}, host_work=0.0005)
    assert all(one.counted for one in found)
    allowed = [one.settings["allowed_s"] for one in found if one.unit == "ratio"]
    assert allowed == [0.0, 0.0005, 0.003 / 512]
    assert "3 %, or 500 µs a token allowed" in calibrate.summary(found)
    assert "Another clock" not in calibrate.summary(found)


def prompts(*, server: float, client: float | None, bench: float) -> list[Measurement]:
    """Of three starts that hardly scatter."""
    taken = {"prompt_rate": server, "client_prompt_rate": client, "llama_bench_prompt_rate": bench}
    starts = [[1.0, 1.01], [0.99, 1.0], [1.0, 1.01]]
    return [
        measurement("pp512", metric, *([rate * value for value in start] for start in starts))  # type: ignore[arg-type]
        for metric, rate in taken.items()
        if rate
    ]


def test_a_server_that_its_client_confirms_keeps_its_rate_and_falls_short_of_the_reference() -> None:
    """As seen with AMX: 1,170 tokens/s by both of them, 1,430 by llama-bench."""
    found = calibrate.calibrated(prompts(server=1170, client=1160, bench=1430), ASKED, settings={})
    rate = {one.metric: one for one in found}["prompt_rate"]
    assert (rate.grade, len(rate.counted)) == (Grade.EXACT, 6)
    said = calibrate.summary(found)
    assert said.startswith("pp512: by the server's timings it is 18 % lower than by llama-bench (3 starts")
    assert "Another clock confirms the server, so its rate counts" in said


@pytest.mark.parametrize(
    ("server", "client", "bench"),
    [(1170, None, 1430), (1170, 1000, 1430), (1170, 1160, 1000), (700, 695, 1430)],
    ids=["nobody confirms it", "the client does not", "it is faster", "less than two thirds: something else ran"],
)
def test_a_contradiction_that_no_slow_server_explains_is_void(
    server: float, client: float | None, bench: float
) -> None:
    rates = prompts(server=server, client=client, bench=bench)
    found = {one.metric: one for one in calibrate.calibrated(rates, ASKED, settings={})}
    assert found["prompt_rate"].grade is Grade.VOID


def test_samples_that_were_void_before_keep_their_own_reason() -> None:
    rates = measured(bench=50.0)
    first = rates[0].samples[0].model_copy(update={"verdict": Verdict.VOID, "reason": "the request failed"})
    rates[0] = rates[0].model_copy(update={"samples": [first, *rates[0].samples[1:]]})
    decode = calibrate.calibrated(rates, ASKED, settings={})[0]
    assert decode.samples[0].reason == "the request failed"
    assert "llama-bench" in decode.samples[1].reason
