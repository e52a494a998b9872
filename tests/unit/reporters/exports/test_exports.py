from __future__ import annotations

import csv
import io
import json
import re
import statistics
from pathlib import Path
from typing import Any

import jsonschema
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from bakehouse.model.enums import Verdict
from bakehouse.model.report import RunReport
from bakehouse.reporters.exports import action_benchmark, csv_file, ctrf, openmetrics
from bakehouse.reporters.exports.measured import measured
from bakehouse.reporters.exports.reference_tool import ToolReporter
from bakehouse.reporters.registry import Reporter
from bakehouse.servers.llama_cpp import bench_tool
from bakehouse.stats.direction import is_judged
from tests.unit.reporters.poison import poisoned
from tests.unit.reporters.sample import empty_run, sample_run, unfinished_run

HERE = Path("nowhere")
LLAMA_BENCH = ToolReporter(bench_tool)
ALL: tuple[Reporter, ...] = (
    LLAMA_BENCH,
    action_benchmark.BIGGER,
    action_benchmark.SMALLER,
    ctrf,
    openmetrics,
    csv_file,
)
STATUS = {"enum": ["passed", "failed", "skipped", "pending", "other"]}
WHOLE = {"type": "integer"}
CTRF_SCHEMA: dict[str, Any] = {
    "type": "object",
    "required": ["results", "reportFormat", "specVersion"],
    "additionalProperties": False,
    "properties": {
        "reportFormat": {"const": "CTRF"},
        "specVersion": {"pattern": r"^[0-9]+\.[0-9]+\.[0-9]+$"},
        "reportId": {"type": "string", "pattern": "^[0-9a-f-]{36}$"},
        "timestamp": {"type": "string"},
        "generatedBy": {"type": "string"},
        "results": {
            "type": "object",
            "required": ["tool", "summary", "tests"],
            "additionalProperties": False,
            "properties": {
                "tool": {"type": "object", "required": ["name"]},
                "summary": {
                    "required": ["tests", "passed", "failed", "skipped", "pending", "other", "start", "stop"],
                    "properties": {"tests": WHOLE, "start": WHOLE, "stop": WHOLE, "suites": WHOLE},
                },
                "tests": {
                    "type": "array",
                    "items": {
                        "required": ["name", "status", "duration"],
                        "additionalProperties": False,
                        "properties": {
                            "name": {"type": "string", "minLength": 1},
                            "status": STATUS,
                            "duration": WHOLE,
                            "suite": {"type": "array", "minItems": 1, "items": {"type": "string"}},
                            "message": {"type": "string"},
                            "trace": {"type": "string"},
                            "rawStatus": {"type": "string"},
                            "extra": {"type": "object"},
                        },
                    },
                },
            },
        },
    },
}
"""What CTRF's own schema says of the fields that we write (github.com/ctrf-io/ctrf, schema/ctrf.schema.json)."""
SAMPLE = re.compile(r'[a-zA-Z_:][a-zA-Z0-9_:]*\{([a-z]+="(\\\\|\\"|[^"\\\n])*",?)*\} (\S+)')


def text(reporter: Reporter, run: RunReport | None = None) -> str:
    return reporter.render(run or sample_run(), folder=HERE)


@pytest.mark.parametrize("run", [empty_run(), unfinished_run()])
@pytest.mark.parametrize("reporter", ALL, ids=lambda reporter: reporter.file)
def test_a_run_without_measurements_is_a_valid_file(reporter: Reporter, run: RunReport) -> None:
    found = text(reporter, run)
    if reporter.file.endswith(".json"):
        json.loads(found)
    assert reporter.file.startswith("exports/")


def with_tokens() -> RunReport:
    """As runs record them: how many tokens were asked for."""
    run = sample_run()
    for cell in run.cells:
        for one in cell.measurements:
            one.settings |= {"prompt_tokens": 512, "output_tokens": 128, "arguments": {"--threads": "2"}}
    return run


def test_llama_bench_holds_the_rates_that_count() -> None:
    lines = [json.loads(line) for line in text(LLAMA_BENCH, with_tokens()).splitlines()]
    rates = {
        (one.metric, tuple(one.counted))
        for _, one, _ in measured(sample_run())
        if one.metric in ("prompt_rate", "decode_rate")
    }
    assert len(lines) == len(rates)
    for line in lines:
        assert line["n_threads"] == 2
        metric = "prompt_rate" if line["n_prompt"] else "decode_rate"
        assert (metric, tuple(line["samples_ts"])) in rates
        assert line["n_prompt"] + line["n_gen"] in (512, 128)
        assert line["avg_ts"] == pytest.approx(statistics.fmean(line["samples_ts"]))
        for ns, ts in zip(line["samples_ns"], line["samples_ts"], strict=True):
            assert (line["n_prompt"] + line["n_gen"]) * 1e9 / ns == pytest.approx(ts)


def test_benchmark_files_are_split_by_direction() -> None:
    bigger, smaller = (json.loads(text(one)) for one in (action_benchmark.BIGGER, action_benchmark.SMALLER))
    assert {one["name"].split()[-1] for one in bigger} >= {"prompt_rate", "decode_rate"}
    assert "time_to_healthy" in {one["name"].split()[-1] for one in smaller}
    assert not {one["name"] for one in bigger} & {one["name"] for one in smaller}
    for one in [*bigger, *smaller]:
        assert set(one) == {"name", "unit", "value", "range", "extra"}
    summaries = {
        f"{cell.name} {m.workload} {m.metric}": s.median for cell, m, s in measured(sample_run()) if is_judged(m.metric)
    }
    assert {one["name"]: one["value"] for one in [*bigger, *smaller]} == summaries


def test_csv_holds_every_sample() -> None:
    rows = list(csv.DictReader(io.StringIO(text(csv_file))))
    wanted = [
        (cell.name, one.workload, one.metric, sample.start, sample.repetition, sample.value, sample.verdict.value)
        for cell in sample_run().cells
        for one in cell.measurements
        for sample in one.samples
    ]
    found = [
        (r["cell"], r["workload"], r["metric"], int(r["start"]), int(r["repetition"]), float(r["value"]), r["verdict"])
        for r in rows
    ]
    assert found == wanted


def test_figures_of_another_client_are_a_series_of_their_own() -> None:
    ours, theirs = sample_run(), sample_run()
    for cell in theirs.cells:
        for one in cell.measurements:
            one.client = "aiperf 0.13.0"
    entries = [json.loads(text(action_benchmark.BIGGER, run)) for run in (ours, theirs)]
    assert [f"{one['name']} by aiperf 0.13.0" for one in entries[0]] == [one["name"] for one in entries[1]]
    series = [
        set(re.findall(r"^bakehouse_decode_rate[^}]*\}", text(openmetrics, run), re.MULTILINE))
        for run in (ours, theirs)
    ]
    assert series[0]
    assert not series[0] & series[1]
    clients = [{row["client"] for row in csv.DictReader(io.StringIO(text(csv_file, run)))} for run in (ours, theirs)]
    assert clients == [{""}, {"aiperf 0.13.0"}]


def test_openmetrics() -> None:
    lines = text(openmetrics).splitlines()
    assert lines[-1] == "# EOF"
    families = [line.split()[2] for line in lines if line.startswith("# TYPE")]
    assert len(families) == len(set(families))
    family = ""
    for line in lines[:-1]:
        if line.startswith("# TYPE"):
            family = line.split()[2]
        elif not line.startswith("#"):
            found = SAMPLE.fullmatch(line)
            assert found, line
            assert line.startswith(f"{family}{{"), "samples of a family stand together"
            float(found[3])
    assert "bakehouse_decode_rate_tokens_per_second" in families
    assert {"bakehouse_time_to_healthy_seconds", "bakehouse_memory_bytes"} & set(families)


def test_ctrf() -> None:
    report = json.loads(text(ctrf))
    jsonschema.validate(report, CTRF_SCHEMA)
    summary, tests = report["results"]["summary"], report["results"]["tests"]
    assert summary["tests"] == len(tests) == sum(summary[one] for one in STATUS["enum"])
    for cell in sample_run().cells:
        own = [test for test in tests if test["suite"][0] == cell.name]
        if cell.verdict is not Verdict.PASSED:
            assert str(cell.verdict) in {test["rawStatus"] for test in own}
    errored = [test for test in tests if test["rawStatus"] == "errored"]
    assert errored
    assert {test["status"] for test in errored} == {"other"}


@settings(max_examples=25, deadline=None)
@given(st.text(alphabet=st.characters(), max_size=20))
@example("\ud800")
def test_any_text_gives_files_that_read_back(said: str) -> None:
    short = sample_run().model_copy(update={"cells": sample_run().cells[:1]})
    run = poisoned(short, said)
    jsonschema.validate(json.loads(text(ctrf, run)), CTRF_SCHEMA)
    for exporter in (action_benchmark.BIGGER, action_benchmark.SMALLER):
        json.loads(text(exporter, run))
    for line in text(LLAMA_BENCH, run).splitlines():
        json.loads(line)
    assert all(line.startswith("#") or SAMPLE.fullmatch(line) for line in text(openmetrics, run).splitlines())
    rows = list(csv.reader(io.StringIO(text(csv_file, run))))
    assert {len(row) for row in rows} == {len(csv_file.COLUMNS)}
    for reporter in ALL:
        text(reporter, run).encode()
