"""Identifies the process that a container or a lease belongs to, by a text that stays unique after the process has
ended.

A pid alone is not enough: it is used again, it means something else in another pid namespace, and an engine can serve
several machines. So an owner is `<pid>:<boot id>/<pid namespace>/<start time in clock ticks>`.
"""

from __future__ import annotations

import os
from enum import StrEnum
from pathlib import Path

PROC = Path("/proc")


class Standing(StrEnum):
    ALIVE = "alive"
    DEAD = "dead"
    EARLIER_BOOT = "earlier boot"
    """Of an earlier boot of this machine, or of another machine: we cannot know which."""
    UNKNOWN = "unknown"
    """Of another pid namespace, or a text that we did not write: only its owner may judge."""


def identity(pid: int | None = None, *, proc: Path = PROC) -> str:
    """Describe a running process, by default this one."""
    own = os.getpid() if pid is None else pid
    return f"{own}:{_boot(proc)}/{_namespace(proc)}/{_start_time(own, proc)}"


def standing(text: str, *, proc: Path = PROC) -> Standing:
    """Whether the process that `identity` described still runs."""
    pid, _, rest = text.partition(":")
    parts = rest.split("/")
    if not pid.isdigit() or len(parts) != 3:  # noqa: PLR2004 - the three parts of the text
        return Standing.UNKNOWN
    boot, namespace, start_time = parts
    if boot != _boot(proc):
        return Standing.EARLIER_BOOT
    if namespace != _namespace(proc):
        return Standing.UNKNOWN
    return Standing.ALIVE if start_time == _start_time(int(pid), proc) else Standing.DEAD


def _boot(proc: Path) -> str:
    try:
        return (proc / "sys/kernel/random/boot_id").read_text(encoding="utf-8").strip()
    except OSError:
        return "unknown"


def _namespace(proc: Path) -> str:
    """Read the inode number in `pid:[4026531836]`."""
    try:
        return (proc / "self/ns/pid").readlink().name.strip("pid:[]")
    except OSError:
        return "unknown"


def _start_time(pid: int, proc: Path) -> str:
    """Field 22 of /proc/PID/stat (proc(5)); empty when there is no such process or it is a zombie."""
    try:
        text = (proc / str(pid) / "stat").read_text(encoding="utf-8", errors="replace")
    except OSError:
        return ""
    fields = text.rpartition(")")[2].split()
    return "" if fields[0] in ("Z", "X") else fields[19]
