from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime

from bakehouse.history.collect import Key
from bakehouse.history.paired import pairs, side
from bakehouse.history.rows import rows, rows_of_cell
from bakehouse.model.enums import Change, Disturbance, Grade, Verdict
from bakehouse.model.history import Row
from bakehouse.model.report import CellReport, Host, Image, Measurement, RunReport, Sample
from bakehouse.stats.grading import graded
from bakehouse.stats.judge import judge
from tests.unit.reporters.work_cells import work_cell

from .samples import HARDWARE, collected


def measurement(
    metric: str = "prompt_rate", workload: str = "pp512", value: float = 100.0, **raw: object
) -> Measurement:
    return Measurement(
        workload=workload,
        metric=metric,
        unit="tokens/s" if metric.endswith("rate") else "seconds",
        samples=[
            Sample(start=start, repetition=repetition, value=value + start / 10 + repetition / 20, raw=dict(raw))
            for start in range(7)
            for repetition in range(2)
        ],
        settings={"model_sha256": "a"},
    )


def run_with(*measurements: Measurement) -> RunReport:
    cell = CellReport(
        name="llama-server-cpu-amd64",
        recipe="llama-server",
        accelerator="cpu",
        flag_set="default",
        platform="linux/amd64",
        verdict=Verdict.PASSED,
        image=Image(
            reference="r",
            digest="sha256:1",
            bytes_unpacked=1,
            bytes_compressed=1,
            layers=[],
            labels={"org.opencontainers.image.revision": "abc"},
        ),
        measurements=list(measurements),
    )
    host = Host(name="box", os="", kernel="", platform="", cpu="", cores=1, memory_bytes=1, engine="", buildx="")
    return RunReport(
        run="20260301-020000-abcdef",
        bakehouse="0.1.0",
        command=[],
        fingerprint="",
        started=datetime(2026, 3, 1, 2, tzinfo=UTC),
        verdict=Verdict.PASSED,
        host=host,
        cells=[cell],
    )


def test_metrics_that_were_taken_together_share_a_row() -> None:
    run = run_with(measurement(timings={"prompt_n": 512}), measurement("ttft"), measurement("decode_rate", "tg128"))
    found = list(rows(run, lambda _: HARDWARE))
    assert len(found) == 28
    first = found[0]
    assert set(first.values) == {"prompt_rate", "ttft"}
    assert (first.image, first.revision, first.raw) == ("sha256:1", "abc", {"timings": {"prompt_n": 512}})
    assert first.coordinates["flag_set"] == "default"
    assert first.terms.client == "bakehouse 0.1.0"
    ((_, _, sides),) = collected(found).sides(Key(first.cell, "pp512", "prompt_rate"))
    assert sides.starts == side(run.cells[0].measurements[0]).starts


def test_what_was_kept_of_each_request_stays_in_the_runs_folder() -> None:
    run = run_with(measurement(client={"cpu_s": 1.0, "gaps": [1] * 100}, requests=[{"asked": 1}], short=[1, 2]))
    assert next(rows(run, lambda _: HARDWARE)).raw == {"client": {"cpu_s": 1.0}, "short": [1, 2]}


def test_two_images_beside_each_other() -> None:
    base = [measurement(), measurement("ttft"), measurement("decode_rate", "tg128")]
    slow = measurement(value=80)
    other = measurement("ttft").model_copy(update={"settings": {"model_sha256": "b"}})
    lost = measurement("decode_rate", "sweep-2u")
    found = judge(pairs("cell", [slow, other, lost], base))
    assert [one.verdict for one in found] == [Change.REGRESS, Change.INCONCLUSIVE, Change.INCONCLUSIVE]
    assert found[1].reason == "the two cannot be compared: other model file: b and a"
    assert found[2].reason == "the baseline has no sweep-2u decode_rate"
    older = base[0].model_copy(update={"definitions": 0})
    assert pairs("cell", [slow], [older])[0].missing == "the two cannot be compared: metric definitions 1 and 0"
    assert replace(pairs("cell", [slow], base)[0], cell="x").candidate == side(slow)


def test_a_row_names_the_program_that_made_the_load() -> None:
    ours, theirs = measurement(workload="sweep-2u"), measurement(workload="sweep-4u")
    run = run_with(ours, theirs.model_copy(update={"client": "aiperf 0.13.0"}))
    clients = {row.workload: row.terms.client for row in rows(run, lambda _: HARDWARE)}
    assert clients == {"sweep-2u": "bakehouse 0.1.0", "sweep-4u": "aiperf 0.13.0"}


def test_a_row_says_the_grade_of_its_own_sample() -> None:
    taken = measurement().samples
    taken[0] = taken[0].model_copy(update={"disturbed": Disturbance.OTHER_WORK, "reason": "others used 40%"})
    exact = graded(measurement().model_copy(update={"samples": taken}))
    first, second, *_ = rows(run_with(exact), lambda _: HARDWARE)
    assert first.values["prompt_rate"].grade is Grade.NOISY
    assert (second.values["prompt_rate"].grade, second.values["prompt_rate"].low) == (Grade.EXACT, None)


def test_a_noisy_measurement_s_rows_have_its_interval_and_reasons() -> None:
    few = measurement().model_copy(update={"samples": measurement().samples[:4]})
    for row in rows(run_with(graded(few)), lambda _: HARDWARE):
        value = row.values["prompt_rate"]
        assert few.counted[-1] == value.high
        assert (value.grade, value.low) == (Grade.NOISY, 100.0)
        assert "2 container starts" in value.reason


def test_rows_of_a_measurement_without_a_grade_have_none() -> None:
    assert {row.values["prompt_rate"].grade for row in rows(run_with(measurement()), lambda _: HARDWARE)} == {None}


def test_a_rate_of_other_work_keeps_its_unit() -> None:
    cell = work_cell()
    found = list(rows_of_cell(run_with(), cell, HARDWARE))
    rates = {row.workload: row.values["work_rate"] for row in found if "work_rate" in row.values}
    assert {value.unit for value in rates.values()} == {"embeddings/s"}
    assert Row.model_validate_json(found[0].model_dump_json()) == found[0]
    assert found[0].terms.settings["task"] == {"name": "embed", "unit": "embeddings"}
