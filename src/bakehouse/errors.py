"""Every error that a user can meet, and the exit code it ends the program with.

A message says what is wrong, where (file, line, key path) and what to do. Anything that is raised and is not
one of these is a bug: the program ends with `ExitCode.BUG` and leaves a log that can be pasted into an issue.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import IntEnum


class ExitCode(IntEnum):
    """What the process returns. Scripts and CI depend on these numbers."""

    OK = 0
    CELL_FAILED = 1
    BAD_INPUT = 2
    BUG = 3
    INFRASTRUCTURE = 4
    INTERRUPTED = 130
    """128 + SIGINT, as shells say it."""
    TERMINATED = 143
    """128 + SIGTERM."""


LONGEST_KEY = 100
"""Characters of a key that an error repeats."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Where:
    """A place in a file that a person wrote. Lines count from 1."""

    file: str
    line: int | None = None
    path: tuple[str | int, ...] = ()
    """Keys and list positions from the top of the file."""

    @property
    def key(self) -> str:
        """`exclude[0].when`"""
        text = ""
        for part in self.path:
            text += f"[{part}]" if isinstance(part, int) else f".{_shown(part)}" if text else _shown(part)
        return text

    def __str__(self) -> str:
        place = f"{self.file}:{self.line}" if self.line is not None else self.file
        return f"{place}: {self.key}" if self.path else place


def in_plain_sight(text: str) -> str:
    """A text without characters that a terminal would obey or hide, whichever library or file they come from."""
    if text.isprintable():
        return text
    return "".join(one if one.isprintable() or one in "\n\t" else ascii(one)[1:-1] for one in text)


def _shown(key: str) -> str:
    """A key without characters that a terminal would obey, and not longer than a line."""
    text = key if key.isprintable() else ascii(key)
    return text if len(text) <= LONGEST_KEY else f"{text[:LONGEST_KEY]}..."


class BakehouseError(Exception):
    """Base of all errors that are shown without a traceback."""

    exit_code: ExitCode = ExitCode.INFRASTRUCTURE

    def __init__(self, message: str, *, hint: str | None = None, where: Where | None = None) -> None:
        self.message = in_plain_sight(message)
        self.hint = in_plain_sight(hint) if hint else hint
        self.where = where
        super().__init__(self.message)

    def __str__(self) -> str:
        text = f"{self.where}: {self.message}" if self.where else self.message
        return f"{text}\n  {self.hint}" if self.hint else text


class InputError(BakehouseError):
    """What a person wrote (a file, an option) cannot be used. Nothing was done."""

    exit_code = ExitCode.BAD_INPUT


MOST_TOLD = 50
"""Different errors that one message tells: what follows is mostly the same again."""


class InputErrors(InputError):  # noqa: N818 - the plural is the point
    """Several input errors at once, so that a file can be corrected at once."""

    def __init__(self, errors: list[InputError]) -> None:
        texts = list(dict.fromkeys(str(error) for error in errors))
        more = [f"and {len(texts) - MOST_TOLD:,} more"] if len(texts) > MOST_TOLD else []
        super().__init__("\n".join([*texts[:MOST_TOLD], *more]))
        self.errors = errors


class InfrastructureError(BakehouseError):
    """The engine, the network, the disk or another tool failed: no judgement about any image."""


class EngineError(InfrastructureError):
    """No usable Docker engine, or it went away."""


class SupplyError(InfrastructureError):
    """A base, a source or a model could not be had from any place of its chain."""


class Interrupted(BakehouseError):  # noqa: N818 - nothing is wrong
    """Ctrl-C or SIGTERM. What had finished is kept; the next run resumes."""

    exit_code = ExitCode.INTERRUPTED
