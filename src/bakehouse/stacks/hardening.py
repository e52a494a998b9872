"""The rights that no service gets, in one list for all formats, and those that one may be given back with a reason."""

from __future__ import annotations

from dataclasses import dataclass

from bakehouse.stacks.plan import Planned

PIDS = 1024
"""Processes and threads: what images are probed with."""
TMP_SIZE = "256m"
TMP_OPTIONS = f"rw,noexec,nosuid,nodev,size={TMP_SIZE},mode=1777"
TMP_MEBIBYTES = 256
LOG_SIZE = "10m"
LOG_FILES = "3"


@dataclass(frozen=True, kw_only=True, slots=True)
class Hardening:
    """What holds for one service."""

    read_only: bool
    drop_capabilities: bool
    no_new_privileges: bool
    user: str
    """UID:GID."""
    pids: int | None
    memory_lock: bool
    """Whether it may lock memory without a limit, for transfers to a card."""
    shared_ipc: bool

    @property
    def is_root(self) -> bool:
        return self.user.startswith("0:")


def of(service: Planned) -> Hardening:
    """The list, without what the service was given back."""
    return Hardening(
        read_only=not service.may("writable-root"),
        drop_capabilities=not service.may("capabilities"),
        no_new_privileges=not service.may("new-privileges"),
        user="0:0" if service.may("root-user") else service.user,
        pids=None if service.may("process-limit") else service.pids,
        memory_lock=bool(service.may("memory-lock")),
        shared_ipc=bool(service.may("shared-ipc")),
    )


def comments(service: Planned) -> tuple[str, ...]:
    """For the rendered file: what it has beyond the list, and why."""
    return tuple(f"{one.right}: {one.reason}" for one in service.loose)
