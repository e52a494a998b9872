"""What the lint found in one file, what it checked and what it did not, since silence would read as approval."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from bakehouse.lint.finding import Finding

Read = Callable[[str], str | None]
"""The text of a file that another one names, relative to it; None where it is not at hand."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Looked:
    """How much of a file was held against the source."""

    options: int = 0
    """CMake options."""
    arguments: int = 0
    """Words of the server's command lines."""
    variables: int = 0
    not_at: tuple[str, ...] = ()
    """What was passed over, in words, with its line."""

    @property
    def anything(self) -> bool:
        return bool(self.options or self.arguments or self.variables)

    def __add__(self, other: Looked) -> Looked:
        return Looked(
            options=self.options + other.options,
            arguments=self.arguments + other.arguments,
            variables=self.variables + other.variables,
            not_at=tuple(dict.fromkeys((*self.not_at, *other.not_at))),
        )


@dataclass(frozen=True, kw_only=True, slots=True)
class Examined:
    file: str
    findings: tuple[Finding, ...]
    looked: Looked
    kind: str
    """`Dockerfile`, `compose file`, ..."""
