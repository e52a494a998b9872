"""What a repository can do, wherever it is kept: in a registry, in a folder, in a tar file."""

from __future__ import annotations

import io
from collections.abc import Callable
from contextlib import AbstractContextManager, nullcontext
from enum import StrEnum
from typing import BinaryIO, Protocol

from bakehouse.errors import InfrastructureError, InputError
from bakehouse.registry.content import Descriptor, Manifest

Opener = Callable[[], AbstractContextManager[BinaryIO]]
"""Opens a blob from its beginning, each time it is called: a broken upload reads it again."""


def opener(content: bytes) -> Opener:
    """Of what is in memory."""
    return lambda: nullcontext(io.BytesIO(content))


class RegistryError(InfrastructureError):
    """A registry did not do what was asked for."""


class DeniedError(RegistryError):
    """It wants credentials, or gives these no right."""


class NoSuchContentError(InputError):
    """What was named is not there."""


class Placed(StrEnum):
    """How a blob came to be in a repository."""

    EXISTED = "existed"
    MOUNTED = "mounted"
    """From another repository of the same registry: no byte was sent."""
    SENT = "sent"


class Source(Protocol):
    """One repository that is read. A reference is a tag or a digest. Raises RegistryError (and DeniedError)."""

    @property
    def name(self) -> str:
        """For people and for other programs: `ghcr.io/me/server`, `oci:folder`."""
        ...

    def resolve(self, reference: str) -> str | None:
        """The digest that a reference stands for; None where there is none."""
        ...

    def manifest(self, reference: str) -> Manifest | None:
        """Its content was held against its digest."""
        ...

    def has_blob(self, digest: str) -> bool: ...

    def open_blob(self, blob: Descriptor) -> AbstractContextManager[BinaryIO]:
        """Seekable. Raises NoSuchContentError."""
        ...

    def tags(self) -> list[str]:
        """Sorted; those of the fallback for referrers are left out."""
        ...

    def referrers(self, digest: str) -> list[Descriptor]:
        """What is attached to a digest."""
        ...


class Store(Source, Protocol):
    """One repository that is written to. Everything may be repeated: the second time it changes nothing."""

    def put_blob(self, blob: Descriptor, content: Opener, *, mount_from: Source | None = None) -> Placed:
        """`mount_from`: where the same registry may have it already."""
        ...

    def put_manifest(self, manifest: Manifest, *, tag: str | None = None) -> None:
        """By its digest, and under a tag where one is given. What has a subject is listed among its referrers."""
        ...

    def delete(self, digest: str) -> bool:
        """Remove a manifest, and with it every tag that names it. False: it was not there."""
        ...
