"""What the lint has to say about one option."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from bakehouse.errors import Where


class Severity(StrEnum):
    ERROR = "error"
    """It breaks something, or does not do what it says."""
    WARNING = "warning"
    """It does harm in an image, or costs something for nothing."""
    NOTE = "note"
    """Worth knowing."""


RANK = {Severity.ERROR: 0, Severity.WARNING: 1, Severity.NOTE: 2}


@dataclass(frozen=True, kw_only=True, slots=True)
class Finding:
    severity: Severity
    where: Where
    subject: str
    """The option as it was written: `-DGGML_CUDA_F16=ON`."""
    what: str
    """What is the matter, in a few words."""
    why: str = ""
    instead: str = ""
    """What to write."""
    link: str | None = None
    by_revision: bool = False
    """Whether another revision of the source may see it differently."""
    since_build: int | None = None
    """The build number from which on it is so for certain, where that is known."""

    def as_data(self) -> dict[str, Any]:
        """For programs. Keys are stable."""
        return {
            "severity": str(self.severity),
            "file": self.where.file,
            "line": self.where.line,
            "key": self.where.key,
            "subject": self.subject,
            "what": self.what,
            "why": self.why,
            "instead": self.instead,
            "link": self.link,
        }


def in_order(findings: Iterable[Finding]) -> tuple[Finding, ...]:
    """By file and line, each once: a flag set that several recipes use is told of once."""
    return tuple(
        sorted(
            dict.fromkeys(findings),
            key=lambda one: (one.where.file, one.where.line or 0, RANK[one.severity], one.subject, one.what),
        )
    )
