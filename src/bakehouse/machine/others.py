"""Other processes that compute on a card."""

from __future__ import annotations

import re
import time
from collections.abc import Callable
from typing import Any

from bakehouse.machine.bus import Roots, number, read
from bakehouse.machine.sensors import same_container

BUSY = 0.05
"""Share of the time from which on another process counts: a desktop that draws its clock does not."""

_SHORTEST = 0.05
"""Seconds. In less, a single frame of a desktop would count."""
_PDEV = re.compile(r"^drm-pdev:\s+(\S+)$", re.MULTILINE)
_CLIENT = re.compile(r"^drm-client-id:\s+(\d+)$", re.MULTILINE)
_ENGINE = re.compile(r"^drm-engine-(?!capacity-)\S+:\s+(\d+) ns$", re.MULTILINE)


class Utilisation:
    """By NVML: who used more than BUSY of the card since we last asked.

    Where it keeps no such account (MIG, some drivers): the processes that are there.
    """

    def __init__(self, nvml: Any, handle: Any, pid: int, roots: Roots) -> None:
        self._nvml, self._handle, self._pid, self._roots = nvml, handle, pid, roots
        self._seen = 0

    def __call__(self) -> frozenset[str] | None:
        if self._handle is None:
            return None
        try:
            samples = self._nvml.nvmlDeviceGetProcessUtilization(self._handle, self._seen)
        except self._nvml.NVMLError as error:
            return frozenset() if type(error).__name__.endswith("NotFound") else self._present()
        except AttributeError:
            return self._present()
        first, self._seen = not self._seen, max([self._seen, *(one.timeStamp for one in samples)])
        if first:  # what the driver remembers from before
            return frozenset()
        return _named({one.pid for one in samples if one.smUtil >= 100 * BUSY}, self._pid, self._roots)

    def _present(self) -> frozenset[str] | None:
        try:
            there = self._nvml.nvmlDeviceGetComputeRunningProcesses(self._handle)
        except (self._nvml.NVMLError, AttributeError):
            return None
        return _named({one.pid for one in there}, self._pid, self._roots)


class Engines:
    """By the kernel's accounts in fdinfo: whose engines were busy for more than BUSY since we last asked.

    https://docs.kernel.org/gpu/drm-usage-stats.html. None while the container itself has no such account: then the
    driver keeps none, or we may not read those of others.
    """

    def __init__(self, address: str, pid: int, roots: Roots, *, clock: Callable[[], float] = time.monotonic) -> None:
        self._address, self._pid, self._roots, self._clock = address, pid, roots, clock
        self._at = clock()
        self._last: dict[tuple[int, str], int] = {}

    def __call__(self) -> frozenset[str] | None:
        now, used = self._clock(), self._used()
        if not any(same_container(self._pid, pid, self._roots) for pid, _ in used):
            return None
        elapsed, last = now - self._at, self._last
        if elapsed < _SHORTEST:
            return frozenset()
        self._at, self._last = now, used
        busy = {
            pid
            for (pid, client), spent in used.items()
            if spent - last.get((pid, client), spent) > BUSY * elapsed * 1e9
        }
        return _named(busy, self._pid, self._roots)

    def _used(self) -> dict[tuple[int, str], int]:
        """Nanoseconds by process and client."""
        found: dict[tuple[int, str], int] = {}
        for folder in self._roots.proc.glob("[0-9]*"):
            pid = number(folder.name)
            for path in folder.glob("fdinfo/*") if pid else ():
                text = read(path)
                pdev = _PDEV.search(text)
                if pid and pdev and pdev[1] == self._address and (engines := _ENGINE.findall(text)):
                    client = _CLIENT.search(text)
                    found[pid, client[1] if client else path.name] = sum(map(int, engines))
        return found


def of_compute_driver(address: str, pid: int, roots: Roots) -> Callable[[], frozenset[str] | None]:
    """By amdgpu's compute driver: which processes have compute units busy just now (kfd/proc/PID/stats_GPU).

    Its compute appears in no engine of fdinfo.
    """
    gpu = _gpu_id(address, roots)
    folder = roots.sys / "class/kfd/kfd/proc"

    def others() -> frozenset[str] | None:
        if gpu is None or not folder.is_dir():
            return None
        busy = {
            int(place.name)
            for place in folder.glob("[0-9]*")
            if number(read(place / f"stats_{gpu}/cu_occupancy")) and number(place.name)
        }
        return _named(busy, pid, roots)

    return others


def _gpu_id(address: str, roots: Roots) -> str | None:
    """Its number in the compute topology; location_id is bus, device and function in one number."""
    for node in sorted(roots.sys.glob("class/kfd/kfd/topology/nodes/*")):
        lines = (line.split(maxsplit=1) for line in read(node / "properties").splitlines())
        said = {words[0]: words[1] for words in lines if len(words) == 2}  # noqa: PLR2004 - name and value
        place, domain = number(said.get("location_id", "")), number(said.get("domain", "0")) or 0
        gpu = read(node / "gpu_id")
        if place is not None and gpu not in ("", "0"):
            found = f"{domain:04x}:{place >> 8 & 0xFF:02x}:{place >> 3 & 0x1F:02x}.{place & 0x7}"
            if found == address:
                return gpu
    return None


def _named(pids: set[int], ours: int, roots: Roots) -> frozenset[str]:
    """Those that are not in our container, as `name (process 123)`."""
    return frozenset(
        f"{read(roots.proc / str(pid) / 'comm') or 'somebody'} (process {pid})"
        for pid in pids
        if (roots.proc / str(pid)).is_dir() and not same_container(ours, pid, roots)
    )
