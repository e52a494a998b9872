"""Keeps the image that a build replaces, as TAG.previous, so that the new image can be compared with it.

When a tag moves, containerd's image store forgets the image that it named before. So an image that exists gets a second
tag before a build, and keeps it if it was replaced.
"""

from __future__ import annotations

import contextlib
import secrets
from collections.abc import Iterator, Sequence
from typing import Protocol

from bakehouse.errors import InfrastructureError

PREVIOUS = ".previous"


class Images(Protocol):
    """What is asked of an engine."""

    def tag(self, reference: str, name: str) -> None: ...

    def untag(self, names: Sequence[str]) -> None: ...

    def ids(self, references: Sequence[str]) -> list[str]: ...


@contextlib.contextmanager
def kept(names: Sequence[str], images: Images) -> Iterator[None]:
    """Build inside. `names`: tags that the build may move. What cannot be kept is no reason not to build."""
    held = f".before-{secrets.token_hex(3)}"  # others may build the same at the same time
    there = [name for name in names if _hold(name, name + held, images)]
    if not there:
        yield
        return
    try:
        yield
    finally:
        with contextlib.suppress(InfrastructureError):  # the engine may have died in the build, which says so itself
            _settle(there, held, images)


def _hold(name: str, second: str, images: Images) -> bool:
    try:
        images.tag(name, second)
    except InfrastructureError:  # there is none, or no engine: the build will say
        return False
    return True


def _settle(names: Sequence[str], held: str, images: Images) -> None:
    try:
        pairs = zip(names, images.ids([name + held for name in names]), images.ids(names), strict=True)
        for name, before, now in pairs:
            if before != now:
                images.tag(name + held, name + PREVIOUS)
    finally:
        images.untag([name + held for name in names])
