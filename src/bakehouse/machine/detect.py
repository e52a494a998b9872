"""Look at the machine: the bus first, then the vendors' libraries."""

from __future__ import annotations

import importlib
import os
import platform
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from bakehouse.machine import amd, intel, nvidia
from bakehouse.machine.bus import BusSlot, Roots, slots
from bakehouse.model.enums import AcceleratorName
from bakehouse.model.machine import Card, Machine

_PLATFORMS = {"x86_64": "linux/amd64", "aarch64": "linux/arm64"}


@dataclass(frozen=True, kw_only=True, slots=True)
class Libraries:
    """The vendors' Python modules; None where one is missing."""

    nvml: Any | None = None
    amdsmi: Any | None = None


def load_libraries() -> Libraries:
    """nvidia-ml-py is installed with us; amdsmi comes with ROCm. Neither means that there is a card."""
    return Libraries(nvml=_module("pynvml"), amdsmi=_module("amdsmi"))


def detect(
    *,
    proc: Path = Path("/proc"),
    sys: Path = Path("/sys"),
    dev: Path = Path("/dev"),
    machine: str | None = None,
    libraries: Libraries | None = None,
) -> Machine:
    """Find the cards by address. One that cannot be used is listed with its problem."""
    libraries = libraries or load_libraries()
    roots = Roots(proc=proc, sys=sys, dev=dev)
    by_vendor: dict[AcceleratorName, list[BusSlot]] = {}
    for slot in slots(sys):
        by_vendor.setdefault(slot.accelerator, []).append(slot)
    found = [
        *nvidia.cards(by_vendor.get(AcceleratorName.CUDA, []), libraries.nvml, roots),
        *amd.cards(by_vendor.get(AcceleratorName.ROCM, []), libraries.amdsmi, roots),
        *intel.cards(by_vendor.get(AcceleratorName.XPU, []), roots),
    ]
    architecture = machine or platform.machine()
    return Machine(
        platform=_PLATFORMS.get(architecture, f"linux/{architecture}"),
        cores=len(os.sched_getaffinity(0)),
        cards=_numbered(found),
    )


def _numbered(cards: list[Card]) -> tuple[Card, ...]:
    """By address; a card and the MIG instances on it share a number, because they disturb each other."""
    places = sorted({card.address or card.uuid or card.name for card in cards})
    numbered = [replace(card, number=places.index(card.address or card.uuid or card.name)) for card in cards]
    return tuple(sorted(numbered, key=lambda card: (card.number, card.uuid or "")))


def _module(name: str) -> Any | None:
    try:
        return importlib.import_module(name)
    except (ImportError, OSError, KeyError, AttributeError):  # amdsmi loads the driver's library when it is imported
        return None
