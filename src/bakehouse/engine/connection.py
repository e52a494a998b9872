"""A Docker engine that answers, and how programs reach it."""

from __future__ import annotations

import os
from dataclasses import dataclass, field
from typing import Literal


@dataclass(frozen=True, kw_only=True, slots=True)
class Engine:
    """An engine that answered when we asked. Whoever runs `docker` passes `environment()` on."""

    kind: Literal["embedded", "external"]
    host: str | None
    """`unix:///...`, or None for what `docker` reaches by itself (its current context)."""
    version: str
    buildx: str
    containerd_store: bool
    """Whether images live in containerd (attestations, several platforms, digests of what was built)."""
    extra: dict[str, str] = field(default_factory=dict)
    """Further environment variables for programs that talk to it."""

    def environment(self) -> dict[str, str]:
        """The process's environment, pointed at this engine."""
        environment = dict(os.environ) | self.extra
        if self.host:
            environment |= {"DOCKER_HOST": self.host}
            environment.pop("DOCKER_CONTEXT", None)
        return environment
