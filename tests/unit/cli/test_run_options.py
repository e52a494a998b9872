from __future__ import annotations

import argparse

import pytest

from bakehouse.cli.run_options import duration
from bakehouse.pipeline.job import COMPARE_FOR, MEASURE_FOR, Options
from bakehouse.planning.select import Selection


@pytest.mark.parametrize(
    ("text", "seconds"),
    [("0", 0), ("90", 90), ("90s", 90), ("5m", 300), ("5min", 300), ("1h", 3600), ("1h30m", 5400), ("2m30s", 150)],
)
def test_durations_are_written_as_people_do(text: str, seconds: float) -> None:
    assert duration(text) == seconds


@pytest.mark.parametrize("text", ["", "m", "five", "-5", "5 d", "1e3", "inf", "nan", "5m5m", "٣m"])
def test_what_is_no_duration_is_refused_with_an_example(text: str) -> None:
    with pytest.raises(argparse.ArgumentTypeError, match="write 90s, 5m or 1h30m"):
        duration(text)


def test_how_long_a_run_may_take() -> None:
    options = Options(selection=Selection())
    assert options.time_limit == MEASURE_FOR
    assert Options(selection=Selection(), compare="x").time_limit == COMPARE_FOR
    assert Options(selection=Selection(), starts=7).time_limit is None
    assert Options(selection=Selection(), starts=7, measure_for=60.0).time_limit == 60.0
    assert Options(selection=Selection(), measure_for=0.0).time_limit == 0.0
