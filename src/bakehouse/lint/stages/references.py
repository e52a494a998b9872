"""References to images: `docker.io/library/debian:trixie-slim@sha256:...`, whatever registry or mirror serves them."""

from __future__ import annotations

import fnmatch
from collections.abc import Iterable
from dataclasses import dataclass

_HUB = frozenset({"docker.io", "index.docker.io", "registry-1.docker.io", "registry.hub.docker.com", "mirror.gcr.io"})
_PLATFORMS = frozenset({"amd64", "arm64v8", "arm32v7", "ppc64le", "s390x", "riscv64"})
"""Docker Hub serves the images of `library/` for one platform under these names: `arm64v8/ubuntu`."""
_DEEP = 2


@dataclass(frozen=True, kw_only=True, slots=True)
class ShortReference:
    """One image, with the registry of Docker Hub left out."""

    registry: str
    """Empty for Docker Hub."""
    repository: str
    """`nvidia/cuda`; without `library/`."""
    tag: str
    """Empty where only a digest names the image."""

    @property
    def canonical(self) -> str:
        """As it is written for Docker Hub: `nvidia/cuda:12.4.1-devel-ubuntu22.04`."""
        tag = f":{self.tag}" if self.tag else ""
        return f"{self.repository}{tag}"

    @property
    def vendor_name(self) -> str:
        """The name without the registry and the folders of a mirror: what knowledge about images is written for."""
        parts = self.repository.split("/")
        name = "/".join(parts[-_DEEP:]) if len(parts) > _DEEP else self.repository
        return f"{name}:{self.tag}" if self.tag else name

    def is_named(self, patterns: Iterable[str]) -> bool:
        """By its own name, or with its registry."""
        full = f"{self.registry}/{self.repository}" if self.registry else self.repository
        return any(
            fnmatch.fnmatchcase(name, pattern)
            for pattern in patterns
            for name in (self.repository, full)
            if "." not in pattern.partition("/")[0] or name == full
        )

    def is_copy_of(self, patterns: Iterable[str]) -> bool:
        """Whether another registry seems to serve it under a name of its own: the last parts of its path agree."""
        parts = self.repository.split("/")
        if not self.registry:
            return False
        return any(
            fnmatch.fnmatchcase("/".join(parts[-deep:]), pattern)
            for pattern in patterns
            for deep in (1, _DEEP)
            if len(parts) >= deep
        )


def read_reference(text: str) -> ShortReference:
    """Never fails; what cannot be told apart stays in the repository."""
    name, _, _ = text.partition("@")
    first, slash, rest = name.partition("/")
    has_registry = bool(slash) and ("." in first or ":" in first or first == "localhost")
    registry, path = (first, rest) if has_registry else ("", name)
    if registry in _HUB:
        registry = ""
    if registry == "public.ecr.aws" and path.startswith("docker/library/"):
        registry, path = "", path.removeprefix("docker/library/")
    repository, _, tag = path.partition(":")
    if not registry and repository.partition("/")[0] in _PLATFORMS:
        repository = repository.partition("/")[2]
    if not tag and "@" not in text:
        tag = "latest"
    return ShortReference(registry=registry, repository=repository.removeprefix("library/"), tag=tag)
