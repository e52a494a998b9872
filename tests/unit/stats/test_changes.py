from __future__ import annotations

import itertools

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from bakehouse.stats.changes import segments


def series(*levels: tuple[int, float], noise: float = 0.01, seed: int = 1) -> list[float]:
    chance = np.random.default_rng(seed)
    parts = [level * np.exp(chance.normal(0, noise, count)) for count, level in levels]
    return [float(value) for value in np.concatenate(parts)]


def test_a_step_is_found_where_it_is() -> None:
    found = segments(series((30, 100), (20, 95)))
    assert [(one.begin, one.end) for one in found] == [(0, 30), (30, 50)]
    assert found[1].level == pytest.approx(95, rel=0.01)


def test_a_step_is_a_level_from_the_third_run_on() -> None:
    for runs, levels in ((2, 1), (3, 2)):
        assert len(segments(series((30, 100), (runs, 80)))) == levels


def test_one_odd_run_is_no_level() -> None:
    assert len(segments([*series((20, 100)), 50.0, *series((20, 100), seed=2)])) == 1


def test_steady_series_stay_in_one_piece() -> None:
    broken = sum(len(segments(series((60, 100), noise=0.02, seed=seed))) > 1 for seed in range(60))
    assert broken <= 3


def test_there_and_back() -> None:
    found = segments(series((20, 100), (15, 90), (20, 100)))
    assert [one.begin for one in found] == [0, 20, 35]


def test_constants_do_not_break_at_the_last_digit() -> None:
    assert len(segments([255e6, 255.1e6, 255e6, 255e6, 255.2e6, 255e6, 255e6])) == 1


def test_small_series() -> None:
    assert segments([]) == []
    assert [(one.begin, one.end) for one in segments([5.0, 6.0])] == [(0, 2)]
    with pytest.raises(ValueError, match="positive"):
        segments([1.0, 0.0])


@given(st.lists(st.floats(0.1, 1e6), min_size=1, max_size=40))
def test_segments_cover_the_series_without_gaps(values: list[float]) -> None:
    found = segments(values)
    assert [found[0].begin, found[-1].end] == [0, len(values)]
    assert all(before.end == after.begin for before, after in itertools.pairwise(found))
    assert all(one.end - one.begin >= min(3, len(values)) for one in found)
    assert all(min(values[o.begin : o.end]) * 0.999 <= o.level <= max(values[o.begin : o.end]) * 1.001 for o in found)
