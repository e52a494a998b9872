from __future__ import annotations

from dataclasses import replace
from typing import get_args

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bakehouse.model.enums import Change
from bakehouse.model.report import Metric
from bakehouse.stats.direction import CONTROLS, HIGHER_IS_BETTER, higher_is_better, is_judged
from bakehouse.stats.judge import ChangeGates, Pair, Side, group, judge, looks_much_worse

from .noise import QUIET, RECORDED, fit, pair

FAST = ChangeGates(resamples=500)
STEADY = (100.0, 101.0, 99.0, 100.5, 99.5)


def sides(factor: float, *, starts: int = 7, base: int = 7) -> tuple[Side, Side]:
    """Starts that differ a little, so that ranks have something to order."""

    def made(count: int, times: float) -> Side:
        wave = [1 + 0.004 * ((3 * number) % count - count / 2) / count for number in range(count)]
        return Side(starts=tuple(tuple(times * each * value for value in STEADY) for each in wave))

    return made(starts, factor), made(base, 1.0)


def one(factor: float, *, metric: Metric = "decode_rate", starts: int = 7, base: int = 7, mad: float = 0.0) -> Pair:
    candidate, baseline = sides(factor, starts=starts, base=base)
    return Pair(cell="c", workload="tg128", metric=metric, candidate=candidate, baseline=baseline, mad=mad)


@pytest.mark.parametrize(
    ("factor", "rate", "time"),
    [
        (0.90, Change.REGRESS, Change.IMPROVE),
        (1.10, Change.IMPROVE, Change.REGRESS),
        (1.00, Change.PASS, Change.PASS),
        (0.985, Change.PASS, Change.PASS),
    ],
)
def test_direction_is_the_metrics_own(factor: float, rate: Change, time: Change) -> None:
    assert judge([one(factor)])[0].verdict is rate
    assert judge([one(factor, metric="ttft")])[0].verdict is time
    assert judge([one(factor, metric="memory")])[0].verdict is time


def test_reasons_are_for_people() -> None:
    (found,) = judge([one(0.9)])
    assert found.reason.startswith("10.0% worse (")
    (found,) = judge([one(0.985)])
    assert "3.0% would count" in found.reason
    (found,) = judge([one(0.93, starts=3, base=3)])
    assert found.verdict is Change.INCONCLUSIVE
    assert found.reason.endswith("worse is not excluded; 3 starts beside 3 of the baseline show 10% and more")
    (found,) = judge([one(0.8, starts=1)])
    assert found.verdict is Change.INCONCLUSIVE
    assert "one start says nothing" in found.reason


def test_noise_of_the_cells_own_history_raises_the_limit() -> None:
    (found,) = judge([one(0.93, mad=0.03)])
    assert found.verdict is not Change.REGRESS
    assert found.limit == pytest.approx(0.09)


def test_three_starts_beside_a_long_history_can_show_it() -> None:
    assert judge([one(0.9, starts=3, base=24)])[0].verdict is Change.REGRESS


def test_void_and_nothing_to_compare_with() -> None:
    good = one(1.0)
    half = replace(good.candidate, void=36, reason="other processes used the CPU")
    none = Side(starts=())
    found = judge(
        [
            replace(good, candidate=half),
            replace(good, candidate=none),
            replace(good, baseline=none, missing="no run on this machine"),
            replace(good, baseline=none),
            good,
        ]
    )
    assert [each.verdict for each in found] == [
        Change.VOID,
        Change.VOID,
        Change.INCONCLUSIVE,
        Change.INCONCLUSIVE,
        Change.PASS,
    ]
    assert found[0].reason == "36 of 71 samples are void; the last: other processes used the CPU"
    assert [each.reason for each in found[1:4]] == [
        "no sample was taken",
        "no run on this machine",
        "the baseline has no sample that counts",
    ]


def test_what_cannot_be_judged_does_not_make_the_others_harder_to_show() -> None:
    alone = judge([one(0.9)])[0]
    versus = judge([one(0.9), *[replace(one(1.0), candidate=Side(starts=()))] * 50])[0]
    assert alone.adjusted == versus.adjusted


def test_more_metrics_need_more_evidence() -> None:
    assert judge([one(0.93)])[0].verdict is Change.REGRESS
    found = judge([one(0.93), *[one(1.0)] * 50])
    assert found[0].verdict is Change.INCONCLUSIVE
    assert found[0].reason.endswith("show 10% and more among 51 metrics")


@pytest.mark.parametrize("starts", [2, 3, 4])
def test_few_starts_show_a_large_change(starts: int) -> None:
    """Nobody may miss 20 % because no order of three values is significant."""
    verdicts = {factor: judge([one(factor, starts=starts, base=3)])[0].verdict for factor in (0.8, 0.93, 1.0, 1.3)}
    assert verdicts[0.8] is Change.REGRESS
    assert verdicts[0.93] is Change.INCONCLUSIVE
    assert verdicts[1.0] is not Change.REGRESS
    assert verdicts[1.3] is Change.IMPROVE


def test_few_starts_that_scatter_show_nothing() -> None:
    wide = Side(starts=((100.0,), (70.0,), (85.0,)))
    assert judge([replace(one(1.0, base=3), candidate=wide)])[0].verdict is Change.INCONCLUSIVE


@pytest.mark.parametrize("name", QUIET)
def test_few_starts_of_recorded_noise_raise_no_false_alarm_and_find_a_fifth(name: str) -> None:
    noise, chance = fit(RECORDED[name]), np.random.default_rng(4)
    same = [judge([pair(noise, chance, starts=3)], FAST)[0].verdict for _ in range(100)]
    slow = [judge([pair(noise, chance, starts=3, factor=0.8)], FAST)[0].verdict for _ in range(100)]
    assert Change.REGRESS not in same
    assert slow.count(Change.REGRESS) > 90


def test_goodput_that_fell_to_zero_is_a_regression() -> None:
    nothing = Side(starts=((0.0,),) * 7)
    (found,) = judge([replace(one(1.0, metric="goodput"), candidate=nothing)])
    assert found.verdict is Change.REGRESS
    assert found.reason.startswith("100.0% worse")
    (found,) = judge([replace(one(1.0, metric="goodput"), candidate=nothing, baseline=nothing)])
    assert found.verdict is Change.PASS


@settings(max_examples=25)
@given(st.integers(0, 10_000), st.sampled_from([0.95, 1.0, 1.05]), st.sampled_from([2.0**-10, 8.0, 2.0**20]))
def test_order_and_unit_change_no_verdict(seed: int, factor: float, unit: float) -> None:
    drawn = pair(fit(RECORDED["cpu-blas tg128 decode_rate"]), np.random.default_rng(seed), factor=factor)

    def turned(side: Side) -> Side:
        return Side(starts=tuple(tuple(unit * value for value in reversed(start)) for start in reversed(side.starts)))

    other = replace(drawn, candidate=turned(drawn.candidate), baseline=turned(drawn.baseline))
    (before,), (after,) = judge([drawn], FAST), judge([other], FAST)
    assert (before.verdict, before.p, before.reason) == (after.verdict, after.p, after.reason)


def test_no_false_alarm_and_no_slowdown_missed() -> None:
    """The small version of benchmarks/verdicts.py."""
    alarms = found = 0
    for number, name in enumerate(QUIET):
        chance, noise = np.random.default_rng(number), fit(RECORDED[name])
        alarms += sum(judge([pair(noise, chance)], FAST)[0].verdict is Change.REGRESS for _ in range(100))
        found += sum(judge([pair(noise, chance, factor=0.95)], FAST)[0].verdict is Change.REGRESS for _ in range(100))
    assert alarms <= 2
    assert found >= 190


def test_great_noise_gives_no_false_alarm_either() -> None:
    chance, noise = np.random.default_rng(5), fit(RECORDED["cpu-blas pp512 prompt_rate"])
    verdicts = [judge([pair(noise, chance)], FAST)[0].verdict for _ in range(100)]
    assert verdicts.count(Change.REGRESS) <= 2
    assert verdicts.count(Change.INCONCLUSIVE) > 50


@pytest.mark.parametrize(
    ("size", "verdict"), [(100.0, Change.PASS), (102.0, Change.PASS), (104.0, Change.REGRESS), (90.0, Change.IMPROVE)]
)
def test_a_size_needs_no_second_look(size: float, verdict: Change) -> None:
    before = Side(starts=((100.0,),))
    found = Pair(cell="c", workload="image", metric="image_size", candidate=Side(starts=((size,),)), baseline=before)
    (judged,) = judge([found])
    assert judged.verdict is verdict
    assert judged.p is None


def test_every_metric_has_a_direction() -> None:
    """A new metric is put where it belongs here, and where it is one of those of which more is better, there."""
    lower = {
        *("ttft", "ttft_p90", "ttft_p99", "itl", "itl_p90", "itl_p99", "tpot", "tpot_p90", "tpot_p99"),
        *(
            "latency",
            "latency_p90",
            "latency_p99",
            "port_open",
            "time_to_healthy",
            "first_token",
            "first_answer",
            "steady",
        ),
        *(
            "create",
            "added_latency",
            "image_size",
            "memory",
            "energy_per_token",
            "energy_per_prompt_token",
            "energy_per_unit",
        ),
    }
    assert set(get_args(Metric)) == HIGHER_IS_BETTER | CONTROLS | lower
    assert not is_judged("client_to_server")
    assert higher_is_better("goodput")
    assert not higher_is_better("memory")


def test_values_are_grouped_by_start() -> None:
    assert group([(1, 5.0), (0, 1.0), (1, 6.0)]) == ((1.0,), (5.0, 6.0))


def noisy(side: Side, low: float, high: float) -> Side:
    return replace(side, noisy="4 of 5 samples: other processes used 60% of this machine's CPU", low=low, high=high)


@pytest.mark.parametrize("factor", [0.3, 0.9, 1.0, 1.5])
@pytest.mark.parametrize("who", ["candidate", "baseline"])
def test_a_noisy_figure_raises_no_alarm(factor: float, who: str) -> None:
    exact = one(factor)
    if who == "candidate":
        pair = replace(exact, candidate=noisy(exact.candidate, 90 * factor, 110 * factor))
    else:
        pair = replace(exact, baseline=noisy(exact.baseline, 90, 110))
    (found,) = judge([pair])
    assert found.verdict in (Change.PASS, Change.INCONCLUSIVE)
    assert found.p is None
    assert "noisy: 4 of 5 samples: other processes used 60%" in found.reason
    assert ("the baseline is noisy" in found.reason) == (who == "baseline")


def test_a_noisy_figure_passes_only_where_its_interval_allows_nothing_worse() -> None:
    pair = one(1.0)
    narrow = judge([replace(pair, candidate=noisy(pair.candidate, 99, 101))])[0]
    wide = judge([replace(pair, candidate=noisy(pair.candidate, 80, 101))])[0]
    assert (narrow.verdict, wide.verdict) == (Change.PASS, Change.INCONCLUSIVE)
    assert wide.effect
    assert wide.effect.low < 0.81
    assert "a noisy figure raises no alarm" in wide.reason


def test_noisy_figures_do_not_make_it_harder_to_show_something_of_exact_ones() -> None:
    slow = one(0.95)
    beside = [replace(one(1.0), candidate=noisy(one(1.0).candidate, 80, 120)) for _ in range(60)]
    assert judge([slow, *beside])[0].verdict is Change.REGRESS


def disturbed(factor: float, *, starts: int = 3, metric: Metric = "decode_rate") -> Pair:
    side = Side(starts=((100.0 * factor,),) * starts, noisy="other work", low=90.0 * factor, high=110.0 * factor)
    return replace(one(1.0, metric=metric), candidate=side)


@pytest.mark.parametrize(
    ("pair", "looks"),
    [
        (disturbed(0.6), True),
        (disturbed(0.8), False),
        (disturbed(2.0), False),
        (disturbed(0.6, starts=1), False),
        (disturbed(2.0, metric="time_to_healthy"), False),
        (one(0.6), False),
    ],
    ids=["at its best 34 % worse", "at its best 12 % worse", "better", "one start", "no rate", "shown to be worse"],
)
def test_what_looks_much_worse_is_told_from_what_is(pair: Pair, looks: bool) -> None:
    assert looks_much_worse(judge([pair], FAST)[0]) == looks
