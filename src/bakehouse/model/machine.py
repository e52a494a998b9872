"""A card and a machine, as they were found."""

from __future__ import annotations

from dataclasses import dataclass

from bakehouse.model.enums import AcceleratorName

_GIB = 2**30


@dataclass(frozen=True, kw_only=True, slots=True)
class Card:
    """A GPU of this machine, or a MIG instance of one. What is unknown is None."""

    accelerator: AcceleratorName
    """The vendor's own; Vulkan runs on the cards of all of them."""
    name: str
    """As the driver calls it, or the PCI id where no driver tells."""
    pci: str | None = None
    """Vendor and device as the catalogue has them: `10de:2b85`."""
    address: str | None = None
    """On the bus: `0000:01:00.0`."""
    arch: str | None = None
    """`sm_120`, `gfx1100`: what its code is compiled for."""
    memory: int | None = None
    """Bytes."""
    shared_memory: bool = False
    """Whether `memory` is the machine's own, which the processor uses, too (DGX Spark)."""
    driver: str | None = None
    """Version of the driver, as `nvidia-smi` shows it."""
    power_limit: float | None = None
    """Watts that it may draw: what its owner set, which changes what it can compute."""
    index: int | None = None
    """As the vendor's tools count."""
    uuid: str | None = None
    render: str | None = None
    """Its node for everything but screens: `/dev/dri/renderD128`."""
    number: int = 0
    """Position among the machine's cards by address; MIG instances have that of their card."""
    problem: str | None = None
    """Why its accelerator cannot be used, and what is needed."""

    @property
    def lease(self) -> str:
        """Name of the lease that guards it."""
        return f"gpu-{self.number}"

    def describe(self) -> str:
        facts = [self.arch, f"{self.memory / _GIB:.0f} GiB" if self.memory else None]
        facts.append(f"driver {self.driver}" if self.driver else None)
        said = ", ".join(fact for fact in facts if fact)
        text = f"{self.name} ({said})" if said else self.name
        return f"{text}: cannot be used, {self.problem}" if self.problem else text


@dataclass(frozen=True, kw_only=True, slots=True)
class Machine:
    platform: str
    cores: int
    cards: tuple[Card, ...]

    @property
    def usable(self) -> tuple[Card, ...]:
        """The cards that have no problem."""
        return tuple(card for card in self.cards if card.problem is None)

    def describe(self) -> str:
        cards = "; ".join(card.describe() for card in self.cards) or "no GPU"
        return f"{self.platform}, {self.cores} cores, {cards}"
