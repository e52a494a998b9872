"""CPU seconds of build containers, in an engine that was made for the purpose and has never built anything.

The engine's control group counts, so that other work on the machine does not. Needs root.
"""

from __future__ import annotations

import contextlib
import json
import os
import secrets
import threading
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TypeVar

from harness import ROOT, Comparison, Record, docker, lease, say

from bakehouse.engine.connect import ask, describe
from bakehouse.engine.connection import Engine
from bakehouse.engine.embedded.local import EmbeddedEngine
from bakehouse.errors import InfrastructureError
from bakehouse.pipeline.context import Context

T = TypeVar("T")
CGROUPS = Path("/sys/fs/cgroup")
BEAT = 60.0
"""Seconds between two words about a build that runs."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Cost:
    """What a build took, in seconds."""

    cpu: float
    """User and system, of the processes in build containers."""
    wall: float


Costs = Mapping[str, Sequence[Cost]]
"""By the name of what was built; one for each run of the benchmark."""


class Account:
    """The CPU time of everything that ran below one control group, ended processes and removed groups included."""

    def __init__(self, parent: str, *, cgroups: Path = CGROUPS) -> None:
        self._parent = parent
        self._cgroups = cgroups

    def read(self) -> float:
        """Seconds; 0 before the first container."""
        for folder in ("cpuacct", "cpu,cpuacct"):  # version 1: a parent's figure includes its children's
            with contextlib.suppress(OSError):
                return int((self._cgroups / folder / self._parent / "cpuacct.usage").read_text()) / 1e9
        with contextlib.suppress(OSError):
            usage = (self._cgroups / self._parent / "cpu.stat").read_text().split()
            return int(usage[usage.index("usage_usec") + 1]) / 1e6
        return 0.0

    def remove(self) -> None:
        """Take the empty groups away, in every hierarchy."""
        for root in (self._cgroups, *self._cgroups.iterdir()):
            group = root / self._parent
            if group.is_dir():
                for folder, _, _ in os.walk(group, topdown=False):
                    with contextlib.suppress(OSError):
                        Path(folder).rmdir()


@contextlib.contextmanager
def fresh_engine(context: Context, folder: Path) -> Iterator[tuple[Engine, Account]]:
    """A private engine that has never built anything, and the account of its build containers."""
    parent = f"bakehouse-benchmark-{secrets.token_hex(4)}"
    settings = json.loads((ROOT / "buildkit/daemon.json").read_text())
    settings |= {"cgroup-parent": f"/{parent}", "exec-opts": ["native.cgroupdriver=cgroupfs"]}
    file = folder / "daemon.json"
    file.write_text(json.dumps(settings))
    account = Account(parent)
    environ = {key: value for key, value in context.environ.items() if key not in ("DOCKER_HOST", "DOCKER_CONTEXT")}
    try:
        with EmbeddedEngine(cache=folder, say=say, environ=environ, settings=file) as embedded:
            reached = environ | {"DOCKER_HOST": f"unix://{embedded.socket}"}
            yield describe(reached, version=ask(reached).version or "", kind="embedded"), account
    finally:
        account.remove()


class RunState:
    """What builds took, by name. It writes after each of them, and every minute while one runs: a run that is cut off
    keeps what it knew.
    """

    def __init__(self, record: Record, path: Path | None, *, compare: Callable[[Costs], list[Comparison]]) -> None:
        self._record = record
        self._path = path
        self._compare = compare
        self.costs: dict[str, list[Cost]] = {}
        self.sizes: dict[str, int] = {}
        """Bytes of all layers of an image, unpacked on the engine's disk."""

    def charge(self, name: str, account: Account, build: Callable[[], T], *, context: Context) -> T:
        """Run a build and enter what it took. Returns what it returns.

        Raises InfrastructureError where no container was counted: an hour later would be too late.
        """
        with lease(context, alone=False):
            say(f"{name}: begins")
            before, began = account.read(), time.perf_counter()

            def so_far() -> Cost:
                return Cost(cpu=account.read() - before, wall=time.perf_counter() - began)

            with beating(lambda: self._tell(name, so_far(), "so far")):
                built = build()
            cost = so_far()
        if not account.read():
            raise InfrastructureError(
                "nothing was counted: the engine's containers are in no control group that we can read",
                hint="Run as root, where /sys/fs/cgroup has cpuacct (version 1) or cpu.stat (version 2).",
            )
        self.costs.setdefault(name, []).append(cost)
        self._tell(name, cost, "in all")
        return built

    def weigh(self, name: str, engine: Engine, image: str) -> None:
        """Enter an image's size."""
        layers = docker(engine, "history", "--human=false", "--format", "{{.Size}}", image).split()
        self.sizes[name] = sum(int(size) for size in layers)
        self._write()

    def _tell(self, name: str, cost: Cost, state: str) -> None:
        say(f"{name}: {cost.cpu:.1f} s of CPU, {cost.wall:.0f} s on the clock {state}")
        self._write({} if state == "in all" else {name: asdict(cost)})

    def _write(self, unfinished: Mapping[str, object] | None = None) -> None:
        self._record.details = {
            "costs": {name: [asdict(cost) for cost in found] for name, found in self.costs.items()},
            "bytes_unpacked": dict(self.sizes),
            "unfinished": dict(unfinished or {}),
        }
        self._record.comparisons = self._compare(self.costs)
        self._record.write(self._path)


@contextlib.contextmanager
def beating(beat: Callable[[], object], *, every: float = BEAT) -> Iterator[None]:
    """Call `beat` every so many seconds meanwhile, from another thread."""
    over = threading.Event()

    def run() -> None:
        while not over.wait(every):
            beat()

    thread = threading.Thread(target=run, name="heartbeat", daemon=True)
    thread.start()
    try:
        yield
    finally:
        over.set()
        thread.join()


def cpu_of(costs: Costs, names: Sequence[str]) -> list[float]:
    """CPU seconds of all these builds together, run by run; nothing while one of them is not known."""
    return [sum(cost.cpu for cost in run) for run in _runs(costs, names)]


def wall_of(costs: Costs, names: Sequence[str]) -> list[float]:
    """The same, on the clock: one build after the other."""
    return [sum(cost.wall for cost in run) for run in _runs(costs, names)]


def _runs(costs: Costs, names: Sequence[str]) -> list[tuple[Cost, ...]]:
    return list(zip(*(costs.get(name, ()) for name in names), strict=False))
