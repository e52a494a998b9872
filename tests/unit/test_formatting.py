from __future__ import annotations

import io
import math
from datetime import UTC, datetime, timedelta, timezone

import pytest
from hypothesis import given
from hypothesis import strategies as st
from rich.box import HEAVY, SIMPLE_HEAD, Box
from rich.console import Console
from rich.table import Table
from rich.text import Text

from bakehouse import formatting as write
from bakehouse.formatting import keep_words_whole


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        (222.4, "222"),
        (97.44, "97.4"),
        (4.018, "4.02"),
        (99.96, "100"),
        (0.001234, "0.00123"),
        (12345, "12,300"),
        (0, "0"),
        (math.nan, "–"),  # noqa: RUF001
    ],
)
def test_rates_have_three_significant_digits(value: float, expected: str) -> None:
    assert write.rate(value) == expected


@given(st.floats(min_value=1e-6, max_value=1e12))
def test_three_digits_are_never_further_off_than_half_a_per_cent(value: float) -> None:
    assert math.isclose(float(write.significant(value).replace(",", "")), value, rel_tol=0.00501)


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        (252, "4 min 12 s"),
        (0.85, "850 ms"),
        (0.9996, "1.00 s"),
        (1.5244, "1.52 s"),
        (59.97, "1 min 0 s"),
        (3599.7, "1 h 0 min"),
        (3840, "1 h 4 min"),
        (0, "0 s"),
        (None, "–"),  # noqa: RUF001
    ],
)
def test_durations(value: float | None, expected: str) -> None:
    assert write.seconds(value) == expected


@pytest.mark.parametrize(("value", "expected"), [(42, "0:42"), (252, "4:12"), (3870, "1:04:30"), (59.6, "1:00")])
def test_clock(value: float, expected: str) -> None:
    assert write.clock(value) == expected


@pytest.mark.parametrize(
    ("value", "expected"),
    [(0, "0 B"), (512, "512 B"), (1000, "0.977 KiB"), (167_772_160, "160 MiB"), (1.52 * 2**30, "1.52 GiB")],
)
def test_sizes_are_binary(value: float, expected: str) -> None:
    assert write.size(value) == expected


def test_sizes_beyond_the_largest_unit_keep_it() -> None:
    assert write.size(5000 * 2**40) == "5,000 TiB"


@pytest.mark.parametrize(
    ("value", "expected"), [(0, "0 s"), (0.5, "0.5 s"), (300, "5 min"), (7200, "2 h"), (90, "1 min 30 s")]
)
def test_marks_of_a_time_axis_are_short(value: float, expected: str) -> None:
    assert write.round_seconds(value) == expected


@pytest.mark.parametrize(
    ("many", "one"),
    [
        ("embeddings", "embedding"),
        ("queries", "query"),
        ("boxes", "box"),
        ("seconds of audio", "second of audio"),
        ("passes", "pass"),
        ("matches", "match"),
        ("sentence pairs", "sentence pair"),
    ],
)
def test_one_of_many(many: str, one: str) -> None:
    assert write.singular(many) == one


def test_energy_is_in_joules() -> None:
    assert write.quantity(0.0213, "joules/embedding") == "0.0213 J/embedding"


def test_moments_are_in_utc() -> None:
    east = timezone(timedelta(hours=2))
    assert write.moment(datetime(2026, 11, 21, 4, 51, tzinfo=east)) == "2026-11-21 02:51 UTC"
    assert write.moment(datetime(2026, 11, 21, 2, 51, tzinfo=UTC).replace(tzinfo=None)) == "2026-11-21 02:51 UTC"


def test_spans_and_counts() -> None:
    assert write.span(98.21, 103.4, "tokens/s") == "98.2 to 103 t/s"
    assert write.span(2**20, 2**21, "bytes") == "1.00 MiB to 2.00 MiB"
    assert write.count(1, "step") == "1 step"
    assert write.count(2, "supply", "supplies") == "2 supplies"


def test_no_word_of_a_table_is_broken() -> None:
    table = Table(box=None, padding=0, pad_edge=False)
    table.add_column("a name", overflow="fold")
    table.add_column("words")
    table.add_row("llama-server-cuda13.3-ampere-blackwell-amd64", Text("some words that may wrap"))
    keep_words_whole(table, width=50)
    console = Console(width=50, file=io.StringIO())
    console.print(table, crop=False)
    assert isinstance(console.file, io.StringIO)
    said = console.file.getvalue()
    assert "llama-server-cuda13.3-ampere-blackwell-amd64" in said
    assert all(word in said for word in ("some", "words", "that", "may", "wrap"))


@pytest.mark.parametrize("box", [None, SIMPLE_HEAD, HEAVY])
@pytest.mark.parametrize("pad_edge", [False, True])
def test_a_table_of_more_names_than_fit_loses_none(box: Box | None, pad_edge: bool) -> None:
    table = Table(box=box, padding=(0, 2, 0, 0), pad_edge=pad_edge)
    table.add_column("image")
    table.add_column("confirmed", no_wrap=True)
    table.add_column("digest")
    table.add_column("why")
    table.add_row("llama-server-cuda13.3-amd64", "2026-11-28 03:31 UTC", "sha256:5b76d84204aa", "a reason of words")
    console = Console(width=40, file=io.StringIO())
    keep_words_whole(table, width=40)
    console.print(table, crop=False)
    assert isinstance(console.file, io.StringIO)
    said = console.file.getvalue()
    assert "…" not in said
    for name in ("llama-server-cuda13.3-amd64", "2026-11-28 03:31 UTC", "sha256:5b76d84204aa", "reason"):
        assert name in said
