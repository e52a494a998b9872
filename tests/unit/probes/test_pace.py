from __future__ import annotations

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bakehouse.probes.pace import LEAST, Pace


def test_without_a_limit_a_start_has_all_its_repetitions() -> None:
    pace = Pace(starts=3)
    assert pace.choose(4.0, 0, most=5, is_held=True) == 5
    assert pace.of_reference(5) == 5
    assert not pace.is_over


@pytest.mark.parametrize(("left", "repetitions"), [(1000.0, 5), (150.0, 4), (60.0, 2), (3.0, 0)])
def test_repetitions_are_few_enough_for_the_wanted_starts(left: float, repetitions: int) -> None:
    pace = Pace(starts=3, left=lambda: left)
    assert pace.choose(4.0, 0, most=5, is_held=True) == repetitions


def test_later_starts_have_as_many_as_the_first() -> None:
    left = [100.0]
    pace = Pace(starts=3, left=lambda: left[0])
    first = pace.choose(4.0, 0, most=5, is_held=False)
    left[0] = 20.0
    assert pace.choose(4.0, 2, most=5, is_held=False) == first


def test_llama_bench_never_goes_first_while_nobody_knows_how_long_it_takes() -> None:
    pace = Pace(starts=3, left=lambda: 100.0)
    assert not pace.is_known
    assert pace.of_reference(5) == 0
    pace.choose(4.0, 0, most=5, is_held=True)
    assert pace.is_known
    assert 0 < pace.of_reference(5) <= 5


def test_answers_are_cut_on_a_machine_that_would_not_end_them() -> None:
    pace = Pace(left=lambda: 60.0)
    assert pace.tokens(0.01, most=128, least=8) == 128
    assert pace.tokens(1.0, most=128, least=8) == 20
    assert pace.is_cut
    assert pace.of_reference(5) == 0
    assert Pace(left=lambda: -5.0).tokens(1.0, most=128, least=8) == 8


@given(st.floats(0.01, 100), st.floats(-10, 1000), st.integers(1, 7), st.integers(1, 9), st.booleans())
def test_what_is_chosen_is_nothing_or_within_what_is_asked(
    warm_up: float, left: float, starts: int, most: int, held: bool
) -> None:
    pace = Pace(starts=starts, left=lambda: left)
    chosen = pace.choose(warm_up, 0, most=most, is_held=held)
    assert chosen == 0 or min(LEAST, most) <= chosen <= most
    assert (chosen == 0) == (left < pace.each)
    assert math.isfinite(pace.each)
