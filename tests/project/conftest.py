"""Tests of the project's own files: the same guards as unit tests have."""

from __future__ import annotations

from tests.unit.conftest import _own_world

__all__ = ["_own_world"]
