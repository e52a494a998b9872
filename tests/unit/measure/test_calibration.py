from __future__ import annotations

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from bakehouse.measure.calibration import CLIENT_GATE, DECODE_GATE, Agreement, ClockPair, agreement

RATES = st.floats(min_value=0.5, max_value=1e5)
STARTS = st.dictionaries(st.integers(0, 9), st.lists(RATES, min_size=1, max_size=6), min_size=1, max_size=8)
BENCH = ClockPair.SERVER_REFERENCE


def held(*ratios: float, pair: ClockPair = BENCH, gate: float = DECODE_GATE) -> Agreement:
    ours = {start: [100.0 * ratio] for start, ratio in enumerate(ratios)}
    return agreement("tg128", pair, ours, {start: [100.0] for start in ours}, gate=gate)


@given(STARTS)
def test_the_same_figures_agree(rates: dict[int, list[float]]) -> None:
    found = agreement("tg128", BENCH, rates, rates, gate=DECODE_GATE)
    assert found.ratio == 1
    assert not found.disagrees
    assert found.reason() == ""


@given(STARTS, STARTS)
def test_who_is_held_against_whom_does_not_change_the_direction(
    one: dict[int, list[float]], other: dict[int, list[float]]
) -> None:
    forth, back = (agreement("x", BENCH, *sides, gate=0.01) for sides in ((one, other), (other, one)))
    assert forth.ratios.keys() == back.ratios.keys() == one.keys() & other.keys()
    for start, ratio in forth.ratios.items():
        assert ratio * back.ratios[start] == pytest.approx(1)


@given(STARTS, st.floats(min_value=0.9, max_value=1.1).filter(lambda factor: abs(abs(factor - 1) - DECODE_GATE) > 1e-6))
def test_a_factor_on_all_figures_is_found_exactly(rates: dict[int, list[float]], factor: float) -> None:
    faster = {start: [factor * rate for rate in taken] for start, taken in rates.items()}
    found = agreement("tg128", BENCH, faster, rates, gate=DECODE_GATE)
    assert found.ratio == pytest.approx(factor)
    assert found.disagrees == (abs(factor - 1) > DECODE_GATE)
    assert bool(found.reason()) == found.disagrees
    assert found.contradicts + found.is_scattered == found.disagrees


@given(STARTS, st.lists(st.sampled_from([0.0, -1.0]), max_size=3))
def test_what_is_no_rate_does_not_count(rates: dict[int, list[float]], broken: list[float]) -> None:
    spoilt = {start: [*taken, *broken] for start, taken in rates.items()}
    assert agreement("x", BENCH, spoilt, rates, gate=0.01).ratio == 1


def test_starts_without_a_partner_and_empty_ones_stand_aside() -> None:
    found = agreement("x", BENCH, {0: [1.0], 1: [], 2: [3.0]}, {1: [1.0], 2: [3.0], 3: [9.0]}, gate=0.01)
    assert found.ratios == {2: 1.0}


def test_without_a_pair_nothing_is_said_to_be_wrong() -> None:
    found = agreement("tg128", BENCH, {0: [1.0]}, {}, gate=0.01)
    assert (found.ratio, found.disagrees, found.reason()) == (None, False, "")
    assert found.describe() == "tg128: the server's timings and llama-bench could not be held side by side"


def test_one_start_that_is_off_is_outvoted() -> None:
    assert not held(1.0, 1.01, 1.5).disagrees


@given(STARTS, st.floats(min_value=-0.01, max_value=0.01))
def test_own_work_excuses_who_is_slower_by_it_and_nobody_who_is_quicker(
    rates: dict[int, list[float]], later: float
) -> None:
    assume(all(1 / rate + later > 0 for taken in rates.values() for rate in taken))  # quicker than at once is nobody
    slower = {start: [1 / (1 / rate + later) for rate in taken] for start, taken in rates.items()}
    strict, mild = (agreement("x", BENCH, slower, rates, gate=0.01, allowed=allowed) for allowed in (0.0, 0.05))
    assert not mild.disagrees or strict.disagrees
    if strict.disagrees and later > 0:
        assert not mild.disagrees
    if later <= 0:
        assert mild.disagrees == strict.disagrees


def test_a_disagreement_says_which_pair_and_how_far() -> None:
    assert held(0.9, 0.91, 0.92).reason() == (
        "tg128: by the server's timings it is 9 % lower than by llama-bench (3 starts, -10 % to -8 %; 3 % allowed). "
        "They did not do the same: look in both logs for the device, threads, batch sizes and flash attention, in the "
        "recipe's arguments for what llama-bench is not told, and at the cost of sampling"
    )


def test_starts_that_differ_among_themselves_show_nothing_to_be_wrong() -> None:
    found = held(1.0, 0.8, 0.7)
    assert found.disagrees
    assert found.is_scattered
    assert found.reason().endswith("Both scatter by as much, so neither is shown to be wrong")


def test_starts_that_all_differ_by_the_same_are_a_contradiction() -> None:
    assert held(0.9, 0.91, 0.92).contradicts


def test_five_to_eleven_percent_on_a_shared_machine_is_scatter() -> None:
    assert held(0.89, 0.95, 0.94).is_scattered


def test_with_two_starts_the_figures_of_both_sides_must_be_apart() -> None:
    theirs = {0: [99.0, 101.0], 1: [100.0, 102.0]}
    apart = agreement("tg128", BENCH, {0: [90.0, 91.0], 1: [89.0, 92.0]}, theirs, gate=DECODE_GATE)
    assert apart.contradicts
    mixed = agreement("tg128", BENCH, {0: [90.0, 91.0], 1: [88.0, 100.0]}, theirs, gate=DECODE_GATE)
    assert mixed.is_scattered
    assert mixed.range_of(0) == (88.0, 100.0)


def test_one_figure_on_each_side_says_nothing_of_scatter() -> None:
    assert held(0.5).is_scattered


def test_figures_that_were_taken_beside_other_work_prove_nothing_wrong() -> None:
    same = {0: [100.0, 100.0], 1: [100.0, 100.0], 2: [100.0, 100.0]}
    half = {start: [50.0, 50.0] for start in same}
    assert agreement("tg128", BENCH, half, same, gate=DECODE_GATE).contradicts
    assert agreement("tg128", BENCH, half, same, gate=DECODE_GATE, is_disturbed=True).is_scattered


def test_a_client_that_lags_is_suspected_first() -> None:
    reason = held(0.97, 0.97, 0.97, pair=ClockPair.CLIENT_SERVER, gate=CLIENT_GATE).reason()
    assert reason.startswith("tg128: by the client's clock it is 3 % lower than by the server's timings (3 starts")
    assert "client.lag_s" in reason
