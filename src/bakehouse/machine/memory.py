"""The machine's memory, as /proc/meminfo has it."""

from __future__ import annotations

import re
from pathlib import Path

_KIB = 1024
_LINE = re.compile(r"^(\w+):\s+(\d+) kB$", re.MULTILINE)


def meminfo(root: Path = Path("/")) -> dict[str, int]:
    """Name to bytes: `MemTotal`, `MemFree`, `MemAvailable`. Empty where there is no such file."""
    try:
        text = (root / "proc/meminfo").read_text(encoding="ascii", errors="replace")
    except OSError:
        return {}
    return {name: int(value) * _KIB for name, value in _LINE.findall(text)}
