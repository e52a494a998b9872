from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from bakehouse.reporters.html.scale import Scale, nice_seconds, nice_step


def test_ends_keep_their_margin() -> None:
    scale = Scale(low=10, high=20, margin=3)
    assert [scale.place(value) for value in (5, 10, 15, 20, 99)] == [3, 3, 50, 97, 97]


def test_an_axis_of_no_length_puts_all_in_the_middle() -> None:
    assert Scale(low=1, high=1).place(1) == 50


def test_labels_at_the_edge_are_aligned_with_it() -> None:
    ticks = Scale(low=0, high=100).ticks(50, str)
    assert [(tick.x, tick.anchor) for tick in ticks] == [(0, "start"), (50, "middle"), (100, "end")]


@given(st.floats(min_value=1e-3, max_value=1e15))
def test_four_intervals_at_most_and_one_at_least(extent: float) -> None:
    for step in (nice_step(extent), nice_seconds(extent)):
        assert extent / step <= 4.0001
        assert extent / step > 0.3
