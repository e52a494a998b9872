from __future__ import annotations

import json
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from bakehouse.errors import InputError
from bakehouse.history.collect import Key
from bakehouse.history.imports import read
from bakehouse.history.imports.document import Origin
from bakehouse.history.terms import differences
from bakehouse.model.enums import Verdict
from bakehouse.model.history import Hardware, Row
from bakehouse.model.report import Measurement, Sample
from bakehouse.reporters.registry import REPORTERS
from tests.unit.history.samples import collected
from tests.unit.reporters.sample import sample_run

NOBODY = Hardware(host="", platform="", cpu="", cores=0, memory_bytes=0)
ORIGIN = Origin(cell="server-cpu-amd64", run="imported", time=datetime(2026, 3, 1, tzinfo=UTC), hardware=NOBODY)

BENCH: dict[str, Any] = {
    "build_commit": "0c1e5709",
    "build_number": 11312,
    "cpu_info": "AMD EPYC",
    "gpu_info": "",
    "backends": "CPU",
    "model_filename": "small.gguf",
    "n_batch": 2048,
    "n_threads": 2,
    "n_prompt": 512,
    "n_gen": 0,
    "n_depth": 0,
    "test_time": "2026-02-01T10:00:00Z",
    "avg_ts": 510.0,
    "samples_ns": [1, 2],
    "samples_ts": [505.0, 515.0],
}
REQUEST: dict[str, Any] = {
    "metadata": {"session_num": 0, "benchmark_phase": "profiling", "request_start_ns": 1},
    "metrics": {
        "time_to_first_token": {"value": 250.0, "unit": "ms"},
        "request_latency": {"value": 1.25, "unit": "sec"},
        "inter_token_latency": {"value": 10.0, "unit": "ms"},
        "inter_chunk_latency": {"value": [9.0, 11.0], "unit": "ms"},
        "output_token_throughput_per_user": {"value": 100.0, "unit": "tokens/sec/user"},
    },
    "error": None,
}
SUMMARY: dict[str, Any] = {
    "schema_version": "1.4",
    "aiperf_version": "0.13.0",
    "input_config": {"concurrency": 4},
    "request_latency": {"unit": "ms", "avg": 1300.0, "p50": 1250.0, "p90": 1400.0, "p99": 1500.0, "count": 20},
    "time_to_first_token": {"unit": "ms", "p50": 250.0},
    "inter_token_latency": {"unit": "ms", "p50": 10.0},
    "output_token_throughput": {"unit": "tokens/sec", "avg": 380.0},
    "request_throughput": {"unit": "requests/sec", "avg": 1.45},
}


def spread(median: float) -> dict[str, Any]:
    found = {"mean": median, "median": median, "percentiles": {"p50": median, "p90": 2 * median, "p99": 3 * median}}
    return {"successful": found, "errored": None, "incomplete": None}


GUIDE: dict[str, Any] = {
    "metadata": {"version": 2, "guidellm_version": "0.8.1"},
    "config": {},
    "benchmarks": [
        {
            "type_": "generative_benchmark",
            "config": {"run_id": "x", "strategy": {"type_": "concurrent", "streams": 4}, "requests": {"tokens": 128}},
            "metrics": {
                "request_totals": {"successful": 20, "errored": 0, "incomplete": 0, "total": 20},
                "request_latency": spread(1.25),
                "requests_per_second": spread(1.5),
                "time_to_first_token_ms": spread(250.0),
                "time_per_output_token_ms": spread(12.0),
                "inter_token_latency_ms": spread(10.0),
                "output_tokens_per_second": spread(380.0),
            },
        }
    ],
}


def imported(folder: Path, *documents: Any, format_: str | None = None) -> list[Row]:
    path = folder / "file.json"
    path.write_text("\n".join(json.dumps(document) for document in documents))
    return read(path, ORIGIN, format_=format_)


def numbers(row: Row) -> dict[str, float]:
    return {metric: round(said.value, 9) for metric, said in row.values.items()}


def test_llama_bench(tmp_path: Path) -> None:
    deep = BENCH | {"n_prompt": 0, "n_gen": 128, "n_depth": 4096, "samples_ts": [99.0]}
    both = BENCH | {"n_gen": 128, "samples_ts": [300.0]}
    found = imported(tmp_path, BENCH, deep, both)
    assert [(row.workload, row.repetition, numbers(row)) for row in found] == [
        ("pp512", 0, {"prompt_rate": 505.0}),
        ("pp512", 1, {"prompt_rate": 515.0}),
        ("tg128@d4096", 0, {"decode_rate": 99.0}),
        ("pp512+tg128", 0, {"system_rate": 300.0}),
    ]
    assert found[0].time == datetime(2026, 2, 1, 10, tzinfo=UTC)
    assert found[0].revision == "0c1e5709"
    assert found[0].terms.hardware.cpu == "AMD EPYC"
    assert "build_commit" not in found[0].terms.settings, "what is compared must not differ in its terms"
    assert found[0].terms.settings["n_threads"] == 2
    assert imported(tmp_path, [BENCH, deep, both]) == found


def test_llama_bench_there_and_back(tmp_path: Path) -> None:
    """What we export is read back with all rates that counted. Starts, void samples and cells' names are lost."""
    run = sample_run()
    measurement = Measurement(
        workload="tg128",
        metric="decode_rate",
        unit="tokens/s",
        samples=[
            Sample(start=0, repetition=0, value=101.5),
            Sample(start=1, repetition=0, value=0.0, verdict=Verdict.VOID, reason="busy"),
            Sample(start=1, repetition=1, value=99.25),
        ],
        settings={"output_tokens": 128, "arguments": {"--threads": "2"}},
    )
    run.cells = [run.cells[0].model_copy(update={"measurements": [measurement]})]
    path = tmp_path / "llama-bench.jsonl"
    path.write_text(REPORTERS["llama-bench"].render(run, folder=tmp_path))
    found = read(path, ORIGIN)
    assert [(row.workload, row.start, row.repetition, numbers(row)) for row in found] == [
        ("tg128", 0, 0, {"decode_rate": 101.5}),
        ("tg128", 0, 1, {"decode_rate": 99.25}),
    ]
    assert found[0].time == run.started
    assert found[0].terms.settings["n_threads"] == 2


def test_aiperf_requests(tmp_path: Path) -> None:
    warmup = REQUEST | {"metadata": {"benchmark_phase": "warmup"}}
    failed = REQUEST | {"metrics": {}, "error": {"code": 499, "type": "Cancelled", "message": "too slow"}}
    found = imported(tmp_path, REQUEST, warmup, failed, REQUEST | {"metrics": None})
    assert numbers(found[0]) == {"ttft": 0.25, "latency": 1.25, "tpot": 0.01, "decode_rate": 100.0}
    assert found[0].terms.client == "aiperf"
    assert [row.repetition for row in found] == [0, 1]
    assert found[1].values["latency"].reason == "the request failed: too slow"
    ((_, _, side),) = collected(found).sides(Key(ORIGIN.cell, "aiperf", "latency"))
    assert (side.starts, side.void) == (((1.25,),), 1)


def test_aiperf_summary(tmp_path: Path) -> None:
    (found,) = imported(tmp_path, SUMMARY)
    assert numbers(found) == {
        "ttft": 0.25,
        "latency": 1.25,
        "latency_p90": 1.4,
        "latency_p99": 1.5,
        "tpot": 0.01,
        "system_rate": 380.0,
        "request_rate": 1.45,
    }
    assert found.terms.client == "aiperf 0.13.0"
    assert found.terms.settings == {"input_config": {"concurrency": 4}}


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        ({"was_cancelled": True}, "aiperf was interrupted"),
        ({"is_complete": False, "incomplete_reason": "stalled"}, "aiperf did not finish: stalled"),
        ({"error_request_count": {"unit": "requests", "avg": 2.0}}, "2 requests failed"),
    ],
)
def test_aiperf_runs_that_may_not_count(tmp_path: Path, change: dict[str, Any], reason: str) -> None:
    (found,) = imported(tmp_path, SUMMARY | change)
    assert {(said.verdict, said.reason) for said in found.values.values()} == {(Verdict.VOID, reason)}


def test_guidellm(tmp_path: Path) -> None:
    (found,) = imported(tmp_path, GUIDE)
    assert numbers(found) == {
        "ttft": 0.25,
        "ttft_p90": 0.5,
        "ttft_p99": 0.75,
        "tpot": 0.01,
        "tpot_p90": 0.02,
        "tpot_p99": 0.03,
        "latency": 1.25,
        "latency_p90": 2.5,
        "latency_p99": 3.75,
        "system_rate": 380.0,
        "request_rate": 1.5,
        "decode_rate": 100.0,
    }
    assert found.workload == "guidellm-concurrent-4"
    assert found.terms.client == "guidellm 0.8.1"
    assert found.terms.settings == {"requests": {"tokens": 128}}


def test_guidellm_with_failed_requests_is_void(tmp_path: Path) -> None:
    report = json.loads(json.dumps(GUIDE))
    report["benchmarks"][0]["metrics"]["request_totals"]["errored"] = 3
    (found,) = imported(tmp_path, report)
    assert found.values["ttft"].reason == "3 requests errored"
    assert found.values["system_rate"].verdict is Verdict.VOID


def test_other_programs_are_not_compared_with_ours(tmp_path: Path) -> None:
    (ours,), (theirs,) = imported(tmp_path, GUIDE), imported(tmp_path, SUMMARY)
    assert "other client: guidellm 0.8.1 and aiperf 0.13.0" in differences(ours.terms, theirs.terms)


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("", "is not JSON|is empty"),
        ("{}", "was written by none of llama-bench, guidellm, aiperf"),
        ("[]", "was written by none"),
        ("nonsense\n", r"file\.json:1: is not JSON, nor JSON Lines"),
        (json.dumps(BENCH) + "\n{", r"file\.json:2: is not JSON"),
        (json.dumps(BENCH) + "\n{}", r"file\.json:2: is no test of llama-bench"),
        (json.dumps(BENCH | {"samples_ts": []}), "has no samples_ts"),
        (json.dumps(BENCH | {"n_prompt": 0}), "has n_prompt 0, n_gen 0"),
        (json.dumps(REQUEST) + "\n[]", r"file\.json:2: is no request of aiperf"),
        (json.dumps({"request_latency": {}}), "has none of the metrics"),
        (json.dumps({"benchmarks": [{}]}), r"benchmarks\[0\] has no metrics"),
        (json.dumps({"benchmarks": [{"metrics": {}}]}), r"benchmarks\[0\] has none of the metrics"),
    ],
)
def test_files_that_cannot_be_used(tmp_path: Path, text: str, words: str) -> None:
    path = tmp_path / "file.json"
    path.write_text(text)
    with pytest.raises(InputError, match=words):
        read(path, ORIGIN)


def test_no_file_and_no_format(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="No such file"):
        read(tmp_path / "missing", ORIGIN)
    with pytest.raises(InputError, match="unknown format csv"):
        imported(tmp_path, BENCH, format_="csv")
    (tmp_path / "bytes").write_bytes(b"\xff\xfe\x00")
    with pytest.raises(InputError, match="not text in UTF-8"):
        read(tmp_path / "bytes", ORIGIN)


json_values = st.recursive(
    st.none() | st.booleans() | st.floats() | st.integers() | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=8,
)


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.sampled_from([BENCH, REQUEST, SUMMARY, GUIDE["benchmarks"][0]["metrics"]]), st.data())
def test_anything_in_a_field_gives_rows_or_words(tmp_path: Path, document: dict[str, Any], data: st.DataObject) -> None:
    changed = document | {data.draw(st.sampled_from(sorted(document))): data.draw(json_values)}
    if "request_totals" in changed:
        changed = GUIDE | {"benchmarks": [GUIDE["benchmarks"][0] | {"metrics": changed}]}
    try:
        found = imported(tmp_path, changed)
    except InputError:
        return
    assert all(0 <= said.value < float("inf") for row in found for said in row.values.values())
