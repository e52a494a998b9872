"""The hold of a device: shared by builds and probes, exclusive for a measurement.

Two files a device, locked with flock(2), so that the kernel releases them when a process dies, however it dies. Every
process passes `DEVICE.turnstile` before it takes `DEVICE.lock`. A process that waits for an exclusive hold keeps the
turnstile meanwhile, so that later sharers queue behind it and cannot starve it. `DEVICE.holders/` names the holders,
for people only.
"""

from __future__ import annotations

import contextlib
import fcntl
import json
import os
import secrets
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from bakehouse.engine.owner import Standing, identity, standing
from bakehouse.errors import InfrastructureError

POLL = 0.02
PATIENCE = 5.0
"""Seconds of waiting before we say for whom."""
REMINDER = 60.0


class LeaseTimeoutError(InfrastructureError):
    """Somebody else held the device for too long."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Holder:
    """Who holds a device."""

    pid: int
    run: str
    since: str
    """UTC, ISO 8601."""
    exclusive: bool

    def __str__(self) -> str:
        what = "a measurement" if self.exclusive else "work"
        return f"{what} of run {self.run} (process {self.pid}, since {self.since})"


@contextlib.contextmanager
def hold(
    device: str,
    *,
    folder: Path,
    run: str,
    exclusive: bool,
    timeout: float,
    say: Callable[[str], None] = lambda _: None,
    patience: float = PATIENCE,
) -> Iterator[float]:
    """Hold a device; gives the seconds that we waited for it. Raises LeaseTimeoutError after `timeout` seconds.

    Whoever takes several takes them in alphabetical order (`cpu` before `gpu-0`), or two could wait for each other.
    A process that holds a device must not ask for it again.
    """
    folder.mkdir(parents=True, exist_ok=True)
    begun = time.monotonic()
    wait = _Wait(device=device, folder=folder, begun=begun, timeout=timeout, say=say, patience=patience)
    with contextlib.ExitStack() as stack:
        with contextlib.ExitStack() as turnstile:
            gate = turnstile.enter_context(_opened(folder / f"{device}.turnstile"))
            wait.until(gate, fcntl.LOCK_EX)
            lock = stack.enter_context(_opened(folder / f"{device}.lock"))
            wait.until(lock, fcntl.LOCK_EX if exclusive else fcntl.LOCK_SH)
        stack.enter_context(_announced(device, folder=folder, run=run, exclusive=exclusive))
        yield time.monotonic() - begun


def holders(device: str, *, folder: Path) -> list[Holder]:
    """Who says that they hold it and still live; oldest first."""
    found = []
    for path in _announcements(device, folder).glob("*.json"):
        try:
            record = json.loads(path.read_text(encoding="utf-8"))
            owner = record.pop("owner")
            holder = Holder(**record)
        except (OSError, ValueError, KeyError, TypeError):
            continue  # being written or removed just now
        if standing(owner) in (Standing.DEAD, Standing.EARLIER_BOOT):
            path.unlink(missing_ok=True)
        else:
            found.append(holder)
    return sorted(found, key=lambda holder: holder.since)


@dataclass(frozen=True, kw_only=True, slots=True)
class _Wait:
    device: str
    folder: Path
    begun: float
    timeout: float
    say: Callable[[str], None]
    patience: float

    def until(self, descriptor: int, operation: int) -> None:
        """Poll for the lock, because a blocking flock(2) knows no timeout."""
        speak_at = self.begun + self.patience
        while True:
            with contextlib.suppress(BlockingIOError):
                fcntl.flock(descriptor, operation | fcntl.LOCK_NB)
                return
            now = time.monotonic()
            if now - self.begun > self.timeout:
                raise LeaseTimeoutError(
                    f"waited {self.timeout:g} s for the {self.device}, which is held by {self._by_whom()}",
                    hint="Wait for it to finish, or end it. A hold ends with its process.",
                )
            if now > speak_at:
                self.say(f"waiting for the {self.device}, which is held by {self._by_whom()}")
                speak_at = now + REMINDER
            time.sleep(POLL)

    def _by_whom(self) -> str:
        names = [str(holder) for holder in holders(self.device, folder=self.folder)]
        return ", ".join(names) or "somebody who waits for it too"


@contextlib.contextmanager
def _opened(path: Path) -> Iterator[int]:
    """Open a lock file. Closing it releases the lock; programs that we start do not inherit it (PEP 446)."""
    descriptor = os.open(path, os.O_RDWR | os.O_CREAT, 0o666)
    try:
        yield descriptor
    finally:
        os.close(descriptor)


@contextlib.contextmanager
def _announced(device: str, *, folder: Path, run: str, exclusive: bool) -> Iterator[None]:
    place = _announcements(device, folder)
    place.mkdir(exist_ok=True)
    path = place / f"{os.getpid()}-{secrets.token_hex(4)}.json"
    since = datetime.now(UTC).isoformat(timespec="seconds")
    record = {"owner": identity(), "pid": os.getpid(), "run": run, "since": since, "exclusive": exclusive}
    path.write_text(json.dumps(record), encoding="utf-8")
    try:
        yield
    finally:
        path.unlink(missing_ok=True)


def _announcements(device: str, folder: Path) -> Path:
    return folder / f"{device}.holders"
