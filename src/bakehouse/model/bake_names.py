"""How names become bake targets."""

from __future__ import annotations


def bake_target(name: str) -> str:
    """A name as a bake target: only `[a-zA-Z0-9_-]`. Names hold no `_`, so two names never become one target."""
    return name.replace(".", "_")


def base_target(base: str) -> str:
    """The bake target that makes a bootstrapped base."""
    return f"base-{bake_target(base)}"
