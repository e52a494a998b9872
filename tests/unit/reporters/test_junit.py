from __future__ import annotations

from pathlib import Path
from xml.etree import ElementTree as ET

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bakehouse.model.enums import Verdict
from bakehouse.model.report import CellReport, Check, RunReport, Sample
from bakehouse.reporters import junit
from bakehouse.reporters.text import plain
from tests.unit.reporters.poison import poisoned
from tests.unit.reporters.sample import errored_cell, failed_cell, passed_cell, sample_run

HERE = Path("nowhere")


def suites(run: RunReport) -> list[ET.Element]:
    return ET.fromstring(junit.render(run, folder=HERE)).findall("testsuite")


def suite_of(cell: CellReport) -> ET.Element:
    (suite,) = suites(sample_run().model_copy(update={"cells": [cell]}))
    return suite


@pytest.fixture(scope="module")
def short_run() -> RunReport:
    cell = passed_cell("x", flag_set="default", seed=1, decode=100)
    cell.tests = cell.tests[-1:]
    cell.checks = [Check(name="a", verdict=Verdict.FAILED, message="m", details=["d"])]
    return sample_run().model_copy(update={"cells": [cell, failed_cell(), errored_cell()]})


@given(text=st.text(alphabet=st.characters()))
@settings(max_examples=60)
def test_any_text_gives_a_document_that_reads_back(short_run: RunReport, text: str) -> None:
    for suite in suites(poisoned(short_run, text)):
        # XML makes a space of no line break that is escaped, and a parser gives back what was written.
        assert suite.get("name") == plain(text)


def test_a_suite_for_each_cell_with_its_counts() -> None:
    found = suites(sample_run())
    assert [suite.get("name") for suite in found] == [cell.name for cell in sample_run().cells]
    counts = [[suite.get(key) for key in ("tests", "failures", "errors", "skipped")] for suite in found]
    assert counts == [["31", "0", "0", "1"], ["31", "0", "0", "1"], ["1", "1", "0", "0"], ["1", "0", "1", "0"]]


def test_a_cell_that_was_never_built_is_an_error() -> None:
    error = suite_of(errored_cell()).find("testcase/error")
    assert error is not None
    assert str(error.get("message")).startswith("no base rocm7-devel")


@pytest.mark.parametrize(
    ("verdict", "element"),
    [("failed", "failure"), ("errored", "error"), ("skipped", "skipped"), ("void", "skipped")],
)
def test_no_verdict_but_passed_looks_like_passed(verdict: str, element: str) -> None:
    cell = passed_cell("x", flag_set="default", seed=1, decode=100)
    cell.tests = []
    cell.verdict, cell.reason = Verdict(verdict), "because"
    case = suite_of(cell).find(f"testcase[@name='verdict']/{element}")
    assert case is not None
    assert (case.get("message"), case.get("type")) == ("because", verdict)


def test_a_passed_cell_of_which_nothing_is_known_is_still_a_case() -> None:
    cell = errored_cell().model_copy(update={"verdict": Verdict.PASSED, "reason": ""})
    assert suite_of(cell).get("tests") == "1"


def test_a_failed_build_brings_its_last_lines() -> None:
    out = suite_of(failed_cell()).find("testcase/system-out")
    assert out is not None
    assert "FAILED: [code=1]" in str(out.text)


def test_rates_are_properties() -> None:
    suite = suite_of(passed_cell("x", flag_set="default", seed=1, decode=100))
    properties = suite.findall("testcase[@name='tg128 decode_rate']/properties/property")
    values = {element.get("name"): element.get("value") for element in properties}
    assert 97 < float(str(values["median"])) < 103
    assert values["unit"] == "tokens/s"
    assert (values["counted"], values["void"]) == ("14", "1")


def test_a_measurement_of_which_nothing_counts_is_skipped_with_the_reasons() -> None:
    cell = passed_cell("x", flag_set="default", seed=1, decode=100)
    cell.measurements[0].samples = [
        Sample(start=0, repetition=n, value=1, verdict=Verdict.VOID, reason="the CPU was busy") for n in range(2)
    ]
    skipped = suite_of(cell).find("testcase[@name='pp512 prompt_rate']/skipped")
    assert skipped is not None
    assert skipped.get("message") == "the CPU was busy"


def test_a_dot_in_a_cells_name_makes_no_package() -> None:
    case = suite_of(failed_cell()).find("testcase")
    assert case is not None
    assert case.get("classname") == "bakehouse.llama-server-cuda12_4-sm86-amd64.build"
