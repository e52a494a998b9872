"""What the machine we run on can run, seen without a vendor's library."""

from __future__ import annotations

import os
import platform
from dataclasses import dataclass
from pathlib import Path

from bakehouse.model.words import AcceleratorName

_PLATFORMS = {"x86_64": "linux/amd64", "aarch64": "linux/arm64"}
_PCI_VENDORS = {"0x10de": AcceleratorName.CUDA, "0x1002": AcceleratorName.ROCM, "0x8086": AcceleratorName.XPU}
_DISPLAY_CONTROLLER = "0x03"


@dataclass(frozen=True, kw_only=True, slots=True)
class Card:
    """A GPU on the PCI bus."""

    accelerator: AcceleratorName
    name: str
    """As the driver calls it, or the PCI id where no driver tells."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Machine:
    platform: str
    cores: int
    cards: tuple[Card, ...]

    def describe(self) -> str:
        cards = ", ".join(card.name for card in self.cards) or "no GPU"
        return f"{self.platform}, {self.cores} cores, {cards}"


def detect(*, proc: Path = Path("/proc"), sys: Path = Path("/sys"), machine: str | None = None) -> Machine:
    """Look at the PCI bus. A card without a driver is listed, under its PCI id."""
    names = {path.parent.name: _nvidia_name(path) for path in proc.glob("driver/nvidia/gpus/*/information")}
    cards = []
    for device in sorted(sys.glob("bus/pci/devices/*")):
        vendor, kind = _read(device / "vendor"), _read(device / "class")
        if vendor in _PCI_VENDORS and kind.startswith(_DISPLAY_CONTROLLER):
            pci_id = f"{vendor.removeprefix('0x')}:{_read(device / 'device').removeprefix('0x')}"
            cards.append(Card(accelerator=_PCI_VENDORS[vendor], name=names.get(device.name, f"PCI {pci_id}")))
    architecture = machine or platform.machine()
    return Machine(
        platform=_PLATFORMS.get(architecture, f"linux/{architecture}"),
        cores=len(os.sched_getaffinity(0)),
        cards=tuple(cards),
    )


def _nvidia_name(information: Path) -> str:
    lines = dict(line.split(":", 1) for line in _read(information).splitlines() if ":" in line)
    return lines.get("Model", "NVIDIA GPU").strip()


def _read(path: Path) -> str:
    try:
        return path.read_text(errors="replace").strip()
    except OSError:
        return ""
