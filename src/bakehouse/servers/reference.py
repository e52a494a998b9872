"""A benchmark program that lies in the server's image and needs no server: an ability of families that have one."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Any, Protocol

if TYPE_CHECKING:  # a plan asks families of servers, and needs no reports
    from bakehouse.model.report import CellReport, Measurement, RunReport


@dataclass(frozen=True, kw_only=True, slots=True)
class Timed:
    """What the program measured of one workload."""

    prompt_tokens: int
    """0: an answer to nothing."""
    output_tokens: int
    """0: a prompt without an answer."""
    rates: tuple[float, ...]
    """Tokens per second, of each repetition."""
    about: dict[str, Any]
    """What else it said, kept with the first sample."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Recorded:
    """One test of a file that somebody wrote with the program."""

    prompt_tokens: int
    output_tokens: int
    depth: int
    """Tokens that the cache held before."""
    rates: tuple[Any, ...]
    """As the file has them; what is no number is left out by the reader."""
    settings: Mapping[str, Any]
    cpu: str
    gpu: str
    """Empty where it says none."""
    time: datetime | None
    revision: str


class ReferenceTool(Protocol):
    @property
    def program(self) -> str:
        """Its file name, beside the server's program; also its name for people and for `--format`."""
        ...

    def arguments(
        self, model: str, *, prompts: Sequence[int], answers: Sequence[int], pinned: Mapping[str, str], repetitions: int
    ) -> tuple[str, ...]:
        """What it is told so that it does what the server does: tokens of prompts and of answers, and what the server
        was told (`Server.pinned_arguments`).
        """
        ...

    def timed(self, output: str) -> list[Timed]:
        """What it measured, from all that was printed."""
        ...

    def is_of(self, document: Any) -> bool:
        """Whether a JSON document is a test that it wrote, or a list of them."""
        ...

    def recorded(self, document: Any) -> Iterator[Recorded]:
        """The tests of a JSON document. ValueError, in words that follow a file's name, where one is broken."""
        ...

    def record(self, run: RunReport, cell: CellReport, measurement: Measurement) -> dict[str, Any] | None:
        """A measurement as the program itself would write it; None where it cannot say it."""
        ...
