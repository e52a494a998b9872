"""Starts the mock server, and reads what it wrote down."""

from __future__ import annotations

import json
import os
import signal
import sys
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import asdict, dataclass
from pathlib import Path

import requests

from bakehouse.errors import InfrastructureError
from bakehouse.system import daemon
from tests.doubles import mock_server as program
from tests.doubles.mock_server import PORT_LINE, Script, Told

_PATIENCE = 60.0


@dataclass(frozen=True, kw_only=True, slots=True)
class Mock:
    """A mock server that runs."""

    url: str
    pid: int

    def told(self) -> list[Told]:
        """What it sent since it was asked last, in the order in which the requests came."""
        said = requests.get(f"{self.url}/records", timeout=_PATIENCE).json()
        return [Told(**one) for one in said["requests"]]

    def cpu_seconds(self) -> float:
        """CPU time that it has used since it was started."""
        fields = Path(f"/proc/{self.pid}/stat").read_text(encoding="utf-8").rpartition(")")[2].split()
        return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


@contextmanager
def mock_server(scripts: Mapping[str, Script], *, folder: Path, python: str = sys.executable) -> Iterator[Mock]:
    """Run a mock server; `folder` gets its scripts and what it says. A request chooses a script by its `model`."""
    file, log = folder / "scripts.json", folder / "mock.log"
    file.write_text(json.dumps({name: asdict(script) for name, script in scripts.items()}), encoding="utf-8")
    log.unlink(missing_ok=True)
    pid = daemon.start([python, program.__file__, str(file)], log=log)
    try:
        yield Mock(url=f"http://127.0.0.1:{_port(log)}", pid=pid)
    finally:
        with suppress(ProcessLookupError):
            os.kill(pid, signal.SIGTERM)
        with suppress(ChildProcessError):
            os.waitpid(pid, 0)


def _port(log: Path) -> int:
    deadline = time.monotonic() + _PATIENCE
    while time.monotonic() < deadline:
        text = log.read_text(encoding="utf-8") if log.exists() else ""
        if text.startswith(PORT_LINE) and text.endswith("\n"):
            return int(text.removeprefix(PORT_LINE))
        if text and not PORT_LINE.startswith(text[: len(PORT_LINE)]):
            break
        time.sleep(0.005)
    raise InfrastructureError(f"the mock server did not start; it said: {text or '(nothing)'}")
