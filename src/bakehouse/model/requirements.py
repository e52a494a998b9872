"""What a lock of wheels pins: `recipes/NAME/requirements.cpu-amd64.txt`, as `bakehouse lock` writes it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

REQUIREMENTS = "requirements.in"


@dataclass(frozen=True, kw_only=True, slots=True)
class Requirements:
    """One lock."""

    sha256: str
    """Of the file."""
    versions: Mapping[str, str]
    """Distribution, by its normalised name, to the pinned version."""


def lock_name(accelerator: str, platform: str) -> str:
    """`requirements.cpu-amd64.txt`."""
    return f"requirements.{accelerator}-{platform.removeprefix('linux/').replace('/', '-')}.txt"


def inputs(accelerator: str) -> tuple[str, str]:
    """Files that a lock is made from; the second, for one accelerator, may be missing."""
    return REQUIREMENTS, f"requirements.{accelerator}.in"
