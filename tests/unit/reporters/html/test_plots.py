from __future__ import annotations

import math

from hypothesis import given
from hypothesis import strategies as st

from bakehouse.model.enums import Verdict
from bakehouse.model.report import Sample
from bakehouse.reporters.html.plots import Series, Strip, by_start, strip


def sample(value: float, *, start: int = 0, repetition: int = 0, void: bool = False) -> Sample:
    verdict = Verdict.VOID if void else Verdict.PASSED
    return Sample(start=start, repetition=repetition, value=value, verdict=verdict, reason="busy" if void else "")


def drawn(*samples: Sample) -> Strip:
    found = strip(by_start(samples), unit="tokens/s")
    assert found
    return found


def test_a_row_for_each_start() -> None:
    found = drawn(sample(100), sample(101, start=1), sample(102, start=1, repetition=1))
    assert [(row.label, len(row.dots)) for row in found.rows] == [("start 1", 1), ("start 2", 2)]
    assert found.rows[1].note == "median 102 t/s, 101 to 102 t/s"


def test_small_noise_stays_small() -> None:
    places = [dot.x for dot in drawn(sample(100.0), sample(100.2, repetition=1)).rows[0].dots]
    assert abs(places[0] - places[1]) < 5


def test_a_void_sample_far_off_does_not_squeeze_the_others() -> None:
    row = drawn(sample(98), sample(104, repetition=1), sample(4, repetition=2, void=True)).rows[0]
    assert row.dots[1].x - row.dots[0].x > 50
    assert (row.dots[2].beyond, row.dots[2].is_void) == ("left", True)
    assert row.note == "median 101 t/s, 98.0 to 104 t/s, 1 void"


def test_a_void_sample_nearby_is_on_the_axis_and_in_no_interval() -> None:
    row = drawn(sample(98), sample(104, repetition=1), sample(106, repetition=2, void=True)).rows[0]
    assert row.interval
    assert row.dots[2].beyond == ""
    assert row.interval.high < row.dots[2].x


def test_only_void_samples_are_still_seen() -> None:
    row = drawn(sample(4, void=True)).rows[0]
    assert (row.interval, row.note) == (None, "no sample counts, 1 void")
    assert row.dots[0].beyond == ""


def test_nothing_to_draw() -> None:
    assert strip([], unit="seconds") is None
    assert strip([Series(label="a", samples=[sample(math.nan)])], unit="bytes") is None


def test_marks_have_the_decimals_they_need() -> None:
    assert [tick.label for tick in drawn(sample(214), sample(229, repetition=1)).ticks] == ["215", "220", "225", "230"]
    assert [tick.label for tick in drawn(sample(10), sample(10.1, repetition=1)).ticks] == ["9.75", "10.00", "10.25"]


@given(
    st.lists(st.tuples(st.floats(), st.integers(0, 3), st.integers(0, 9), st.booleans()), max_size=30),
    st.sampled_from(["tokens/s", "seconds", "bytes"]),
)
def test_no_dot_leaves_the_drawing(found: list[tuple[float, int, int, bool]], unit: str) -> None:
    samples = [sample(value, start=start, repetition=number, void=void) for value, start, number, void in found]
    plot = strip(by_start(samples), unit=unit)
    for row in plot.rows if plot else ():
        for dot in row.dots:
            assert 0 <= dot.x <= 100
            assert plot
            assert 0 < dot.y < plot.height


def test_dots_are_one_path_and_void_ones_another() -> None:
    found = drawn(sample(98), sample(104, repetition=1), sample(100, repetition=2, void=True))
    assert found.marks(void=False).count("h0") == 2
    assert found.marks(void=True).count("h0") == 1


def test_three_starts_give_an_interval_two_do_not() -> None:
    two = [sample(100 + start, start=start) for start in range(2)]
    rows = [Series(label="a", samples=samples) for samples in (two, [*two, sample(102, start=2)])]
    found = strip(rows, unit="tokens/s")
    assert found
    intervals = [row.interval for row in found.rows]
    assert intervals[0]
    assert intervals[1]
    assert intervals[0].known is None
    assert intervals[1].known is not None
    assert found.rows[1].note.startswith("median 101 t/s, 95 %: ")
