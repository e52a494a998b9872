"""The PCI bus and device nodes, as the kernel shows them."""

from __future__ import annotations

import re
import stat
from dataclasses import dataclass
from pathlib import Path

from bakehouse.model.enums import AcceleratorName

VENDORS = {"10de": AcceleratorName.CUDA, "1002": AcceleratorName.ROCM, "8086": AcceleratorName.XPU}
_DISPLAY = "0x03"
_PROCESSING = "0x1200"
"""MI200 and MI300 call themselves processing accelerators, not displays."""
_SET_ASIDE = ("vfio-pci", "pci-stub")
_READ_WRITE_GROUP = stat.S_IRGRP | stat.S_IWGRP
_READ_WRITE_OTHERS = stat.S_IROTH | stat.S_IWOTH


@dataclass(frozen=True, kw_only=True, slots=True)
class BusSlot:
    """A card's place on the bus."""

    address: str
    folder: Path
    accelerator: AcceleratorName
    pci: str
    driver: str | None
    """Name of the kernel driver that is bound to it."""

    @property
    def render(self) -> str | None:
        """Name of its render node, `renderD128`."""
        return next((path.name for path in sorted(self.folder.glob("drm/renderD*"))), None)


@dataclass(frozen=True, kw_only=True, slots=True)
class Roots:
    """Where the kernel's file systems are."""

    proc: Path = Path("/proc")
    sys: Path = Path("/sys")
    dev: Path = Path("/dev")


def slots(sys: Path) -> list[BusSlot]:
    """Cards of the vendors we know, by address. Virtual functions and sound parts are no cards."""
    found = []
    for folder in sorted(sys.glob("bus/pci/devices/*")):
        vendor, kind = read(folder / "vendor").removeprefix("0x"), read(folder / "class")
        is_card = kind.startswith(_DISPLAY) or (kind.startswith(_PROCESSING) and vendor == "1002")
        if vendor in VENDORS and is_card:
            driver = folder / "driver"
            found.append(
                BusSlot(
                    address=folder.name,
                    folder=folder,
                    accelerator=VENDORS[vendor],
                    pci=f"{vendor}:{read(folder / 'device').removeprefix('0x')}",
                    driver=driver.resolve().name if driver.exists() else None,
                )
            )
    return found


def unbound(slot: BusSlot, wanted: tuple[str, ...], *, install: str) -> str | None:
    """Why the kernel driver of a card is not one of those that are needed; None: it is."""
    if slot.driver in wanted:
        return None
    if slot.driver is None:
        return f"no driver is bound to it: {install}"
    if slot.driver in _SET_ASIDE:
        return f"it is set aside for a virtual machine ({slot.driver}): bind it to {' or '.join(wanted)} again"
    return f"the {slot.driver} driver holds it, which cannot run it: {install}"


def power_limit(slot: BusSlot) -> float | None:
    """Watts, of the drivers that say so in hwmon: amdgpu calls it a cap, xe and i915 a maximum."""
    files = [path for name in ("power1_cap", "power1_max") for path in sorted(slot.folder.glob(f"hwmon/hwmon*/{name}"))]
    said = next((value for path in files if (value := number(read(path)))), None)
    return said / 1e6 if said else None


def closed(node: Path) -> str | None:
    """Why a container's user cannot open a device node, even in the node's group; None: he can."""
    try:
        status = node.stat()
    except OSError:
        return f"{node} is missing"
    if _allows(status.st_mode, _READ_WRITE_GROUP) or _allows(status.st_mode, _READ_WRITE_OTHERS):
        return None
    mode = stat.S_IMODE(status.st_mode)
    return (
        f"no permission: only root may open {node} (mode {mode:04o}, group {status.st_gid}); "
        f"give it to its group: chmod g+rw {node}, and mend the udev rule that made it so"
    )


def normal_address(text: str) -> str:
    """`00000000:01:00.0`, as NVML writes it, in the kernel's words: `0000:01:00.0`."""
    found = re.fullmatch(r"([0-9a-f]{4,8}):([0-9a-f]{2}:[0-9a-f]{2}\.[0-7])", text.strip().lower())
    return f"{int(found[1], 16):04x}:{found[2]}" if found else text.strip().lower()


def read(path: Path) -> str:
    """A file's text without the space around it; empty where it cannot be read."""
    try:
        return path.read_text(encoding="utf-8", errors="replace").strip()
    except OSError:
        return ""


def number(text: str) -> int | None:
    return int(text) if text.isascii() and text.isdigit() else None


def _allows(mode: int, wanted: int) -> bool:
    return mode & wanted == wanted
