from __future__ import annotations

from dataclasses import replace

import pytest

from bakehouse.engine.container import Stopped
from bakehouse.probes import ProbeFailed, stopping
from tests.doubles.fake_server import Behaviour, fake_server
from tests.unit.probes.test_health import ENDED, HEALTH, FakeContainer


@pytest.mark.parametrize("exit_code", [0, 143])
def test_a_clean_end_after_sigterm(exit_code: int) -> None:
    stopped = Stopped(seconds=0.1, in_time=True, state=replace(ENDED, exit_code=exit_code))
    assert stopping.stops(FakeContainer(stopped=stopped), HEALTH) is stopped


@pytest.mark.parametrize(
    ("stopped", "message"),
    [
        (Stopped(seconds=1.0, in_time=False, state=replace(ENDED, exit_code=137)), "ignored SIGTERM for 1 s"),
        (Stopped(seconds=0.1, in_time=True, state=replace(ENDED, exit_code=134)), "status 134 instead of 0 or 143"),
    ],
)
def test_an_unclean_end_after_sigterm(stopped: Stopped, message: str) -> None:
    with pytest.raises(ProbeFailed, match=message):
        stopping.stops(FakeContainer(stopped=stopped), HEALTH)


def test_a_client_of_a_server_that_stops_hangs_up_when_it_hears_nothing() -> None:
    stopped = Stopped(seconds=0.1, in_time=True, state=ENDED)
    with fake_server(Behaviour(events=[b'data: {"content":"a"}\n\n', 0.4])) as url:
        found = stopping.stops_while_answering(FakeContainer(url=url, stopped=stopped), HEALTH, patience=0.2)
    assert found is stopped


def test_a_server_that_cannot_answer_cannot_be_stopped_while_it_does() -> None:
    with pytest.raises(ProbeFailed, match="did not begin to answer"):
        stopping.stops_while_answering(FakeContainer(), HEALTH)
