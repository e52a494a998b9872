from __future__ import annotations

from collections.abc import Sequence

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bakehouse.model.enums import Disturbance, Grade, Verdict
from bakehouse.model.report import Measurement, Sample
from bakehouse.stats.grading import Doubt, grade, graded, reach, reach_allowed
from bakehouse.stats.interval import interval

OTHER, STEAL = Disturbance.OTHER_WORK, Disturbance.NEIGHBOURS
RATES = st.floats(min_value=1.0, max_value=1e5)


def samples(
    *starts: Sequence[float], disturbed: Disturbance | None = None, verdict: Verdict = Verdict.PASSED, reason: str = ""
) -> list[Sample]:
    return [
        Sample(start=start, repetition=number, value=value, verdict=verdict, disturbed=disturbed, reason=reason)
        for start, values in enumerate(starts)
        for number, value in enumerate(values)
    ]


def of(taken: Sequence[Sample], *, doubt: Doubt | None = None) -> Measurement:
    found = Measurement(workload="tg128", metric="decode_rate", unit="tokens/s", samples=list(taken))
    return graded(found, doubt=doubt)


def test_three_quiet_starts_that_agree_are_exact() -> None:
    found = of(samples([100, 101], [100, 100.5], [100.2, 100.6]))
    assert found.grading
    assert found.grade is Grade.EXACT
    assert found.grading.reasons == []
    assert found.grading.low is not None
    assert found.grading.high is not None
    assert 99 < found.grading.low < 100.4 < found.grading.high < 102


def test_two_starts_are_noisy_whatever_they_say() -> None:
    found = of(samples([100, 100], [100, 100]))
    assert found.grading
    assert found.grading.disturbances == [Disturbance.FEW_STARTS]
    assert found.grading.reasons == ["2 container starts: how they differ is known from 3 on"]


def test_starts_that_scatter_are_noisy_and_no_machine_is_blamed() -> None:
    found = of(samples([110], [120], [143]))
    assert found.grading
    assert (found.grade, found.grading.low, found.grading.high) == (Grade.NOISY, 110, 143)
    assert found.grading.disturbances == [Disturbance.SCATTER]
    assert "where ±3 % is exact" in found.grading.reasons[0]


def test_starts_that_agree_by_luck_are_noisy_where_their_repetitions_do_not() -> None:
    found = of(samples([90, 100, 110], [91, 100, 109], [90, 100, 110.5]))
    assert found.grading
    assert found.grading.disturbances == [Disturbance.SCATTER]
    assert found.grading.reasons == ["repetitions in one start differ by 9.8 %, where 3.5 % is exact"]


def test_a_few_disturbed_samples_are_kept_apart() -> None:
    quiet = samples([100, 101], [100, 100.5], [100.2, 100.6])
    found = of([*quiet, *samples([60.0], disturbed=OTHER, reason="other processes used 40% of this machine's CPU")])
    assert found.grade is Grade.EXACT
    assert found.counted == [sample.value for sample in quiet]


def test_mostly_disturbed_samples_are_noisy_and_say_what_of() -> None:
    reason = "other processes used 61% of this machine's CPU meanwhile"
    found = of([*samples([20, 22], [19, 30], disturbed=OTHER, reason=reason), *samples([], [], [80])])
    assert found.grading
    assert (found.grade, found.grading.low, found.grading.high) == (Grade.NOISY, 19, 80)
    assert found.grading.disturbances == [OTHER]
    assert found.grading.reasons == [f"4 of 5 samples: {reason}"]
    assert found.counted == [80]


def test_what_disturbed_most_is_said_first() -> None:
    some = samples([20], disturbed=OTHER, reason="others")
    more = samples([20, 21], [19], disturbed=STEAL, reason="stolen")
    found = of([*some, *more])
    assert found.grading
    assert found.grading.disturbances[:2] == [STEAL, OTHER]


def test_another_clock_within_the_scatter_widens_the_interval() -> None:
    exact = samples([100, 101], [100, 100.5], [100.2, 100.6])
    found = of(exact, doubt=Doubt(low=104, high=108, reason="llama-bench is 5 % higher"))
    assert found.grading
    assert (found.grade, found.grading.low, found.grading.high) == (Grade.NOISY, 100, 108)
    assert found.grading.disturbances == [Disturbance.CLOCKS]


def test_mostly_void_is_void_with_the_reason_and_gives_no_figure() -> None:
    void = samples([1, 1], verdict=Verdict.VOID, reason="the request failed: HTTP 500")
    found = of([*void, *samples([], [100])])
    assert found.grading
    assert (found.grade, found.counted) == (Grade.VOID, [])
    assert found.grading.reasons == ["2 of 3 samples: the request failed: HTTP 500"]


def test_what_nothing_here_can_measure_has_no_grade() -> None:
    assert grade(samples([0], verdict=Verdict.SKIPPED, reason="unsupported"), metric="energy_per_token") is None
    assert grade([], metric="decode_rate") is None


def test_a_size_has_no_noise() -> None:
    found = grade(samples([1e8]), metric="image_size")
    assert found
    assert (found.grade, found.low, found.high) == (Grade.EXACT, 1e8, 1e8)


@pytest.mark.parametrize(("verdict", "expected"), [(Verdict.PASSED, Grade.EXACT), (Verdict.VOID, Grade.VOID)])
def test_a_measurement_from_before_there_were_grades_is_what_it_was(verdict: Verdict, expected: Grade) -> None:
    old = Measurement(workload="tg128", metric="decode_rate", unit="tokens/s", samples=samples([9], verdict=verdict))
    assert old.grade is expected


@given(st.lists(st.tuples(st.integers(0, 5), RATES, st.sampled_from([None, OTHER, STEAL])), min_size=1, max_size=30))
def test_what_is_shown_lies_in_its_interval_and_exact_keeps_its_gate(
    taken: list[tuple[int, float, Disturbance | None]],
) -> None:
    found = of(
        [
            Sample(start=start, repetition=n, value=value, disturbed=kind, reason="why" if kind else "")
            for n, (start, value, kind) in enumerate(taken)
        ]
    )
    assert found.grading
    assert found.grading.low is not None
    assert found.grading.high is not None
    assert found.counted
    if found.grade is Grade.NOISY:
        assert found.grading.low <= min(found.counted) <= max(found.counted) <= found.grading.high
        assert found.grading.disturbances
        assert len(found.grading.reasons) == len(found.grading.disturbances)
    else:
        known = interval(found.used)
        assert known
        assert reach(known) <= reach_allowed("decode_rate")
