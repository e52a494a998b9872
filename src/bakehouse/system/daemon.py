"""Programs that go on when we have ended: start one, see whether it runs, end it, by its pid, whoever started it."""

from __future__ import annotations

import contextlib
import os
import signal
import time
from collections.abc import Mapping, Sequence
from pathlib import Path

from bakehouse.errors import InfrastructureError
from bakehouse.system.process import locate

_VISIBLE = 1.0
_VANISHES = 5.0
"""Seconds that a process may take to go after SIGKILL: it may be writing to a slow disk."""


def start(args: Sequence[str], *, log: Path, env: Mapping[str, str] | None = None) -> int:
    """Start a program that outlives us: a session of its own, no input, all it says appended to `log`. Returns its pid.

    It inherits no open file of ours, so it holds none of our locks.
    """
    program = locate(args[0], env)
    actions = [
        (os.POSIX_SPAWN_OPEN, 0, os.devnull, os.O_RDONLY, 0),
        (os.POSIX_SPAWN_OPEN, 1, str(log), os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600),
        (os.POSIX_SPAWN_DUP2, 1, 2),
    ]
    try:
        pid = os.posix_spawn(
            program,
            list(args),
            os.environ if env is None else env,
            file_actions=actions,
            setsid=True,
            setsigmask=[],
            setsigdef=[signal.SIGINT, signal.SIGTERM, signal.SIGPIPE],
        )
    except OSError as error:
        raise InfrastructureError(f"cannot start {args[0]}: {error}") from error
    # The kernel shows the new arguments a moment after we are back; whoever looks for the daemon by them must find it.
    deadline = time.monotonic() + _VISIBLE
    while not command_line(pid) and alive(pid) and time.monotonic() < deadline:
        time.sleep(0.001)
    return pid


def alive(pid: int) -> bool:
    """Whether that process runs. One that ended and was not waited for does not; our own child is waited for here."""
    with contextlib.suppress(ChildProcessError):
        if os.waitpid(pid, os.WNOHANG)[0] == pid:
            return False
    try:
        stat = Path(f"/proc/{pid}/stat").read_text(encoding="utf-8", errors="replace")
    except OSError:
        return False
    return stat.rpartition(")")[2].split()[0] not in ("Z", "X")


def command_line(pid: int) -> tuple[str, ...]:
    """Arguments of a running process; empty where there is none. Tells a process from another that got its pid."""
    try:
        raw = Path(f"/proc/{pid}/cmdline").read_bytes()
    except OSError:
        return ()
    return tuple(os.fsdecode(part) for part in raw.rstrip(b"\0").split(b"\0")) if raw else ()


def stop(pid: int, *, grace: float) -> bool:
    """End a process: SIGTERM, and SIGKILL after `grace`. Whether it ended by itself in time."""
    with contextlib.suppress(ProcessLookupError):
        os.kill(pid, signal.SIGTERM)
    if _ends_within(pid, grace):
        return True
    with contextlib.suppress(ProcessLookupError):
        os.kill(pid, signal.SIGKILL)
    _ends_within(pid, _VANISHES)
    return False


def _ends_within(pid: int, seconds: float) -> bool:
    deadline = time.monotonic() + seconds
    while alive(pid):
        if time.monotonic() > deadline:
            return False
        time.sleep(0.02)
    return True
