"""Find and end what a killed dockerd left of one engine folder: containerd, build steps, mounts.

dockerd that is ended with SIGKILL leaves its containerd, the processes inside build steps and containers, and their
mounts. All are recognized by this engine's own paths, never by a name or a pid alone: pids are reused.
"""

from __future__ import annotations

import contextlib
import os
import re
import signal
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from bakehouse.system import daemon, process

_TERMINATE = 5.0


@dataclass(frozen=True, kw_only=True, slots=True)
class Folders:
    """Where one engine keeps its things."""

    engine: Path
    """Configuration, log, locks, images."""
    runtime: Path
    """Sockets and state of running containers; short, since a socket's path may hold 107 bytes."""

    @property
    def data(self) -> Path:
        return self.engine / "data"

    @property
    def config(self) -> Path:
        return self.engine / "daemon.json"

    @property
    def log(self) -> Path:
        return self.engine / "dockerd.log"

    @property
    def exec(self) -> Path:
        return self.runtime / "exec"

    @property
    def pidfile(self) -> Path:
        return self.runtime / "dockerd.pid"

    @property
    def socket(self) -> Path:
        return self.runtime / "docker.sock"

    @property
    def containerd_config(self) -> Path:
        return self.exec / "containerd" / "containerd.toml"


def find_dockerd(folders: Folders) -> int | None:
    """Pid of the dockerd of this folder that we started, told by its configuration file; also without a pid file."""
    return next(_running("dockerd", str(folders.config)), None)


def find_foreign_dockerd(folders: Folders) -> int | None:
    """Pid of a dockerd that somebody started by hand on this folder."""
    try:
        pid = int(folders.pidfile.read_text(encoding="ascii"))
    except (OSError, ValueError):
        return None
    args = daemon.command_line(pid)
    is_dockerd = bool(args) and Path(args[0]).name == "dockerd" and daemon.alive(pid)
    return pid if is_dockerd and str(folders.config) not in args else None


def clean_up(folders: Folders) -> None:
    """End and unmount everything of this engine. Only for when its dockerd has ended."""
    for pid in [*_running("containerd", str(folders.containerd_config)), *_shims(folders)]:
        daemon.stop(pid, grace=_TERMINATE)
    _kill_all(folders)
    _unmount_all(folders)
    for path in (folders.pidfile, folders.socket, folders.exec / "containerd" / "containerd.pid"):
        path.unlink(missing_ok=True)


def mounts_below(*roots: Path, mountinfo: str) -> list[str]:
    """Mount points at or below the folders, deepest and latest first. Format: proc_pid_mountinfo(5)."""
    found: list[str] = []
    for line in mountinfo.splitlines():
        point = _mount_point(line)
        if any(point == str(root) or point.startswith(f"{root}/") for root in roots):
            found.insert(0, point)
    return sorted(found, key=lambda point: -point.count("/"))


def roots_on(data: Path, *, mountinfo: str) -> bool:
    """Whether the root of that mount namespace is an overlay of this engine's snapshots: a process in a container."""
    for line in mountinfo.splitlines():
        before, _, after = line.partition(" - ")
        if before.split()[4] == "/" and after.startswith("overlay ") and f"{data}/" in _unescape(after):
            return True
    return False


def _running(program: str, argument: str) -> Iterator[int]:
    for pid in _pids():
        args = daemon.command_line(pid)
        if args and Path(args[0]).name == program and argument in args and daemon.alive(pid):
            yield pid


def _shims(folders: Folders) -> Iterator[int]:
    address = str(folders.exec / "containerd" / "containerd.sock")
    for pid in _pids():
        args = daemon.command_line(pid)
        if args and Path(args[0]).name.startswith("containerd-shim") and address in args:
            yield pid


def _kill_all(folders: Folders) -> None:
    """Kill processes in containers and build steps, again until none is left: they may be starting others."""
    deadline = time.monotonic() + _TERMINATE
    while (pids := list(_inside(folders))) and time.monotonic() < deadline:
        for pid in pids:
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)
        time.sleep(0.05)


def _inside(folders: Folders) -> Iterator[int]:
    ours = _namespace("self")
    known: dict[str, bool] = {}
    for pid in _pids():
        namespace = _namespace(pid)
        if namespace in ("", ours):
            continue
        if namespace not in known:
            try:
                mountinfo = Path(f"/proc/{pid}/mountinfo").read_text(encoding="utf-8", errors="replace")
            except OSError:
                continue
            known[namespace] = roots_on(folders.data, mountinfo=mountinfo)
        if known[namespace] and daemon.alive(pid):
            yield pid


def _unmount_all(folders: Folders) -> None:
    for _ in range(3):
        mountinfo = Path("/proc/self/mountinfo").read_text(encoding="utf-8", errors="replace")
        points = mounts_below(folders.engine, folders.runtime, mountinfo=mountinfo)
        if not points:
            return
        for point in points:
            process.run(["umount", point], check=False, timeout=30)


def _pids() -> Iterator[int]:
    return (int(entry.name) for entry in Path("/proc").iterdir() if entry.name.isdecimal())


def _namespace(pid: int | str) -> str:
    try:
        return str(Path(f"/proc/{pid}/ns/mnt").readlink())
    except OSError:
        return ""


def _mount_point(line: str) -> str:
    return _unescape(line.split()[4])


def _unescape(text: str) -> str:
    """Undo what the kernel does: it writes space, tab, newline and backslash as octal."""
    return re.sub(r"\\([0-7]{3})", lambda match: chr(int(match[1], 8)), text)
