from __future__ import annotations

from pathlib import Path

import pytest

from bakehouse.model.enums import Verdict
from bakehouse.model.report import Check, RunReport, TestResult
from bakehouse.reporters import outcomes
from tests.unit.reporters.sample import empty_run, errored_cell, failed_cell, passed_cell, sample_run, unfinished_run

HERE = Path("nowhere")


@pytest.mark.parametrize(
    ("run", "expected"),
    [
        (sample_run(), "2 of 4 cells passed, 1 failed, 1 errored"),
        (empty_run(), "No cell was built"),
        (unfinished_run(), "0 of 1 cell passed, 1 skipped; the run is not finished"),
        (sample_run().model_copy(update={"cells": sample_run().cells[:2]}), "All 2 cells passed"),
        (sample_run().model_copy(update={"cells": sample_run().cells[:1]}), "The only cell passed"),
    ],
)
def test_headline(run: RunReport, expected: str) -> None:
    assert outcomes.headline(run) == expected


def test_a_failed_build_brings_its_last_lines() -> None:
    (problem,) = outcomes.problems(failed_cell(), folder=HERE)
    assert problem.what == "build"
    assert problem.message.startswith("The build of stage plugin")
    assert problem.lines[-1] == "ninja: build stopped: subcommand failed."
    assert problem.log == "logs/llama-server-cuda12.4-sm86-amd64.build.log"


def test_a_build_without_a_reason_gives_its_steps_error() -> None:
    cell = failed_cell()
    assert cell.build
    cell.build.reason = ""
    (problem,) = outcomes.problems(cell, folder=HERE)
    assert problem.message.startswith('process "/bin/sh')


def test_a_cell_that_was_never_built_gives_its_reason() -> None:
    (problem,) = outcomes.problems(errored_cell(), folder=HERE)
    assert (problem.what, problem.verdict) == ("cell", Verdict.ERRORED)
    assert problem.message.startswith("no base rocm7-devel")


def test_failed_checks_and_tests_are_problems_skipped_ones_are_not(tmp_path: Path) -> None:
    (tmp_path / "c.log").write_text("one\ntwo\n")
    cell = passed_cell("x", flag_set="default", seed=1, decode=1)
    cell.verdict = Verdict.FAILED
    cell.checks.append(Check(name="user", verdict=Verdict.FAILED, message="runs as root", details=["USER is not set"]))
    test = TestResult(
        name="t", probe="smoke", verdict=Verdict.ERRORED, seconds=1, message="gone", container_log="c.log"
    )
    cell.tests.append(test)
    found = outcomes.problems(cell, folder=tmp_path)
    assert [(problem.what, problem.lines) for problem in found] == [
        ("proof user", ("USER is not set",)),
        ("t", ("one", "two")),
    ]


def test_a_passed_cell_has_no_problems() -> None:
    assert outcomes.problems(passed_cell("x", flag_set="default", seed=1, decode=1), folder=HERE) == []


def test_times_with_and_without_a_zone_do_not_break_a_report() -> None:
    run = sample_run()
    assert run.finished
    mixed = run.model_copy(update={"finished": run.finished.replace(tzinfo=None)})
    assert outcomes.run_seconds(mixed) == outcomes.run_seconds(run) == 1867


def test_cells_that_have_the_same_to_say_are_one_those_with_evidence_are_not() -> None:
    cells = [failed_cell(), errored_cell(), failed_cell(), errored_cell().model_copy(update={"name": "other"})]
    found = outcomes.together(cells, folder=HERE)
    assert [len(members) for members, _ in found] == [1, 2, 1]


def test_what_is_not_asked_of_an_image_is_no_proof() -> None:
    checks = [
        Check(name="a", verdict=verdict, message="") for verdict in (Verdict.PASSED, Verdict.FAILED, Verdict.SKIPPED)
    ]
    assert outcomes.proof_words(checks) == "1 of 2"
    assert outcomes.proof_words(checks[2:]) == ""
