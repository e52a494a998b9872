from __future__ import annotations

from typing import Any

import pytest

from bakehouse.__main__ import main
from bakehouse.errors import ExitCode
from bakehouse.pipeline.job import COMPARE_FOR, MEASURE_FOR, Options
from bakehouse.planning.select import Selection


@pytest.mark.parametrize(
    ("asked", "keeps"),
    [
        ({}, True),
        ({"quick": True}, False),
        ({"quick": True, "history": True}, True),
        ({"history": False}, False),
        ({"tests": False}, False),
        ({"tests": False, "history": True}, False),
    ],
)
def test_only_what_was_measured_in_full_is_kept_unless_it_is_asked_for(asked: dict[str, Any], keeps: bool) -> None:
    assert Options(selection=Selection(), **asked).keeps_history is keeps


@pytest.mark.parametrize(
    "words", [["bench", "--quick"], ["build-matrix", "--no-tests"], ["bench", "--no-history"]], ids=" ".join
)
def test_a_gate_that_nothing_goes_through_is_refused(words: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    assert main([*words, "--fail-on-regression"]) == ExitCode.BAD_INPUT
    assert "would be compared with nothing" in capsys.readouterr().err


def test_how_long_a_run_may_take() -> None:
    options = Options(selection=Selection())
    assert options.time_limit == MEASURE_FOR
    assert Options(selection=Selection(), compare="x").time_limit == COMPARE_FOR
    assert Options(selection=Selection(), starts=7).time_limit is None
    assert Options(selection=Selection(), starts=7, measure_for=60.0).time_limit == 60.0
    assert Options(selection=Selection(), measure_for=0.0).time_limit == 0.0
