from __future__ import annotations

import errno

import pytest
import requests

from bakehouse.engine.container import WillNotStartError
from bakehouse.engine.docker import DockerError
from bakehouse.errors import EngineError
from bakehouse.measure.lease import LeaseTimeoutError
from bakehouse.model.enums import Verdict
from bakehouse.probes import ProbeFailed
from bakehouse.suite.verdicts import NO_MESSAGE, MeasurementVoid, Phase, PhaseReport, combine


def failed(error: BaseException | None, phase: Phase = "call") -> PhaseReport:
    return PhaseReport(phase=phase, outcome="failed", seconds=1.0, error=error, message=str(error or ""))


def passed(phase: Phase) -> PhaseReport:
    return PhaseReport(phase=phase, outcome="passed", seconds=0.5)


@pytest.mark.parametrize(
    ("error", "expected"),
    [
        (ProbeFailed("wrong"), Verdict.FAILED),
        (WillNotStartError("wrong"), Verdict.FAILED),
        (AssertionError("wrong"), Verdict.FAILED),
        (requests.ConnectionError("the server crashed"), Verdict.FAILED),
        (ConnectionRefusedError(errno.ECONNREFUSED, "the server crashed"), Verdict.FAILED),
        (None, Verdict.FAILED),
        (EngineError("gone"), Verdict.ERRORED),
        (DockerError("no space"), Verdict.ERRORED),
        (LeaseTimeoutError("busy"), Verdict.ERRORED),
        (OSError(errno.ENOSPC, "No space left on device"), Verdict.ERRORED),
        (MemoryError(), Verdict.ERRORED),
        (MeasurementVoid("disturbed"), Verdict.VOID),
    ],
)
@pytest.mark.parametrize("phase", ["setup", "call"])
def test_an_infrastructure_error_is_never_a_failure(
    error: BaseException | None, expected: Verdict, phase: Phase
) -> None:
    verdict, _, _ = combine([failed(error, phase)])
    assert verdict is expected


def test_a_test_that_passed_is_not_failed_by_cleaning_up() -> None:
    verdict, message, seconds = combine([passed("setup"), passed("call"), failed(ProbeFailed("odd"), "teardown")])
    assert (verdict, message, seconds) == (Verdict.ERRORED, "odd", 2.0)


def test_the_first_trouble_decides() -> None:
    verdict, message, _ = combine([passed("setup"), failed(ProbeFailed("a")), failed(EngineError("b"), "teardown")])
    assert (verdict, message) == (Verdict.FAILED, "a")


def test_passed_and_skipped() -> None:
    assert combine([passed("setup"), passed("call"), passed("teardown")]) == (Verdict.PASSED, "", 1.5)
    skipped = PhaseReport(phase="setup", outcome="skipped", seconds=0.0, message="no GPU")
    assert combine([skipped, passed("teardown")])[:2] == (Verdict.SKIPPED, "no GPU")


def test_a_failure_always_says_something() -> None:
    assert combine([failed(None)])[1] == NO_MESSAGE
