"""Starts the agent on a host, reads what it prints, and distinguishes a host that was lost from one that failed."""

from __future__ import annotations

import re
import secrets
import tempfile
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from bakehouse.engine.connection import Engine
from bakehouse.engine.container import OWNER_LABEL, RUN_LABEL
from bakehouse.engine.devices import nvidia_by
from bakehouse.engine.owner import identity
from bakehouse.errors import EngineError, InfrastructureError
from bakehouse.hosts.facts import ALIVE, ANSWER, ENDED, SILENCE, SOCKET
from bakehouse.hosts.places import VOLUME
from bakehouse.system import process

_TAIL = 3
_ADVICE = "Run 'docker"
"""What docker says after an error."""
_LOGGED = re.compile(r'level=\w+ msg="(.+)"')
"""How docker says some errors."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Heard:
    """An agent that ended."""

    code: int
    said: tuple[str, ...]
    """Its last lines, without those that are for programs."""
    answer: str = ""


class HostLostError(EngineError):
    """A host that fell silent, or whose agent ended without a word."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Agent:
    """How the agent of one run is started on one host."""

    host: str
    engine: Engine
    """As it is reached from here."""
    image: str
    volume: str
    """Folder of the volume on the host."""
    socket: str
    """Of the engine, on the host."""
    run: str
    with_nvidia: bool = False
    wanted: Callable[[], bool] = lambda: True

    def ask(self, *words: str, feed: Path | None = None, text: str | None = None) -> str:
        """What it answers; `feed` or `text` is its input.

        Raises HostLostError, and InfrastructureError with its words.
        """
        with tempfile.NamedTemporaryFile() as file:
            if text is not None:
                file.write(text.encode())
                file.flush()
                feed = Path(file.name)
            heard = self.hear(*words, feed=feed)
        if heard.code:
            said = "\n".join(heard.said) or f"status {heard.code}, without a word"
            raise InfrastructureError(f"host {self.host}: {said}")
        return heard.answer

    def hear(
        self,
        *words: str,
        feed: Path | None = None,
        on_line: Callable[[str], None] = lambda _: None,
    ) -> Heard:
        """Start it, and hand its lines on until it ends. Without `feed` its input is open as long as we are there."""
        ears = _Ears(on_line)
        done = process.stream(
            self.command(words),
            env=self.engine.environment(),
            on_line=ears.hear,
            feed=feed,
            keep_input=feed is None,
            wanted=lambda: self.wanted() and ears.listening(),
        )
        if ears.code is None:
            raise self._lost(ears, done)
        return Heard(code=ears.code, said=tuple(ears.lines[-_TAIL:]), answer=ears.answer)

    def command(self, words: Sequence[str]) -> list[str]:
        """`--privileged`, and the host's own network, processes and control groups: it looks at the whole machine, and
        whoever has the engine's socket could do so anyway.
        """
        labels = (f"{RUN_LABEL}={self.run}", f"{OWNER_LABEL}={identity()}")
        return [
            *("docker", "run", "--rm", "--interactive", "--name", f"bakehouse-suite-{secrets.token_hex(6)}"),
            *(word for label in labels for word in ("--label", label)),
            *("--privileged", "--network", "host", "--pid", "host", "--cgroupns", "host", "--log-driver", "none"),
            *("--volume", f"{VOLUME}:{self.volume}", "--volume", f"{self.socket}:{SOCKET}"),
            *(self._nvidia() if self.with_nvidia else ()),
            *("--pull", "never", self.image, "-m", "bakehouse.hosts", *words),
        ]

    def _nvidia(self) -> tuple[str, ...]:
        """The driver's own library, which tells of the cards."""
        told = ("--env", "NVIDIA_DRIVER_CAPABILITIES=utility")
        cdi = nvidia_by(self.engine.info, is_here=False).cdi
        return ("--device", "nvidia.com/gpu=all", *told) if cdi else ("--gpus", "all", *told)

    def _lost(self, ears: _Ears, done: process.Completed) -> HostLostError:
        if ears.silent:
            return HostLostError(f"host {self.host} went away: nothing was heard of it for {SILENCE:g} s")
        lines = [line for line in done.stderr.splitlines() if line.strip() and not line.startswith(_ADVICE)]
        said = lines[-1].strip() if lines else f"docker ended with status {done.code}"
        logged = _LOGGED.search(said)
        said = logged[1] if logged else said
        return HostLostError(f"host {self.host} went away: {said}")


class _Ears:
    """Sorts an agent's lines."""

    def __init__(self, on_line: Callable[[str], None]) -> None:
        self._on_line = on_line
        self._heard = time.monotonic()
        self.lines: list[str] = []
        self.code: int | None = None
        self.answer = ""
        self.silent = False
        """Whether we listened in vain."""

    def listening(self) -> bool:
        """Whether it is too early to give up."""
        self.silent = self.silent or time.monotonic() - self._heard >= SILENCE
        return not self.silent

    def hear(self, line: str) -> None:
        self._heard = time.monotonic()
        if line == ALIVE:
            return
        if line.startswith(ENDED):
            self.code = int(line.removeprefix(ENDED))
        elif line.startswith(ANSWER):
            self.answer = line.removeprefix(ANSWER)
        else:
            self._on_line(line)
            self.lines = [*self.lines[-_TAIL:], line]
