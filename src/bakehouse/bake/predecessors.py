"""What a build replaces stays, under its tag and `.previous`, so that the new image can be compared with it.

When a tag moves, containerd's image store forgets the image that it named before. So what is there gets a second name
before a build, and keeps one if it was replaced.
"""

from __future__ import annotations

import contextlib
from collections.abc import Iterator, Sequence
from typing import Protocol

from bakehouse.engine.docker import NoSuchObjectError

PREVIOUS = ".previous"
_HELD = ".before"


class Images(Protocol):
    """What is asked of an engine."""

    def tag(self, reference: str, name: str) -> None: ...

    def untag(self, names: Sequence[str]) -> None: ...

    def ids(self, references: Sequence[str]) -> list[str]: ...


@contextlib.contextmanager
def kept(names: Sequence[str], images: Images) -> Iterator[None]:
    """Build inside. `names`: tags that the build may move."""
    held = [name for name in names if _hold(name, images)]
    if not held:
        yield
        return
    before = images.ids([name + _HELD for name in held])
    try:
        yield
    finally:
        for name, old, new in zip(held, before, images.ids(held), strict=True):
            if old != new:
                images.tag(name + _HELD, name + PREVIOUS)
        images.untag([name + _HELD for name in held])


def _hold(name: str, images: Images) -> bool:
    try:
        images.tag(name, name + _HELD)
    except NoSuchObjectError:
        return False
    return True
