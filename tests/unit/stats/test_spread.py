from __future__ import annotations

import pytest

from bakehouse.stats.spread import mad, middles, pseudomedian


def test_known_values() -> None:
    assert pseudomedian([4.0, 4.0, 4.0]) == pytest.approx(4)
    assert pseudomedian([1.0, 4.0]) == pytest.approx(2)
    assert mad([100, 100, 101, 99, 100]) == pytest.approx(0, abs=1e-12)
    assert mad([90, 100, 110, 80, 120]) == pytest.approx(100 / 90 - 1, rel=1e-6)


def test_one_disturbed_repetition_of_five_hardly_moves_it() -> None:
    assert pseudomedian([100, 101, 99, 100, 10]) == pytest.approx(99.5, abs=0.6)


def test_spread_is_the_same_for_a_rate_and_for_its_reciprocal() -> None:
    values = [90.0, 100.0, 112.0, 105.0]
    assert mad(values) == pytest.approx(mad([1 / value for value in values]))


def test_starts_without_values_are_left_out() -> None:
    assert middles([(1.0, 1.0), (), (2.0,)]) == pytest.approx([1, 2])
