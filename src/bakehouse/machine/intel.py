"""Intel's cards, by what the kernel shows: there is no library that every machine with one has."""

from __future__ import annotations

from pathlib import Path

from bakehouse.machine.bus import BusSlot, Roots, closed, power_limit, unbound
from bakehouse.model.enums import AcceleratorName
from bakehouse.model.machine import Card

DRIVERS = ("xe", "i915")


def cards(slots: list[BusSlot], roots: Roots) -> list[Card]:
    """Integrated ones, too: SYCL runs on them, slowly."""
    found = []
    for index, slot in enumerate(slots):
        render = roots.dev / "dri" / slot.render if slot.render else None
        found.append(
            Card(
                accelerator=AcceleratorName.XPU,
                name=f"PCI {slot.pci}",
                pci=slot.pci,
                address=slot.address,
                power_limit=power_limit(slot),
                index=index,
                render=str(render) if render else None,
                problem=_problem(slot, render, roots.dev),
            )
        )
    return found


def _problem(slot: BusSlot, render: Path | None, dev: Path) -> str | None:
    if reason := unbound(slot, DRIVERS, install="load xe (or i915 for cards before Battlemage)"):
        return reason
    return closed(render) if render else f"it has no render node below {dev}/dri"
