from __future__ import annotations

from dataclasses import replace

from bakehouse.measure.cpu_usage import Trouble, Usage
from bakehouse.model.enums import Disturbance
from bakehouse.probes.disturbance import disturbed, raw_usage

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
