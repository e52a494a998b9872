from __future__ import annotations

import random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bakehouse.model.enums import Verdict
from bakehouse.model.report import Sample
from bakehouse.stats.interval import interval
from tests.unit.reporters.world import noisy


def starts(*values: float) -> list[Sample]:
    return [Sample(start=number, repetition=0, value=value) for number, value in enumerate(values)]


@pytest.mark.parametrize(("count", "method"), [(3, "Student's t"), (5, "Student's t"), (6, "bootstrap")])
def test_the_method_fits_the_number_of_starts(count: int, method: str) -> None:
    known = interval(starts(*range(100, 100 + count)))
    assert known
    assert (known.method, known.starts) == (method, count)


@pytest.mark.parametrize("samples", [[], starts(100, 101), starts(0, 0, 0), [*starts(100, 101), *starts(100)]])
def test_too_few_starts_say_nothing(samples: list[Sample]) -> None:
    assert interval(samples) is None


def test_repetitions_of_one_start_are_not_more_knowledge() -> None:
    once = interval(starts(100, 102, 104))
    often = interval(starts(100, 102, 104) * 5)
    assert once == often


def test_a_void_sample_is_not_in_it() -> None:
    void = Sample(start=3, repetition=0, value=5, verdict=Verdict.VOID, reason="busy")
    assert interval([*starts(100, 102, 104), void]) == interval(starts(100, 102, 104))


def test_three_starts_by_hand() -> None:
    """t(0.975; 2) = 4.3027; the logarithms' standard deviation is 0.01: 4.3027 * 0.01 / sqrt(3) = 0.02484."""
    known = interval(starts(100 * 0.990049834, 100, 100 * 1.010050167))
    assert known
    assert known.low == pytest.approx(97.547, abs=0.001)
    assert known.high == pytest.approx(102.515, abs=0.001)


@pytest.mark.parametrize("count", [3, 7])
def test_it_holds_the_truth_about_as_often_as_it_says(count: int) -> None:
    """400 runs with normal noise: 95 % would be 380; fewer than 360 has a probability below 1e-4 at 95 %."""
    chance = random.Random(count)
    found = [interval(noisy(100, chance, starts=count, repetitions=3)) for _ in range(400)]
    assert sum(known.low <= 100 <= known.high for known in found if known) >= 360


@given(st.lists(st.floats(min_value=1e-6, max_value=1e12), min_size=3, max_size=9))
def test_it_is_in_order(values: list[float]) -> None:
    known = interval(starts(*values))
    if known:
        assert 0 <= known.low <= known.high
