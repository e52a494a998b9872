"""What every command is given: folders, environment, clock and terminal. Nothing below takes them from elsewhere."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path

from rich.console import Console
from rich.text import Text

from bakehouse.config.layout import REPORTS


@dataclass(frozen=True, kw_only=True, slots=True)
class Context:
    root: Path
    cache: Path
    environ: Mapping[str, str]
    console: Console
    """Progress and messages: stderr, so that stdout holds nothing but what was asked for."""
    command: tuple[str, ...] = ()
    """The words that were typed, for the report."""
    started: datetime = field(default_factory=lambda: datetime.now(UTC))

    @property
    def reports(self) -> Path:
        return self.root / REPORTS

    def say(self, message: str) -> None:
        """One line for the person who waits."""
        elapsed = (datetime.now(UTC) - self.started).total_seconds()
        self.console.print(Text.assemble((f"{elapsed:7.1f} s  ", "dim"), message), soft_wrap=True)


def default_cache(environ: Mapping[str, str]) -> Path:
    """`BAKEHOUSE_CACHE`, or `bakehouse` in the user's cache folder."""
    if chosen := environ.get("BAKEHOUSE_CACHE"):
        return Path(chosen).expanduser().absolute()
    home = environ.get("XDG_CACHE_HOME") or str(Path(environ.get("HOME", "/root")) / ".cache")
    return Path(home) / "bakehouse"
