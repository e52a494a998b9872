"""The values that describe one Job of a cluster. Pure."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass

from bakehouse.model.enums import AcceleratorName

_LONGEST_NAME = 63


@dataclass(frozen=True, kw_only=True, slots=True)
class ClusterJob:
    """One cell's image, how it is started, and what it is asked."""

    cell: str
    image: str
    """`HOST/REPOSITORY@DIGEST`."""
    accelerator: AcceleratorName
    archs: tuple[str, ...]
    """Of the cards that run it."""
    driver_floor: str | None
    platform: str
    user: str
    """UID:GID of the image."""
    port: int
    args: tuple[str, ...]
    env: Mapping[str, str]
    memory: int
    """Bytes."""
    shm: int | None = None
    """Bytes of /dev/shm; None: what the cluster gives."""
    models: str
    """Folder in its container; empty: it serves none."""
    model_bytes: int
    job: str
    """The text of job.json."""
    files: Mapping[str, bytes]
    """By name in the recipe's folder: what cases send, and what is mounted."""
    mounts: Mapping[str, str]
    """Of those files, to paths in the image's container."""
    seconds: int
    """For testing and measuring."""

    @property
    def name(self) -> str:
        """Of its objects, whose content never changes: one for each image of a cell."""
        found = hashlib.sha256(f"{self.image} {self.job}".encode()).hexdigest()[:8]
        return f"{self.cell.replace('.', '-')[: _LONGEST_NAME - 9].rstrip('-')}-{found}"


def key(name: str) -> str:
    """Of a file in a ConfigMap, whose keys have no slash."""
    return f"file-{hashlib.sha256(name.encode()).hexdigest()[:16]}"
