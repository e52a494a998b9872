"""Compares versions, of which a Dockerfile may write only the first parts."""

from __future__ import annotations

from packaging.version import Version


def is_older(version: str, than: str) -> bool:
    """Compared as far as both are written: `12.9` is not older than `12.9.1`."""
    left, right = version.split("."), than.split(".")
    parts = min(len(left), len(right))
    return Version(".".join(left[:parts])) < Version(".".join(right[:parts]))


def minor(version: str) -> str:
    """`12.9` of `12.9.1`."""
    return ".".join(version.split(".")[:2])
