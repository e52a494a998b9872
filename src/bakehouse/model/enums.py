"""The closed sets of the vocabulary."""

from __future__ import annotations

from enum import StrEnum


class AcceleratorName(StrEnum):
    CPU = "cpu"
    CUDA = "cuda"
    ROCM = "rocm"
    XPU = "xpu"
    VULKAN = "vulkan"


class Verdict(StrEnum):
    """The result of a cell, a check, a test or a measurement."""

    PASSED = "passed"
    FAILED = "failed"
    """The image is wrong."""
    ERRORED = "errored"
    """The infrastructure is: no judgement about the image."""
    SKIPPED = "skipped"
    """Not tried, with a reason."""
    VOID = "void"
    """A measurement that may not count, with a reason."""

    @property
    def is_final(self) -> bool:
        """Whether a resumed run keeps it: an infrastructure error is tried again."""
        return self in (Verdict.PASSED, Verdict.FAILED)


SEVERITY = (Verdict.FAILED, Verdict.ERRORED, Verdict.VOID, Verdict.SKIPPED, Verdict.PASSED)
"""Worst first."""


def worst(verdicts: list[Verdict]) -> Verdict:
    """The verdict of a whole from those of its parts; of no parts: skipped, never passed."""
    return next((verdict for verdict in SEVERITY if verdict in verdicts), Verdict.SKIPPED)


class Grade(StrEnum):
    """What a figure is worth."""

    EXACT = "exact"
    """The gates held."""
    NOISY = "noisy"
    """Right, with a wide interval: shown and recorded, and no alarm comes of it alone."""
    VOID = "void"
    """Known to be wrong: never averaged in."""


class Disturbance(StrEnum):
    """Why a figure is noisy; the value is the word for people."""

    OTHER_WORK = "other work on this machine"
    NEIGHBOURS = "neighbours of this machine"
    """A hypervisor gave its processor to other guests: stolen time."""
    HEAT = "throttled for heat or power"
    LATE_CLIENT = "the load client was late"
    COLD = "no time for whole repetitions"
    NO_TIME = "no time was left"
    CLOCKS = "llama-bench differs, within what both scatter"
    SCATTER = "wide scatter, no cause was seen"
    FEW_STARTS = "too few container starts"
    ELSEWHERE = "nobody watched the server's machine"
    """Somebody else started it."""
    UNWATCHED = "nothing tells who else used the card"
    """Its driver keeps no account of processes: what nobody could see is not taken for idle."""


class Change(StrEnum):
    """How a metric compares with its baseline."""

    PASS = "pass"  # noqa: S105 - a verdict
    """Nothing worse than the limit can be hidden in it."""
    REGRESS = "regress"
    IMPROVE = "improve"
    INCONCLUSIVE = "inconclusive"
    """It may be worse, or not: more starts would tell. Or there is nothing to compare with."""
    VOID = "void"
    """What was measured may not count."""
