"""From problems found to a check's verdict."""

from __future__ import annotations

from collections.abc import Sequence

from bakehouse.model.enums import Verdict
from bakehouse.model.report import Check

MOST_DETAILS = 60
"""Lines that a report keeps of one check."""


def judge(name: str, problems: Sequence[str], *, passed: str, notes: Sequence[str] = ()) -> Check:
    """Failed with the first problem as the message, or passed. Notes are details that do not count against it."""
    if not problems:
        return Check(name=name, verdict=Verdict.PASSED, message=passed, details=_few(notes))
    more = f" (and {len(problems) - 1} more)" if len(problems) > 1 else ""
    details = list(problems) if len(problems) > 1 else []
    return Check(name=name, verdict=Verdict.FAILED, message=f"{problems[0]}{more}", details=_few([*details, *notes]))


def skip(name: str, reason: str) -> Check:
    return Check(name=name, verdict=Verdict.SKIPPED, message=reason)


def size_text(size: int) -> str:
    return f"{size / 2**20:.1f} MiB" if size >= 1 << 20 else f"{size / 2**10:.1f} KiB"


def _few(lines: Sequence[str]) -> list[str]:
    if len(lines) <= MOST_DETAILS:
        return list(lines)
    return [*lines[:MOST_DETAILS], f"... and {len(lines) - MOST_DETAILS} more"]
