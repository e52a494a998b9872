from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from bakehouse.stats import student
from bakehouse.stats.effect import effect

starts = st.lists(st.floats(1.0, 1e4), min_size=2, max_size=8)


def test_ratio_of_known_values() -> None:
    assert effect([2, 4], [1, 2]).ratio == pytest.approx(2)
    found = effect([95, 96, 94, 95, 96, 95, 94], [100, 101, 99, 100, 100, 101, 99])
    assert found.ratio == pytest.approx(0.95, abs=0.002)
    assert 0.93 < found.low < found.ratio < found.high < 0.97


def test_one_odd_start_hardly_moves_it() -> None:
    assert effect([100, 100, 100, 100, 10], [100] * 5).ratio == pytest.approx(1)


@given(starts, starts)
def test_order_means_nothing(ours: list[float], theirs: list[float]) -> None:
    assert effect(ours, theirs, resamples=100) == effect(ours[::-1], sorted(theirs), resamples=100)


@given(starts, starts, st.sampled_from([2.0**-20, 0.5, 4.0, 2.0**30, 1000.0]))
def test_unit_means_nothing(ours: list[float], theirs: list[float], factor: float) -> None:
    before = effect(ours, theirs, resamples=100)
    after = effect([factor * one for one in ours], [factor * one for one in theirs], resamples=100)
    for name in ("ratio", "low", "high"):
        assert getattr(after, name) == pytest.approx(getattr(before, name), rel=1e-9)


@given(starts)
def test_the_same_values_have_ratio_one(values: list[float]) -> None:
    found = effect(values, values, resamples=200)
    assert found.ratio == pytest.approx(1)
    assert found.low <= 1 + 1e-12
    assert found.high >= 1 - 1e-12


def test_what_fell_to_zero_has_lost_everything() -> None:
    found = effect([0.0, 0.0, 0.0], [5.0, 6.0, 7.0])
    assert (found.ratio, found.high) == (0.0, 0.0)
    assert effect([0.0, 0.0], [0.0, 0.0]).ratio == 1
    assert found.inverse().ratio == math.inf


def test_one_start_has_no_interval() -> None:
    with pytest.raises(ValueError, match="two starts on each side"):
        effect([1.0], [1.0, 2.0])


@pytest.mark.parametrize("bad", [[-1.0, 1.0], [math.nan, 1.0], [math.inf, 1.0]])
def test_impossible_values_are_refused(bad: list[float]) -> None:
    with pytest.raises(ValueError, match="finite and not negative"):
        effect(bad, [1.0, 2.0])


@pytest.mark.parametrize(
    ("freedom", "expected"), [(1, 12.7062), (2, 4.30265), (6, 2.44691), (12, 2.17881), (30, 2.04227), (1000, 1.96234)]
)
def test_quantiles_of_t(freedom: int, expected: float) -> None:
    """Table 26.10 of Abramowitz & Stegun."""
    assert student.quantile(0.975, freedom) == pytest.approx(expected, rel=1e-5)


@pytest.mark.parametrize(("ours", "theirs", "least"), [(7, 7, 0.93), (5, 5, 0.93), (3, 24, 0.88)])
def test_interval_holds_the_truth_as_often_as_it_says(ours: int, theirs: int, least: float) -> None:
    """But for three starts: an interval made of them cannot reach beyond the outermost."""
    chance = np.random.default_rng(7)
    held = 0
    for _ in range(300):
        a, b = np.exp(chance.normal(0, 0.02, ours)), np.exp(chance.normal(0, 0.02, theirs))
        found = effect(a.tolist(), b.tolist(), resamples=500)
        held += found.low <= 1 <= found.high
    assert held / 300 >= least
