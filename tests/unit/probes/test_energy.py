from __future__ import annotations

import pytest

from bakehouse.measure.cpu_usage import Usage
from bakehouse.model.enums import Verdict
from bakehouse.probes.energy import MOST, Spent, add_up, energy_per_unit


def spent(joules: float | None, *, elapsed: float = 1.0) -> Usage:
    return Usage(elapsed=elapsed, cores=2, machine=1.0, container=1.0, client=0.0, joules=joules)


def test_energy_is_that_of_all_answers_of_a_start() -> None:
    sample = energy_per_unit([(spent(256.0), 128), (spent(384.0), 128)], start=2)
    assert (sample.start, sample.value, sample.verdict) == (2, 2.5, Verdict.PASSED)
    assert sample.raw == {"joules": 640.0, "output_tokens": 256}


def test_short_answers_are_added_up() -> None:
    """A card of 700 W that writes 128 tokens in 170 ms: the counter stood still in one of them."""
    answers: list[Spent] = [(spent(joules, elapsed=0.17), 128) for joules in (70.0, 0.0, 140.0, 70.0, 70.0, 70.0)]
    sample = energy_per_unit(answers, start=0, of="prompt_tokens")
    assert sample.value == pytest.approx(420 / (6 * 128))
    assert sample.raw == {"joules": 420.0, "prompt_tokens": 768}


@pytest.mark.parametrize(
    ("answers", "reason"),
    [
        ([], "no answer of this start counts"),
        ([(spent(None), 128)], "unsupported: "),
        ([(spent(12.0, elapsed=0.3), 128)], "the answers took less than 1 s together"),
        ([(spent(0.0), 128)], "the answers took less than 1 s together, or the counter did not move"),
    ],
    ids=["none", "no counter", "short", "stuck"],
)
def test_energy_that_nothing_tells_is_skipped_and_not_zero(answers: list[Spent], reason: str) -> None:
    sample = energy_per_unit(answers, start=0)
    assert sample.verdict is Verdict.SKIPPED
    assert sample.reason.startswith(reason)


def more(*, joules: float | None = 10.0, elapsed: float = 0.1) -> Spent:
    return spent(joules, elapsed=elapsed), 128


def test_it_asks_again_until_the_counter_has_moved_enough() -> None:
    answers = [more()]
    add_up(answers, more, is_over=lambda: False)
    assert 10 <= len(answers) <= 11
    assert energy_per_unit(answers, start=0).verdict is Verdict.PASSED


@pytest.mark.parametrize("joules", [None])
def test_without_a_counter_nothing_more_is_asked(joules: float | None) -> None:
    answers = [more(joules=joules)]
    add_up(answers, more, is_over=lambda: False)
    assert len(answers) == 1


def test_it_ends_with_the_time_with_a_failure_and_with_a_counter_that_stands_still() -> None:
    over, failed, stuck = [more()], [more()], [more(joules=0.0, elapsed=2.0)]
    add_up(over, more, is_over=lambda: True)
    add_up(failed, lambda: None, is_over=lambda: False)
    add_up(stuck, lambda: more(joules=0.0), is_over=lambda: False)
    assert (len(over), len(failed), len(stuck)) == (1, 1, 1 + MOST)
