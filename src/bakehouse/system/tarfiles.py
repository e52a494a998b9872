"""Python's tarfile with extraction filters, which Debian 12's own Python 3.11.2 lacks."""

from __future__ import annotations

import importlib
import tarfile
from typing import Any

filtered: Any = tarfile if hasattr(tarfile, "data_filter") else importlib.import_module("backports.tarfile")
"""The module."""
