"""From what pytest says of one test to our verdict. Pure, because everything else about pytest is hard to test."""

from __future__ import annotations

import errno
from dataclasses import dataclass
from typing import Literal

from bakehouse.errors import InfrastructureError
from bakehouse.model.enums import Verdict

Phase = Literal["setup", "call", "teardown"]
Outcome = Literal["passed", "failed", "skipped"]

_FULL = (errno.ENOSPC, errno.EDQUOT, errno.EMFILE, errno.ENFILE, errno.ENOMEM, errno.EIO, errno.EROFS)

NO_MESSAGE = "it failed without a message"


class MeasurementVoid(Exception):  # noqa: N818 - a verdict, not a malfunction
    """All samples of a metric are void. Raised by the fixture that records measurements."""


@dataclass(frozen=True, kw_only=True, slots=True)
class PhaseReport:
    """One phase of one test."""

    phase: Phase
    outcome: Outcome
    seconds: float
    error: BaseException | None = None
    message: str = ""
    """For `skipped` the reason; for `failed` what a person should read."""


def verdict(phase: PhaseReport) -> Verdict:
    """Judge one phase.

    An InfrastructureError says nothing about the image, wherever it is raised. Any other error is the image's (probes
    raise ProbeFailed, a test asserts), except in teardown, when the test had already been judged.
    """
    if phase.outcome == "passed":
        return Verdict.PASSED
    if phase.outcome == "skipped":
        return Verdict.SKIPPED
    if isinstance(phase.error, MeasurementVoid):
        return Verdict.VOID
    if isinstance(phase.error, InfrastructureError) or _machine_is_full(phase.error) or phase.phase == "teardown":
        return Verdict.ERRORED
    return Verdict.FAILED


def _machine_is_full(error: BaseException | None) -> bool:
    """Whether this machine, not the image, ran out of something. (A refused connection is an OSError, too.)"""
    return isinstance(error, MemoryError) or (isinstance(error, OSError) and error.errno in _FULL)


def combine(phases: list[PhaseReport]) -> tuple[Verdict, str, float]:
    """Verdict, message and seconds of a whole test: the first phase that is not passed decides."""
    seconds = sum(phase.seconds for phase in phases)
    decisive = next((phase for phase in phases if phase.outcome != "passed"), None)
    if decisive is None:
        return Verdict.PASSED, "", seconds
    return verdict(decisive), decisive.message or NO_MESSAGE, seconds
