from __future__ import annotations

import statistics

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bakehouse.measure.loadgen.percentiles import percentile, supports

VALUES = st.lists(st.floats(-1e6, 1e6), min_size=2, max_size=30)


@given(VALUES)
def test_percentiles_are_those_of_the_inclusive_method(values: list[float]) -> None:
    quartiles = statistics.quantiles(values, n=4, method="inclusive")
    assert [percentile(values, share) for share in (25, 50, 75)] == pytest.approx(quartiles)
    assert (percentile(values, 0), percentile(values, 100)) == (min(values), max(values))


def test_percentile_needs_values() -> None:
    assert percentile([7.0], 99) == 7.0
    with pytest.raises(ValueError, match="no values"):
        percentile([], 50)


@pytest.mark.parametrize(
    ("count", "share", "has"), [(9, 90, False), (10, 90, True), (99, 99, False), (100, 99, True), (0, 50, False)]
)
def test_a_percentile_needs_a_value_beyond_it(count: int, share: float, has: bool) -> None:
    assert supports(count, share) is has
