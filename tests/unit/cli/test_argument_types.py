from __future__ import annotations

import argparse

import pytest

from bakehouse.cli.argument_types import duration


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
