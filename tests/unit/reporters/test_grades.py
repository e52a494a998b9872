from __future__ import annotations

from collections.abc import Sequence

import pytest

from bakehouse.formatting import NOTHING
from bakehouse.model.enums import Disturbance, Verdict
from bakehouse.model.report import CellReport, Measurement, Sample, TestResult
from bakehouse.probes.loads import no_time
from bakehouse.reporters import figures, grades
from bakehouse.stats.grading import graded

BUSY = "other processes used 61% of this machine's CPU meanwhile"
QUIET = ((120, 121), (120, 120.5), (119.5, 120.5))


def rate(
    *starts: Sequence[float], disturbed: Disturbance | None = None, void: str = "", workload: str = "tg128"
) -> Measurement:
    verdict = Verdict.VOID if void else Verdict.PASSED
    samples = [
        Sample(start=start, repetition=number, value=value, disturbed=disturbed, verdict=verdict, reason=void or BUSY)
        for start, values in enumerate(starts)
        for number, value in enumerate(values)
    ]
    found = Measurement(workload=workload, metric="decode_rate", unit="tokens/s", samples=samples)
    return graded(found)


def cell(*measurements: Measurement, name: str = "a") -> CellReport:
    tested = TestResult(name="test_throughput.py::test_rates", probe="throughput", verdict=Verdict.PASSED, seconds=1)
    return CellReport(
        name=name,
        recipe="r",
        accelerator="cpu",
        flag_set="default",
        platform="linux/amd64",
        verdict=Verdict.PASSED,
        tests=[tested],
        measurements=list(measurements),
    )


def test_an_exact_figure_has_its_interval_and_nothing_else_is_said() -> None:
    assert grades.figure(rate(*QUIET)) == "120 t/s (120 to 121)"
    assert grades.remark([cell(rate(*QUIET))]) == ""


def test_a_short_workload_is_shown_and_asked_no_more() -> None:
    """What is measured in its stead is what the cell shows, wherever it stands; a void short one is not missed."""
    short = rate(*QUIET, void="why", workload="tg128").model_copy(update={"short": True})
    long = rate(*QUIET, workload="tg256")
    both = cell(short, long)
    assert grades.figure(rate(*QUIET).model_copy(update={"short": True})) == "120 t/s (120 to 121), short"
    assert grades.remark([both]) == ""
    assert grades.remark([cell(rate(*QUIET, void="why"), long)]) != ""
    assert figures.find(both, "decode_rate") == long
    assert figures.short_of(both, "decode_rate") == short
    assert figures.find(cell(short), "decode_rate") == short


def test_a_noisy_figure_says_what_of() -> None:
    found = rate((110, 120), (143,), (119,), disturbed=Disturbance.NEIGHBOURS)
    assert grades.figure(found) == "120 t/s (110 to 143), noisy: neighbours of this machine"
    assert grades.remark([cell(found)]) == "rates noisy: neighbours of this machine"


def test_one_sample_has_no_interval() -> None:
    found = rate((38.5,), disturbed=Disturbance.OTHER_WORK)
    assert grades.figure(found) == "38.5 t/s (one sample), noisy: other work on this machine"
    assert grades.brief(found) == "38.5 (one sample)"


def test_a_void_figure_is_struck_out_with_its_reason() -> None:
    found = rate((17500, 18900), void="other processes computed on the card meanwhile: python3")
    assert grades.figure(found) == "void: other processes computed on the card meanwhile: python3"
    assert grades.struck(found) == 18200
    assert grades.brief(found) == NOTHING
    assert grades.remark([cell(found)]).startswith("rates void (tg128): other processes computed on the card")


def test_some_cells_of_several_are_counted() -> None:
    noisy = rate((100,), disturbed=Disturbance.OTHER_WORK)
    assert grades.remark([cell(rate(*QUIET)), cell(noisy, name="b")]) == (
        "rates noisy in 1 of 2 cells: other work on this machine"
    )


def test_what_no_time_was_left_for_is_named() -> None:
    load = Measurement(
        workload="sweep-4u",
        metric="system_rate",
        unit="tokens/s",
        samples=[no_time(0)],
        settings={"kind": "sweep"},
    )
    assert grades.remark([cell(rate(*QUIET), graded(load))]) == "no time was left for sweep-4u"


def test_an_idle_machine_is_advised_only_where_other_work_was_seen() -> None:
    scattered = [words for _, words in grades.advice([cell(rate((100,), (110,), (130,)))])]
    busy = [words for _, words in grades.advice([cell(rate((100,), (110,), (130,), disturbed=Disturbance.OTHER_WORK))])]
    assert not any("nothing else" in words for words in scattered)
    assert any("nothing else" in words for words in busy)


@pytest.mark.parametrize("disturbance", list(Disturbance))
def test_each_disturbance_has_advice(disturbance: Disturbance) -> None:
    assert grades.ADVICE[disturbance]
