"""How busy this machine is with other things while a container is measured.

/proc/stat counts what all processes use; the container's cgroup says what is its own. The rest, less our own client or
the program that takes its place, is foreign. Stolen time (a hypervisor that serves others) counts as foreign, too, and
is reported apart, because it has another remedy.
"""

from __future__ import annotations

import os
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Protocol

from bakehouse.model.enums import Disturbance

FOREIGN_LIMIT = 0.10
"""Share of the whole machine above which a repetition is noisy."""
_JIFFIES = os.sysconf("SC_CLK_TCK")
_IDLE = (3, 4)
"""idle and iowait in /proc/stat; guest and guest_nice (8, 9) are already in user and nice."""
_STEAL = 7
_GUEST = 8


@dataclass(frozen=True, kw_only=True, slots=True)
class Trouble:
    """What took part in a window that was measured."""

    reason: str
    kind: Disturbance | None = None
    """None: figures of this window are wrong, not merely noisy."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Usage:
    """Differences between two moments. Seconds of CPU time, except `elapsed`."""

    elapsed: float
    cores: int
    machine: float
    container: float | None
    """None: this machine does not see the container's processes."""
    client: float
    stolen: float = 0.0
    """Of `machine`: what a hypervisor gave to other guests."""
    telemetry: Mapping[str, Any] = field(default_factory=dict)
    """What sensors said meanwhile, for a sample's `raw`."""
    trouble: Trouble | None = None
    """What they showed that makes the window noisy or void."""
    joules: float | None = None
    """Energy that the device used. None: the hardware does not tell."""

    @property
    def foreign(self) -> float | None:
        """Share of the machine, 0 to 1, that neither the container nor we used."""
        if self.container is None or self.elapsed <= 0:
            return None
        return max(0.0, self.machine - self.container - self.client) / (self.elapsed * self.cores)

    @property
    def stolen_share(self) -> float:
        """Share of the machine, 0 to 1, that other guests of its hypervisor had."""
        return self.stolen / (self.elapsed * self.cores) if self.elapsed > 0 else 0.0


class Watched(Protocol):
    """Where the usage between two moments comes from."""

    def start(self) -> None: ...

    def usage(self) -> Usage: ...


class Meter:
    """Compares the machine's CPU time with that of the container whose first process is `pid`.

    `others`: the first processes of containers that belong to it, whose time is no foreign one.
    """

    def __init__(self, pid: int, *, others: Sequence[int] = (), root: Path = Path("/")) -> None:
        self._root = root
        self._pids = (pid, *others)
        self._at: tuple[float, float, float | None, float, float] = (0.0, 0.0, None, 0.0, 0.0)

    def start(self) -> None:
        self._at = self._now()

    def usage(self) -> Usage:
        before, now = self._at, self._now()
        container = now[2] - before[2] if now[2] is not None and before[2] is not None else None
        return Usage(
            elapsed=now[0] - before[0],
            cores=usable_cores(),
            machine=now[1] - before[1],
            container=container,
            client=now[3] - before[3],
            stolen=now[4] - before[4],
        )

    def _now(self) -> tuple[float, float, float | None, float, float]:
        seconds = [container_seconds(pid, root=self._root) for pid in self._pids]
        container = None if None in seconds else sum(filter(None, seconds))
        stolen = stolen_seconds(root=self._root)
        return time.perf_counter(), machine_seconds(root=self._root), container, own_seconds(), stolen


def own_seconds() -> float:
    """CPU time of this process and of the programs that it has run to their end: one of them may make the load."""
    times = os.times()
    return time.process_time() + times.children_user + times.children_system


def usable_cores() -> int:
    return os.cpu_count() or 1


def physical_cores(*, root: Path = Path("/")) -> int:
    """Cores that this process may use, with the hyperthreads of one core counted once.

    Servers of models are quickest with one thread a core; two threads of one core share its vector units.
    """
    allowed = os.sched_getaffinity(0)
    siblings = set()
    for cpu in allowed:
        path = root / f"sys/devices/system/cpu/cpu{cpu}/topology/thread_siblings_list"
        try:
            siblings.add(path.read_text(encoding="utf-8").strip())
        except OSError:
            siblings.add(str(cpu))
    return len(siblings) or 1


def machine_seconds(*, root: Path = Path("/")) -> float:
    """CPU time that all processes together have used since boot, stolen time included."""
    return sum(tick for index, tick in enumerate(_ticks(root)) if index not in _IDLE) / _JIFFIES


def stolen_seconds(*, root: Path = Path("/")) -> float:
    """CPU time since boot that a hypervisor gave to others while this machine had work; 0 where nothing counts it."""
    return sum(_ticks(root)[_STEAL:]) / _JIFFIES


def _ticks(root: Path) -> list[int]:
    first = (root / "proc/stat").read_text(encoding="utf-8").splitlines()[0]
    return [int(word) for word in first.split()[1:]][:_GUEST]


def container_seconds(pid: int, *, root: Path = Path("/")) -> float | None:
    """CPU time of the cgroup that the process is in; of the process alone where the cgroup cannot be read."""
    for line in _lines(root / f"proc/{pid}/cgroup"):
        _, controllers, path = line.split(":", 2)
        if path == "/":
            continue
        if "cpuacct" in controllers.split(","):
            for folder in ("cpuacct", "cpu,cpuacct"):
                words = _lines(root / f"sys/fs/cgroup/{folder}{path}/cpuacct.usage")
                if words:
                    return int(words[0]) / 1e9
        if not controllers:
            for entry in _lines(root / f"sys/fs/cgroup{path}/cpu.stat"):
                if entry.startswith("usage_usec "):
                    return int(entry.split()[1]) / 1e6
    return _process_seconds(pid, root=root)


def peak_memory(pid: int, *, root: Path = Path("/")) -> int | None:
    """Most bytes that were resident in the process (VmHWM), files it maps (the model) included. None: not visible."""
    for line in _lines(root / f"proc/{pid}/status"):
        if line.startswith("VmHWM:"):
            return int(line.split()[1]) * 1024
    return None


def _process_seconds(pid: int, *, root: Path) -> float | None:
    lines = _lines(root / f"proc/{pid}/stat")
    if not lines:
        return None
    fields = lines[0].rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / _JIFFIES


def _lines(path: Path) -> list[str]:
    try:
        return path.read_text(encoding="utf-8", errors="replace").splitlines()
    except OSError:
        return []
