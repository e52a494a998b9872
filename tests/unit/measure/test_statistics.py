from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bakehouse.measure.statistics import median

values = st.lists(st.floats(0.1, 1e4), min_size=1, max_size=30)


def test_known_values() -> None:
    assert median([3, 1, 2]) == 2
    assert median([4, 1, 2, 3]) == 2.5


def test_nothing_has_no_median() -> None:
    with pytest.raises(ValueError, match="no values"):
        median([])


@given(values)
def test_one_disturbed_repetition_hardly_moves_the_median(samples: list[float]) -> None:
    assert min(samples) <= median([*samples, 1e9]) <= 1e9
    if len(samples) > 2:
        assert median([*samples, 1e9]) <= max(samples)
