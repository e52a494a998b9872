from __future__ import annotations

from dataclasses import replace

import pytest

from bakehouse.measure.cpu_usage import Trouble, Usage
from bakehouse.model.enums import Disturbance, Verdict
from bakehouse.probes.disturbance import disturbed, energy_per_token, raw_usage

CALM = Usage(elapsed=2.0, cores=2, machine=4.0, container=4.0, client=0.0)


def spent(joules: float | None, *, elapsed: float = 2.0) -> Usage:
    return replace(CALM, joules=joules, elapsed=elapsed)


def test_others_and_sensors_disturb() -> None:
    hot = Trouble(kind=Disturbance.HEAT, reason="the card throttled itself")
    assert disturbed(CALM) is None
    assert disturbed(replace(CALM, container=3.0)) == Trouble(
        kind=Disturbance.OTHER_WORK, reason="other processes used 25% of this machine's CPU meanwhile"
    )
    assert disturbed(replace(CALM, trouble=hot)) == hot


def test_time_that_a_hypervisor_took_is_told_from_other_processes() -> None:
    assert disturbed(replace(CALM, container=3.0, stolen=0.8)) == Trouble(
        kind=Disturbance.NEIGHBOURS,
        reason="the hypervisor gave 20% of this machine's CPU to its neighbours meanwhile",
    )


def test_what_makes_a_window_wrong_goes_before_what_makes_it_noisy() -> None:
    foreign = Trouble(reason="other processes computed on the card meanwhile: python3")
    assert disturbed(replace(CALM, container=1.0, trouble=foreign)) == foreign


def test_telemetry_is_kept_where_there_is_some() -> None:
    assert "telemetry" not in raw_usage(CALM)
    assert raw_usage(replace(CALM, telemetry={"cpu_mhz": "unsupported"}))["telemetry"] == {"cpu_mhz": "unsupported"}


def test_energy_is_that_of_all_answers_of_a_start() -> None:
    sample = energy_per_token([(spent(256.0), 128), (spent(384.0), 128)], start=2)
    assert (sample.start, sample.value, sample.verdict) == (2, 2.5, Verdict.PASSED)
    assert sample.raw == {"joules": 640.0, "output_tokens": 256}


@pytest.mark.parametrize(
    ("answers", "reason"),
    [
        ([], "no answer of this start counts"),
        ([(spent(None), 128)], "unsupported: "),
        ([(spent(12.0, elapsed=0.3), 128)], "the answers took less than 1 s"),
        ([(spent(0.0), 128)], "the answers took less than 1 s"),
    ],
    ids=["none", "no counter", "short", "stuck"],
)
def test_energy_that_nobody_tells_is_skipped_and_not_zero(answers: list[tuple[Usage, int]], reason: str) -> None:
    sample = energy_per_token(answers, start=0)
    assert sample.verdict is Verdict.SKIPPED
    assert sample.reason.startswith(reason)
