"""What every command is given: folders, environment, clock and terminal. Nothing below takes them from elsewhere."""

from __future__ import annotations

import os
from collections.abc import Mapping
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path

from rich.console import Console
from rich.text import Text

from bakehouse.config.load import Project, load_project
from bakehouse.engine.connect import connect
from bakehouse.engine.connection import Engine
from bakehouse.errors import InfrastructureError, InputError
from bakehouse.model.cell import Resolution
from bakehouse.planning.resolve import resolve
from bakehouse.system import process


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
        return self.root / "reports"

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


def open_project(root: Path) -> tuple[Project, Resolution]:
    """Read the files and resolve the matrix. Errors carry the lines they come from."""
    project = load_project(root)
    try:
        return project, resolve(project.world)
    except InputError as error:
        raise project.pinpoint(error) from None


def open_engine(context: Context, *, install: bool) -> AbstractContextManager[Engine]:
    """The engine of this machine, or the embedded one with the project's settings."""
    settings = context.root / "buildkit" / "daemon.json"
    return connect(
        cache=context.cache,
        environ=context.environ,
        say=context.say,
        allow_install=install,
        settings=settings if settings.exists() else None,
    )


def revision(root: Path) -> str:
    """Git commit of the project, with `-dirty` where files differ from it (results do not count); empty without git."""
    try:
        head = process.run(
            ["git", "-C", str(root), "rev-parse", "HEAD"], env=dict(os.environ), timeout=10
        ).stdout.strip()
        changes = process.run(
            ["git", "-C", str(root), "status", "--porcelain", "--untracked-files=no", "--", ".", ":(exclude)reports"],
            timeout=30,
        ).stdout
    except InfrastructureError:
        return ""
    return f"{head}-dirty" if changes.strip() else head
