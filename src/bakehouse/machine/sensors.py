"""What a machine can tell of itself while something runs on it, by name; units are in the names.

A source that the machine does not have is not among the sensors: its name goes to `missing`, so that it is not taken
for 0. Reading never raises; None means no value this time.
"""

from __future__ import annotations

import os
import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from bakehouse.machine.bus import Roots, number, read

Level = Callable[[], float | None]
"""A value that goes up and down."""
Total = Callable[[], float | None]
"""A value that only grows; differences of it mean something."""
States = Callable[[], frozenset[str] | None]
"""What is the case just now, in words."""

HERE = Roots()
"""This machine's."""
_LOOKED_AT = 8
"""Processors whose clock is asked for: each costs a message to that processor."""
_JIFFIES = os.sysconf("SC_CLK_TCK")
_STOLEN = 7
"""Place of stolen time in /proc/stat."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Sensors:
    """What can be read."""

    levels: Mapping[str, Level] = field(default_factory=dict)
    totals: Mapping[str, Total] = field(default_factory=dict)
    states: Mapping[str, States] = field(default_factory=dict)
    missing: frozenset[str] = frozenset()
    """Names of what this machine does not tell."""

    def __or__(self, other: Sensors) -> Sensors:
        return Sensors(
            levels={**self.levels, **other.levels},
            totals={**self.totals, **other.totals},
            states={**self.states, **other.states},
            missing=self.missing | other.missing,
        )


def working(
    *,
    levels: Mapping[str, Level] | None = None,
    totals: Mapping[str, Total] | None = None,
    states: Mapping[str, States] | None = None,
) -> Sensors:
    """Ask each once; those that say nothing are missing."""
    good_levels = {name: one for name, one in (levels or {}).items() if one() is not None}
    good_totals = {name: one for name, one in (totals or {}).items() if one() is not None}
    good_states = {name: one for name, one in (states or {}).items() if one() is not None}
    wanted = {*(levels or {}), *(totals or {}), *(states or {})}
    return Sensors(
        levels=good_levels,
        totals=good_totals,
        states=good_states,
        missing=frozenset(wanted - {*good_levels, *good_totals, *good_states}),
    )


def of_processor(pid: int, roots: Roots = HERE) -> Sensors:
    """The machine's processor and memory, and the container whose first process is `pid`.

    https://docs.kernel.org/admin-guide/pm/cpufreq.html, .../accounting/psi.html, .../power/powercap/powercap.html
    """
    clocks = _spread(sorted(roots.sys.glob("devices/system/cpu/cpu[0-9]*/cpufreq/scaling_cur_freq")))
    throttled = sorted(roots.sys.glob("devices/system/cpu/cpu[0-9]*/thermal_throttle/*_throttle_count"))
    return working(
        levels={
            "cpu_mhz": lambda: _mean(clocks, scale=1e-3),
            "container_memory_bytes": lambda: _container_memory(pid, roots),
        },
        totals={
            "cpu_throttled_times": lambda: _sum(throttled),
            "cpu_stolen_s": lambda: _stolen(roots),
            "cpu_waited_s": lambda: _pressure(roots, "cpu"),
            "memory_waited_s": lambda: _pressure(roots, "memory"),
            "io_waited_s": lambda: _pressure(roots, "io"),
            "cpu_energy_j": Rapl(roots.sys),
        },
    )


class Rapl:
    """Joules of all processor packages since it was made. Most kernels show the counters to root only.

    They wrap around, after 5 minutes at 200 W where they have 32 bits, so it must be asked more often than that.
    """

    def __init__(self, sys: Path) -> None:
        folders = sorted(sys.glob("class/powercap/intel-rapl:[0-9]*"))
        self._packages = [folder for folder in folders if read(folder / "name").startswith("package")]
        self._last: dict[Path, int] = {}
        self._total = 0

    def __call__(self) -> float | None:
        if not self._packages:
            return None
        for folder in self._packages:
            now = number(read(folder / "energy_uj"))
            if now is None:
                return None
            grown = now - self._last.get(folder, now)
            self._total += grown if grown >= 0 else grown + (number(read(folder / "max_energy_range_uj")) or -grown)
            self._last[folder] = now
        return self._total / 1e6


def first_of(paths: Iterable[Path], *, scale: float = 1.0) -> float | None:
    """The first of these files that holds a number, times `scale`."""
    for path in paths:
        found = decimal(read(path))
        if found is not None:
            return found * scale
    return None


def decimal(text: str) -> float | None:
    try:
        return float(text)
    except ValueError:
        return None


def cgroup_folders(pid: int, roots: Roots) -> list[Path]:
    """Where the kernel keeps the books of the container: of version 2, and of version 1's memory."""
    found = []
    for line in read(roots.proc / f"{pid}/cgroup").splitlines():
        _, controllers, path = [*line.split(":", 2), "", ""][:3]
        if path in ("", "/"):
            continue
        if not controllers:
            found.append(roots.sys / f"fs/cgroup{path}")
        elif "memory" in controllers.split(","):
            found.append(roots.sys / f"fs/cgroup/memory{path}")
    return found


def same_container(pid: int, other: int, roots: Roots) -> bool:
    """Whether two processes are in one cgroup, or are the same."""
    if pid == other:
        return True
    ours = read(roots.proc / f"{pid}/cgroup")
    return bool(cgroup_folders(pid, roots)) and ours == read(roots.proc / f"{other}/cgroup")


def _spread(paths: list[Path]) -> list[Path]:
    return paths[:: max(1, len(paths) // _LOOKED_AT)][:_LOOKED_AT]


def _mean(paths: list[Path], *, scale: float) -> float | None:
    values = [value for path in paths if (value := decimal(read(path))) is not None]
    return sum(values) / len(values) * scale if values else None


def _sum(paths: list[Path]) -> float | None:
    values = [value for path in paths if (value := decimal(read(path))) is not None]
    return sum(values) if values else None


def _container_memory(pid: int, roots: Roots) -> float | None:
    return first_of(
        folder / name for folder in cgroup_folders(pid, roots) for name in ("memory.current", "memory.usage_in_bytes")
    )


def _stolen(roots: Roots) -> float | None:
    words = (read(roots.proc / "stat").splitlines() or [""])[0].split()[1:]
    value = decimal(words[_STOLEN]) if len(words) > _STOLEN else None
    return None if value is None else value / _JIFFIES


def _pressure(roots: Roots, what: str) -> float | None:
    """Seconds in which at least one task waited for it."""
    found = re.search(r"^some .*\btotal=(\d+)", read(roots.proc / f"pressure/{what}"), re.MULTILINE)
    return int(found[1]) / 1e6 if found else None
