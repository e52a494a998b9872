from __future__ import annotations

import math

from hypothesis import given
from hypothesis import strategies as st

from bakehouse.model.enums import Change
from bakehouse.model.report import Metric
from bakehouse.reporters.html.shifts import axis
from bakehouse.stats.effect import Effect
from bakehouse.stats.judge import Judged


def judged(ratio: float | None, *, metric: Metric = "decode_rate", spread: float = 0.01) -> Judged:
    effect = None if ratio is None else Effect(ratio=ratio, low=ratio * (1 - spread), high=ratio * (1 + spread))
    verdict, limit = (Change.INCONCLUSIVE, None) if effect is None else (Change.PASS, 0.03)
    return Judged(cell="a", workload="tg128", metric=metric, verdict=verdict, reason="", effect=effect, limit=limit)


def test_worse_is_left_whatever_the_metric() -> None:
    drawn = axis([judged(0.9), judged(1.1), judged(0.9, metric="ttft"), judged(1.1, metric="ttft")])
    assert drawn
    sides = [shift.at < drawn.zero for shift in drawn.shifts if shift]
    assert sides == [True, False, False, True]


def test_what_has_no_interval_keeps_its_row() -> None:
    drawn = axis([judged(None), judged(1.0)])
    assert drawn
    assert drawn.shifts[0] is None
    assert drawn.shifts[1]
    assert drawn.shifts[1].at == drawn.zero
    assert axis([judged(None)]) is None


def test_marks_are_round_and_say_which_way() -> None:
    drawn = axis([judged(0.9)])
    assert drawn
    assert [words for _, words in drawn.marks] == ["\N{MINUS SIGN}10%", "+10%"]
    assert drawn.marks[0][0] < drawn.zero < drawn.marks[1][0]


def test_what_is_beyond_the_axis_lies_on_its_edge_and_is_marked() -> None:
    drawn = axis([judged(3.0), judged(1.0)])
    assert drawn
    far, near = drawn.shifts
    assert far
    assert near
    assert (far.is_cut, near.is_cut) == (True, False)
    assert far.at == far.high == 96.0


@given(st.lists(st.floats(0.0, 1e6), min_size=1, max_size=8), st.floats(0.0, 0.9))
def test_everything_is_on_the_axis(ratios: list[float], spread: float) -> None:
    drawn = axis([judged(ratio, spread=spread) for ratio in ratios])
    if drawn is None:
        assert not any(ratios)
        return
    for shift in drawn.shifts:
        assert shift
        assert 0 <= shift.low <= shift.at <= shift.high <= 100
        assert math.isfinite(shift.limit)
        assert shift.limit <= drawn.zero
