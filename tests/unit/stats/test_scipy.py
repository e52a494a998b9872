"""Our statistics against those of scipy, which is too large for a dependency of the program."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from scipy import stats

from bakehouse.stats import student
from bakehouse.stats.rank_test import benjamini_hochberg, mann_whitney
from bakehouse.stats.welch import welch

chances = st.floats(0, 1)
distinct = st.lists(st.floats(-1e6, 1e6), min_size=2, max_size=24, unique=True)
tied = st.lists(st.integers(0, 4).map(float), min_size=2, max_size=5)


def _rank_sum(ours: np.ndarray, theirs: np.ndarray, axis: int) -> np.ndarray:
    """Distance of the midranks' sum from its mean: the statistic of a two-sided test."""
    ranks = stats.rankdata(np.concatenate((ours, theirs), axis=axis), axis=axis)
    size, total = ours.shape[axis], ours.shape[axis] + theirs.shape[axis]
    summed: np.ndarray = np.abs(np.take(ranks, range(size), axis=axis).sum(axis=axis) - size * (total + 1) / 2)
    return summed


@settings(max_examples=200)
@given(distinct, st.data())
def test_exact_p_without_ties(values: list[float], data: st.DataObject) -> None:
    cut = data.draw(st.integers(1, len(values) - 1))
    ours, theirs = values[:cut], values[cut:]
    expected = stats.mannwhitneyu(ours, theirs, alternative="two-sided", method="exact").pvalue
    assert mann_whitney(ours, theirs) == pytest.approx(expected, rel=1e-9)


@settings(max_examples=25)
@given(tied, tied)
def test_exact_p_with_ties(ours: list[float], theirs: list[float]) -> None:
    """scipy's exact method is wrong with ties; its permutation test counts every arrangement."""
    found = stats.permutation_test(
        (np.array(ours), np.array(theirs)), _rank_sum, vectorized=True, n_resamples=np.inf, alternative="greater"
    )
    assert mann_whitney(ours, theirs) == pytest.approx(found.pvalue, rel=1e-9)


def test_p_of_many_values_with_ties() -> None:
    """Beyond the exact count: the normal distribution with the correction for ties and for continuity."""
    chance = np.random.default_rng(2)
    ours, theirs = chance.integers(0, 12, 90).tolist(), chance.integers(1, 13, 110).tolist()
    expected = stats.mannwhitneyu(ours, theirs, alternative="two-sided", method="asymptotic").pvalue
    assert mann_whitney(ours, theirs) == pytest.approx(expected, rel=1e-9)


@given(st.lists(st.floats(50, 200), min_size=2, max_size=6), st.lists(st.floats(50, 200), min_size=2, max_size=6))
def test_welch_lies_between_the_p_of_the_degrees_of_freedom_around_its_own(
    ours: list[float], theirs: list[float]
) -> None:
    """We round them down, to whole ones: so p is never smaller than scipy's."""
    one, other = np.log(ours), np.log(theirs)
    assume(min(one.std(), other.std()) > 1e-6)
    exact = stats.ttest_ind(one, other, equal_var=False)
    found = welch(ours, theirs)
    freedom = max(1, math.floor(exact.df + 1e-9))
    assert found >= exact.pvalue * (1 - 1e-6)
    assert found == pytest.approx(2 * stats.t.sf(abs(exact.statistic), freedom), rel=1e-3, abs=1e-9)


@given(st.floats(0.5, 0.9999), st.integers(1, 400))
def test_quantile_of_students_t(share: float, freedom: int) -> None:
    assert student.quantile(share, freedom) == pytest.approx(stats.t.ppf(share, freedom), rel=1e-9, abs=1e-9)


@given(st.floats(-50, 50), st.integers(1, 400))
def test_distribution_of_students_t(value: float, freedom: int) -> None:
    assert student.cdf(value, freedom) == pytest.approx(stats.t.cdf(value, freedom), rel=1e-9, abs=1e-12)


@given(st.lists(chances, min_size=1, max_size=40))
def test_adjusted_p(p: list[float]) -> None:
    assert benjamini_hochberg(p) == pytest.approx(stats.false_discovery_control(p, method="bh").tolist(), rel=1e-12)
