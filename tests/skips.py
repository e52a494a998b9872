"""Skipped tests are told at the end of a session, and CI lets none pass that could have run.

A test is skipped for what this machine is (no root, an engine of its own), which is no fault of anybody, or because
something could not be had, which in CI (`CI=true`) ends the session as failed: nobody reads its summary.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping

import pytest

OF_THE_MACHINE = (
    "needs root",
    "an engine of this machine answers",
    "an engine answers at Docker's default socket",
    "this system is not Debian's",
)
"""How reasons begin that no installation would take away."""


def reasons(reports: Iterable[pytest.TestReport | pytest.CollectReport]) -> Counter[str]:
    """Of skipped tests and files: how many of each."""
    found: Counter[str] = Counter()
    for report in reports:
        words = report.longrepr[2] if isinstance(report.longrepr, tuple) else str(report.longrepr)
        found[words.removeprefix("Skipped: ")] += 1
    return found


def avoidable(found: Iterable[str]) -> list[str]:
    """Reasons for which a test could have run."""
    return sorted(reason for reason in found if not reason.startswith(OF_THE_MACHINE))


def in_ci(environ: Mapping[str, str]) -> bool:
    return environ.get("CI", "").lower() in ("true", "1")


def lines(found: Counter[str], *, strict: bool) -> Iterator[str]:
    """What the summary says."""
    bad = avoidable(found)
    for reason, count in found.most_common():
        mark = " (this must not be skipped in CI)" if strict and reason in bad else ""
        yield f"{count} test{'s' if count > 1 else ''} did not run: {reason}{mark}"
