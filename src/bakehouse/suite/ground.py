"""Where the image suite's pytest runs: on this machine, or on a host whose files are mirrored here."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from bakehouse.engine.connection import Engine
from bakehouse.system.process import stream

OnLine = Callable[[str], None]


@dataclass(frozen=True, kw_only=True, slots=True)
class Ended:
    """A pytest that ended, or was lost."""

    code: int
    said: str
    """The last of both outputs."""
    lost: str = ""
    """Why its end is unknown."""


class Ground(Protocol):
    @property
    def engine(self) -> Engine | None:
        """As the suite reaches it; None where others have started what it asks."""

    @property
    def name(self) -> str:
        """Empty for this machine."""

    def there(self, path: Path) -> str:
        """What a file of this machine is called there."""

    def run(self, command: list[str], *, folder: Path, on_line: OnLine, log: Path) -> Ended:
        """Run pytest to its end; what it writes in the run's folder there is in `folder` while it goes on."""


@dataclass(frozen=True, kw_only=True, slots=True)
class ThisMachine:
    """The machine that builds."""

    engine: Engine | None
    name: str = ""
    wanted: Callable[[], bool] = lambda: True

    def there(self, path: Path) -> str:
        return str(path)

    def run(self, command: list[str], *, folder: Path, on_line: OnLine, log: Path) -> Ended:
        del folder
        env = self.engine.environment() if self.engine else None
        done = stream(command, env=env, on_line=on_line, log=log, wanted=self.wanted)
        return Ended(code=done.code, said=done.stdout + done.stderr)
