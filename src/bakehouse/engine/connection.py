"""A Docker engine that answers, and how programs reach it."""

from __future__ import annotations

import os
import platform
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

ARCHITECTURES = {"x86_64": "amd64", "aarch64": "arm64", "arm64": "arm64", "riscv64": "riscv64", "ppc64le": "ppc64le"}
"""From the kernel's names to those of OCI."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Engine:
    """An engine that answered when we asked. A program that runs `docker` gets `environment()`."""

    kind: Literal["embedded", "external"]
    host: str | None
    """`unix:///...`, `ssh://...`, or None for what `docker` reaches by itself or by `context`."""
    version: str
    buildx: str
    containerd_store: bool
    """Whether images live in containerd (attestations, several platforms, digests of what was built)."""
    extra: dict[str, str] = field(default_factory=dict)
    """Further environment variables for programs that talk to it."""
    context: str | None = None
    """The Docker context that reaches it, where that is another one than the current."""
    info: Mapping[str, Any] = field(default_factory=dict, repr=False, compare=False)
    """What `docker info` said when it was connected; empty where it was not asked."""

    @property
    def is_here(self) -> bool:
        """Whether it runs on this machine; also where it was not asked."""
        return bool(self.info.get("Name", platform.node()) == platform.node())

    @property
    def platform(self) -> str:
        """Its own, for example `linux/amd64`; this machine's where it was not asked."""
        machine = str(self.info.get("Architecture", platform.machine()))
        return f"linux/{ARCHITECTURES.get(machine, machine)}"

    def environment(self) -> dict[str, str]:
        """The process's environment, pointed at this engine."""
        environment = dict(os.environ) | self.extra
        if self.host:
            environment |= {"DOCKER_HOST": self.host}
            environment.pop("DOCKER_CONTEXT", None)
        if self.context:
            environment |= {"DOCKER_CONTEXT": self.context}
            environment.pop("DOCKER_HOST", None)
        return environment
