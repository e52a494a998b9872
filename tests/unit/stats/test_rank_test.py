from __future__ import annotations

import itertools

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bakehouse.stats import rank_test
from bakehouse.stats.rank_test import benjamini_hochberg, mann_whitney, smallest_p

small = st.lists(st.integers(0, 5).map(float), min_size=1, max_size=4)


@pytest.mark.parametrize(("count", "expected"), [(3, 0.1), (5, 0.0079), (6, 0.0022), (7, 0.00058)])
def test_smallest_p(count: int, expected: float) -> None:
    low, high = [float(one) for one in range(count)], [float(one) for one in range(100, 100 + count)]
    assert mann_whitney(low, high) == pytest.approx(expected, abs=5e-5)
    assert mann_whitney(low, high) == pytest.approx(smallest_p(count, count))


@settings(max_examples=60)
@given(small, small)
def test_exact_p_is_that_of_all_arrangements(ours: list[float], theirs: list[float]) -> None:
    """Ties included: counted the slow way."""
    pooled = [*ours, *theirs]
    ranks = [sum(o < v for o in pooled) + (sum(o == v for o in pooled) + 1) / 2 for v in pooled]
    expected = len(ours) * (len(pooled) + 1) / 2
    distance = abs(sum(ranks[: len(ours)]) - expected)
    sums = [sum(ranks[i] for i in chosen) for chosen in itertools.combinations(range(len(pooled)), len(ours))]
    p = sum(abs(one - expected) >= distance - 1e-9 for one in sums) / len(sums)
    assert mann_whitney(ours, theirs) == pytest.approx(p)
    assert mann_whitney(theirs, ours) == pytest.approx(p)


def test_many_values_come_close_to_the_exact_p(monkeypatch: pytest.MonkeyPatch) -> None:
    chance = np.random.default_rng(1)
    ours, theirs = chance.normal(0, 1, 40).tolist(), chance.normal(0.5, 1, 60).tolist()
    exact = mann_whitney(ours, theirs)
    monkeypatch.setattr(rank_test, "EXACT", 10)
    assert mann_whitney(ours, theirs) == pytest.approx(exact, rel=0.05)
    assert mann_whitney([1.0] * 40, [1.0] * 60) == 1


def test_nothing_cannot_be_tested() -> None:
    with pytest.raises(ValueError, match="both sides"):
        mann_whitney([], [1.0])


def test_adjusted_p_of_the_paper_that_named_it() -> None:
    """Benjamini and Hochberg's example: at 0.05, the four smallest of fifteen are found."""
    p = [0.0001, 0.0004, 0.0019, 0.0095, 0.0201, 0.0278, 0.0298, 0.0344, 0.0459, 0.3240, 0.4262, 0.5719, 0.6528]
    p += [0.7590, 1.000]
    assert [one <= 0.05 for one in benjamini_hochberg(p)] == [True] * 4 + [False] * 11


@given(st.lists(st.floats(0, 1), max_size=20), st.randoms())
def test_adjusting_keeps_order_and_never_lowers(p: list[float], chance: object) -> None:
    adjusted = benjamini_hochberg(p)
    assert all(before <= after + 1e-12 for before, after in zip(p, adjusted, strict=True))
    order = sorted(range(len(p)), key=p.__getitem__)
    assert [adjusted[i] for i in order] == sorted(adjusted)
