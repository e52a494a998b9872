"""Benchmarks are programs in a folder, not a package: they find each other by the path, and so do their tests."""

from __future__ import annotations

import sys
from pathlib import Path

sys.path.append(str(Path(__file__).parents[3] / "benchmarks"))
