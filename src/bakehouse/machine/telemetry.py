"""What a card's driver reports of a process: a source that does not depend on the process's own log."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

from bakehouse.machine import nvidia
from bakehouse.machine.bus import read
from bakehouse.model.enums import AcceleratorName
from bakehouse.model.machine import Card

_UNITS = {"": 1, "KiB": 2**10, "MiB": 2**20, "GiB": 2**30}
_MEMORY = re.compile(r"^drm-(resident|memory|total)-(vram\d*):\s+(\d+)\s*(\w*)$", re.MULTILINE)
_BEST = ("resident", "memory", "total")


def held(pid: int, card: Card, *, nvml: Any | None = None, proc: Path = Path("/proc")) -> int | None:
    """Bytes of a card's memory that a process holds; None where the driver does not say, or not to us.

    NVIDIA's answers through NVML; AMD's and Intel's in the process's own fdinfo
    (https://docs.kernel.org/gpu/drm-usage-stats.html), once for each client, which many descriptors may share.
    """
    if card.accelerator is AcceleratorName.CUDA:
        return nvidia.memory_of(pid, card, nvml) if nvml else None
    clients: dict[str, int] = {}
    for path in proc.glob(f"{pid}/fdinfo/*"):
        text = read(path)
        if re.search(rf"^drm-pdev:\s+{re.escape(card.address or '-')}$", text, re.MULTILINE):
            client = re.search(r"^drm-client-id:\s+(\d+)$", text, re.MULTILINE)
            clients[client[1] if client else path.name] = _video_memory(text)
    return sum(clients.values()) if clients else None


def _video_memory(text: str) -> int:
    """Bytes in the card's own memory. Drivers name one region in up to three ways."""
    regions: dict[str, dict[str, int]] = {}
    for kind, region, size, unit in _MEMORY.findall(text):
        regions.setdefault(region, {})[kind] = int(size) * _UNITS.get(unit, 1)
    return sum(next(kinds[kind] for kind in _BEST if kind in kinds) for kinds in regions.values())
