"""What one worker of the image suite keeps for the whole run: the shared server, logs and results to be written."""

from __future__ import annotations

import contextlib
import itertools
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import pytest

from bakehouse.engine.connection import Engine
from bakehouse.engine.container import last_lines, start
from bakehouse.engine.devices import Devices
from bakehouse.errors import InfrastructureError
from bakehouse.model.suite import Served, Subject, Suite
from bakehouse.probes import ProbeFailed
from bakehouse.probes.health import RunningContainer, Startup, wait_serving
from bakehouse.probes.serving import serving
from bakehouse.suite import results
from bakehouse.suite.budget import FILE, Budget, shares_of
from bakehouse.suite.sample_log import SampleLog
from bakehouse.suite.served import NOT_RUN, first_asked, measured
from bakehouse.suite.verdicts import PhaseReport
from bakehouse.suite.watched_server import OpenServer, watched_server


@dataclass(frozen=True, kw_only=True, slots=True)
class Server:
    """A server that answered 200."""

    container: RunningContainer
    startup: Startup

    @property
    def url(self) -> str:
        return self.container.url


class Session:
    """What one worker keeps for the whole run."""

    def __init__(self, suite: Suite, engine: Engine | None, *, worker: str) -> None:
        self.suite = suite
        self._engine = engine
        self.folder = Path(suite.run_folder)
        self.leases = Path(suite.cache) / "leases"
        self.writer = results.Writer(self.folder, worker)
        self.kept_samples = SampleLog(self.folder / results.FOLDER, worker)
        self.budget = Budget(
            self.folder / results.FOLDER / FILE, shares=shares_of(suite), seconds=suite.measure_for, began=suite.began
        )
        self.slowest: dict[str, float] = {}
        """Lowest decode rate that was seen of a cell: from it follows how long a load may take."""
        self.phases: dict[str, list[PhaseReport]] = {}
        self.logs: dict[str, Path] = {}
        self.notes: dict[str, list[str]] = {}
        self._worker = worker
        self._numbers = itertools.count()
        self._shared: _Shared | None = None
        self._known: Server | None = None
        """That somebody else has started."""
        self._served: set[str] = set()
        self._never_served: dict[str, str] = {}
        """Why the server of a cell never became ready. To start it again would cost its whole `start_period` again."""

    @property
    def engine(self) -> Engine:
        """Skips the test that asks for it where somebody else has started the server."""
        if self._engine is None:
            pytest.skip(NOT_RUN)
        return self._engine

    @property
    def open_server(self) -> OpenServer:
        """How a server is had that is to be measured."""
        if self.suite.served:
            return partial(measured, served=self.suite.served)
        return partial(watched_server, self.engine)

    def log_path(self, cell: str, test: str) -> Path:
        """Give a name that no other container of this run has, and remember it as that test's log."""
        names = (f"{cell}-{self._worker}-{number}.log" for number in self._numbers)
        path = next(path for name in names if not (path := self.folder / "logs" / name).exists())
        self.logs[test] = path
        return path

    def shared_server(self, subject: Subject, devices: Devices, test: str) -> Server:
        """Give the cell's server that tests share; a new one when the last test ended it."""
        shared = self._shared
        if shared and shared.cell == subject.cell and shared.server.container.state().running:
            self.logs[test] = shared.log
            return shared.server
        self.close_shared()
        self.require_startable(subject.cell)
        if self.suite.served:
            return self._somebody_elses(self.suite.served, subject)
        log = self.log_path(subject.cell, test)
        launch = serving(subject, run=self.suite.run, devices=devices)
        with contextlib.ExitStack() as stack:
            container = stack.enter_context(start(self.engine, launch, log=log))
            startup = self._wait_serving(subject, container)
            server = Server(container=container, startup=startup)
            self._shared = _Shared(cell=subject.cell, server=server, log=log, stack=stack.pop_all())
        return server

    def _somebody_elses(self, served: Served, subject: Subject) -> Server:
        """It may still load when it is first asked."""
        if self._known is None:
            container = first_asked(served)
            self._known = Server(container=container, startup=self._wait_serving(subject, container))
        return self._known

    def require_startable(self, cell: str) -> None:
        """Raises ProbeFailed at once where the cell's server was started before and never became ready."""
        if reason := self._never_served.get(cell):
            raise ProbeFailed(f"not started again, since it did not become ready before: {reason}")

    def _wait_serving(self, subject: Subject, container: RunningContainer) -> Startup:
        try:
            startup = wait_serving(container, subject.health, memory_limit=subject.memory_limit)
        except ProbeFailed as error:
            if subject.cell not in self._served:
                said, _, _ = str(error).partition("\n")
                self._never_served[subject.cell] = said.removesuffix(":").removesuffix("; its last lines")
            raise
        self._served.add(subject.cell)
        return startup

    def close_shared(self, *, unless: str = "") -> None:
        """Remove the shared server, except that of the cell `unless`."""
        shared = self._shared
        if shared and shared.cell != unless:
            self._shared = None
            shared.stack.close()

    def log_tail(self, test: str) -> str:
        """Give the last lines of the test's last container, which still runs if it is the shared one."""
        path = self.logs.get(test)
        if path is None:
            return ""
        if self._shared and self._shared.log == path:
            with contextlib.suppress(InfrastructureError):
                return last_lines(self._shared.server.container.logs())
        return last_lines(path.read_text(encoding="utf-8", errors="replace")) if path.exists() else ""


@dataclass(frozen=True, kw_only=True, slots=True)
class _Shared:
    cell: str
    server: Server
    log: Path
    stack: contextlib.ExitStack


SESSION = pytest.StashKey[Session]()
