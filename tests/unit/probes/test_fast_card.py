"""What was measured on an H200 (driver 580.159.04), idle and beside another process, judged as it is today."""

from __future__ import annotations

import json
import lzma
from pathlib import Path

import pytest

from bakehouse.model.enums import Disturbance, Grade, Verdict
from bakehouse.model.report import Measurement, Sample
from bakehouse.model.suite import Workload
from bakehouse.probes import calibrate
from bakehouse.probes.foreign import SEEN, others_in, void_beside_others
from bakehouse.stats.grading import graded

DATA = Path(__file__).parent / "data"
ASKED = Workload(
    model_path="/m.gguf", model_sha256="0" * 64, prompt_tokens=512, output_tokens=128, starts=3, repetitions=3
)
CARD_HOST_WORK = 0.0005


def recorded(name: str) -> list[Measurement]:
    with lzma.open(DATA / f"h200-{name}.jsonl.xz", "rt") as lines:
        return [graded(Measurement.model_validate_json(line)) for line in lines]


def judged(name: str) -> dict[str, Measurement]:
    found = void_beside_others(recorded(name))
    all_of_it = calibrate.calibrated(found, ASKED, settings={}, host_work=CARD_HOST_WORK)
    return {f"{one.workload} {one.metric}": one for one in all_of_it}


@pytest.mark.parametrize("name", ["idle-small", "idle-big"])
def test_an_idle_card_gives_no_void_rate(name: str) -> None:
    """25 % and 5 % below llama-bench, because a request costs two milliseconds beside the computing."""
    found = judged(name)
    for metric in ("pp512 prompt_rate", "pp512 ttft", "tg128 decode_rate"):
        assert found[metric].grade is not Grade.VOID, found[metric].grading
        assert all(sample.verdict is Verdict.PASSED for sample in found[metric].samples)
    overhead = found["pp request_overhead"]
    assert all(0.001 < sample.value < 0.003 for sample in overhead.samples)


@pytest.mark.parametrize("name", ["idle-small", "idle-big"])
def test_what_a_request_costs_is_said(name: str) -> None:
    said = calibrate.summary(list(judged(name).values()))
    assert "ms a request beside the computing" in said


def test_foreign_work_voids_every_sample_of_its_start() -> None:
    """17,500 tokens/s passed where 44,000 is true: prompts of 28 ms lay between two looks of NVML."""
    before = {f"{one.workload} {one.metric}": one for one in recorded("foreign-small")}
    assert before["pp512 prompt_rate"].samples[0].verdict is Verdict.PASSED
    found = judged("foreign-small")
    for metric in ("pp512 prompt_rate", "pp512 ttft", "tg128 decode_rate", "start first_token"):
        assert found[metric].grade is Grade.VOID
        assert all(sample.verdict is Verdict.VOID for sample in found[metric].samples)
    reason = found["pp512 prompt_rate"].samples[0].reason
    assert reason.startswith("other processes computed on the card during this start: python3 (process ")
    assert found["start memory"].grade is not Grade.VOID, "what others compute changes no size"


def test_other_starts_stay_what_they_are() -> None:
    quiet, beside = (Sample(start=start, repetition=0, value=100.0) for start in (0, 1))
    last = Sample(start=1, repetition=0, value=1.0, raw={SEEN: ["x (process 1)"]})
    rate = Measurement(workload="pp8", metric="prompt_rate", unit="tokens/s", samples=[quiet, beside])
    memory = Measurement(workload="start", metric="memory", unit="bytes", samples=[last])
    first, second = void_beside_others([rate, memory])
    assert [sample.verdict for sample in first.samples] == [Verdict.PASSED, Verdict.VOID]
    assert second == memory


@pytest.mark.parametrize(
    ("raw", "names"),
    [
        ({}, ()),
        ({"telemetry": {"gpu_others": "unsupported"}}, ()),
        ({"telemetry": {"gpu_others": []}}, ()),
        ({"telemetry": {"gpu_others": ["a", "b"]}, SEEN: ["b", "c"]}, ("b", "c", "a")),
        ({"machine": {"telemetry": {"gpu_others": ["a"]}}}, ("a",)),
    ],
)
def test_who_was_seen(raw: dict[str, object], names: tuple[str, ...]) -> None:
    assert others_in(Sample(start=0, repetition=0, value=1.0, raw=raw)) == names


@pytest.mark.parametrize("where", ["sample", "load"])
def test_what_nobody_could_watch_is_not_exact(where: str) -> None:
    silent: dict[str, object] = {"telemetry": {"gpu_others": "unsupported"}}
    raw = silent if where == "sample" else {"machine": silent}
    samples = [
        Sample(start=start, repetition=each, value=100.0 + each / 10, raw=raw) for start in range(3) for each in (0, 1)
    ]
    rate = Measurement(workload="pp8", metric="prompt_rate", unit="tokens/s", samples=samples)
    (found,) = void_beside_others([rate])
    assert found.grade is Grade.NOISY
    assert found.grading
    assert found.grading.disturbances == [Disturbance.UNWATCHED]
    told = [one.model_copy(update={"raw": {"telemetry": {"gpu_others": []}}}) for one in samples]
    (found,) = void_beside_others([rate.model_copy(update={"samples": told})])
    assert graded(found).grade is Grade.EXACT


def test_a_server_that_reads_half_as_fast_is_still_found() -> None:
    """A constant explains a constant: twice the time for each token is a contradiction."""
    slow = []
    for one in recorded("idle-big"):
        factor = 0.5 if one.metric == "prompt_rate" else 1.0
        samples = [sample.model_copy(update={"value": sample.value * factor}) for sample in one.samples]
        slow.append(one.model_copy(update={"samples": samples}))
    found = {f"{one.workload} {one.metric}": one for one in calibrate.calibrated(slow, ASKED, settings={})}
    assert found["pp512 prompt_rate"].grade is Grade.VOID


def test_lengths_are_held_together() -> None:
    """Two lengths show the constant by themselves, also one that is larger than one length may have."""

    def rates(tokens: int, seconds: float, metric: str) -> Measurement:
        samples = [Sample(start=start, repetition=0, value=tokens / seconds) for start in range(3)]
        return Measurement.model_validate(
            {"workload": f"pp{tokens}", "metric": metric, "unit": "tokens/s", "samples": samples,
             "settings": {"prompt_tokens": tokens}}
        )  # fmt: skip

    both = [
        rates(tokens, tokens * 1e-4 + beside, metric)
        for metric, beside in (("prompt_rate", 0.008), ("llama_bench_prompt_rate", 0.0))
        for tokens in (512, 4096)
    ]
    found = calibrate.calibrated(both, ASKED, settings={})
    assert all(one.grade is not Grade.VOID for one in found if one.metric == "prompt_rate")
    (overhead,) = [one for one in found if one.metric == "request_overhead"]
    assert [round(sample.value, 4) for sample in overhead.samples] == [0.008] * 3
    assert overhead.samples[0].raw["lengths"] == 2
    alone = calibrate.calibrated([one for one in both if one.workload == "pp512"], ASKED, settings={})
    assert any(one.grade is Grade.VOID for one in alone if one.metric == "prompt_rate")


def test_the_recorded_data_is_small() -> None:
    assert sum(path.stat().st_size for path in DATA.iterdir()) < 20_000
    assert json.loads((DATA / "h200-lengths.json").read_text())["server_ms"]
