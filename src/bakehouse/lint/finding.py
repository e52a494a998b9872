"""One finding of the lint: about an option or another word."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from bakehouse.errors import Where
from bakehouse.lint.settings import Setting, Word


class Severity(StrEnum):
    ERROR = "error"
    """It breaks something, or does not do what it says."""
    WARNING = "warning"
    """It does harm in an image, or costs something for nothing."""
    NOTE = "note"
    """Worth knowing."""


ALWAYS = 0
"""Since which build something is so that no revision sees differently."""

RANK = {Severity.ERROR: 0, Severity.WARNING: 1, Severity.NOTE: 2}


@dataclass(frozen=True, kw_only=True, slots=True)
class Finding:
    severity: Severity
    where: Where
    subject: str
    """The option as it was written: `-DWITH_CUDA=ON`."""
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


def finding(
    word: Word | Setting,
    what: str,
    why: str,
    instead: str,
    *,
    subject: str | None = None,
    severity: Severity = Severity.ERROR,
    link: str | None = None,
    by_revision: bool = False,
    since_build: int | None = None,
) -> Finding:
    """About a word, or a setting: `subject` is how it is written where it stands, `-DNAME=VALUE` by default.

    `since_build`: only of revisions from this build number on, at the latest.
    """
    return Finding(
        severity=severity,
        where=word.where,
        subject=subject or (word.text if isinstance(word, Word) else word.as_option),
        what=what,
        why=why,
        instead=instead,
        link=link,
        by_revision=by_revision or since_build is not None,
        since_build=since_build,
    )


def in_order(findings: Iterable[Finding]) -> tuple[Finding, ...]:
    """By file and line, each once: a flag set that several recipes use is reported once."""
    return tuple(
        sorted(
            dict.fromkeys(findings),
            key=lambda one: (one.where.file, one.where.line or 0, RANK[one.severity], one.subject, one.what),
        )
    )
