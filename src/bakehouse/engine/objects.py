"""What an engine holds, as values: a container's state, an image's settings; and what a container is made from."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Literal

Kind = Literal["container", "network", "volume"]


@dataclass(frozen=True, kw_only=True, slots=True)
class State:
    """A container at one moment."""

    status: str
    """created, running, paused, restarting, removing, exited or dead."""
    running: bool
    exit_code: int
    oom_killed: bool
    """The kernel ended a process of it because the memory limit was reached."""
    pid: int
    """Of its first process, on the engine's machine; 0 when it does not run."""
    error: str = ""
    """Why the engine could not start it."""
    health: str | None = None
    """starting, healthy or unhealthy; None without a HEALTHCHECK."""
    health_said: tuple[str, ...] = ()
    """What the last health checks printed, oldest first."""
    restarts: int = 0
    ports: dict[int, int] = field(default_factory=dict)
    """Port in the container to port on this machine (TCP)."""
    address: str = ""
    """Its own on the engine's network, where other containers reach it; empty when it does not run."""


@dataclass(frozen=True, kw_only=True, slots=True)
class ImageConfig:
    """What an image says of itself."""

    id: str
    entrypoint: tuple[str, ...]
    command: tuple[str, ...]
    env: tuple[str, ...]
    user: str
    labels: dict[str, str]


@dataclass(frozen=True, kw_only=True, slots=True)
class Labelled:
    """Something that carries a label of ours."""

    kind: Kind
    name: str
    labels: dict[str, str]
    running: bool = False
    created: datetime | None = None


@dataclass(frozen=True, kw_only=True, slots=True)
class Creation:
    """A container to create. Sizes are bytes, times seconds."""

    image: str
    name: str
    args: tuple[str, ...] = ()
    entrypoint: str | None = None
    env: Mapping[str, str] = field(default_factory=dict)
    labels: Mapping[str, str] = field(default_factory=dict)
    port: int | None = None
    """TCP port that gets a random port on 127.0.0.1."""
    mounts: Mapping[str, str] = field(default_factory=dict)
    """Files and folders here to paths there, read-only."""
    folders: Mapping[str, str] = field(default_factory=dict)
    """Folders here to folders there, writable."""
    memory: int | None = None
    shm: int | None = None
    """Of /dev/shm."""
    pids: int | None = None
    cpus: float | None = None
    gpus: str | None = None
    devices: tuple[str, ...] = ()
    groups: tuple[str, ...] = ()
    platform: str | None = None
    health_interval: int | None = None
    """Asks the image's own HEALTHCHECK more often than the image says."""
