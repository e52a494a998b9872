"""How the cards of this machine reach a container.

NVIDIA's come with their driver's libraries, by the container toolkit (`--gpus`) or by CDI; AMD's and Intel's drivers
are in the image, and only the kernel's device nodes are handed in, with the groups that own them: images have no group
`render`, and their user is not root. Nothing else is added: a container gets what its users type (`plan --gpu` shows
it), so that an image that lacks something fails here as it does there. Only the driver in software is asked for by
name.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from bakehouse.engine.cdi import devices_in
from bakehouse.engine.connection import Engine
from bakehouse.machine import Card, Machine
from bakehouse.machine.bus import closed
from bakehouse.model.enums import AcceleratorName

_CDI = "nvidia.com/gpu="
SOFTWARE = "lavapipe (software)"
"""Name of the device that is this machine's processor behind Vulkan."""
_ICDS = "/usr/share/vulkan/icd.d"
_SOFTWARE_ENV = {
    # Debian's name, and those of distributions that have a file for each architecture. The loader skips missing ones.
    "VK_DRIVER_FILES": ":".join(f"{_ICDS}/lvp_icd{kind}.json" for kind in ("", ".x86_64", ".aarch64")),
}


@dataclass(frozen=True, kw_only=True, slots=True)
class Devices:
    """What is handed to a container, and the name of the lease that guards it."""

    lease: str = "cpu"
    name: str = "cpu"
    """For reports: measurements on devices of different names are never compared."""
    gpus: str | None = None
    """Value of Docker's `--gpus`."""
    nodes: tuple[str, ...] = ()
    """Values of Docker's `--device`: nodes, or names of CDI."""
    groups: tuple[str, ...] = ()
    """Numbers of the groups that own the nodes."""
    env: Mapping[str, str] = field(default_factory=dict)
    folders: Mapping[str, str] = field(default_factory=dict)
    """Folders of this machine that a driver may write to, and where they are in the container."""
    card: Card | None = None
    is_software: bool = False
    """Whether it is the processor that plays a GPU: right, and slow."""


CPU = Devices()


@dataclass(frozen=True, kw_only=True, slots=True)
class Absent:
    """Why nothing on this machine can run the image."""

    reason: str


@dataclass(frozen=True, kw_only=True, slots=True)
class Nvidia:
    """How an engine hands out NVIDIA's cards."""

    cdi: frozenset[str] = frozenset()
    """Devices that the engine knows by CDI; empty: it is asked with `--gpus`."""


Unfit = Callable[[Card], str | None]
"""Why an image does not run on a card, although the card works."""


def choose(
    accelerator: AcceleratorName,
    machine: Machine,
    *,
    nvidia: Nvidia = Nvidia(),
    unfit: Unfit = lambda _: None,
    dev: Path = Path("/dev"),
) -> Devices | Absent:
    """The first card that works and that the image runs on.

    Vulkan without a card runs on the processor: Mesa's software driver is in the image.
    """
    if accelerator is AcceleratorName.CPU:
        return CPU
    reasons = []
    for card in machine.cards:
        if accelerator not in (card.accelerator, AcceleratorName.VULKAN):
            continue
        reason = _problem(accelerator, card) or unfit(card)
        if reason is None:
            return _hand_over(accelerator, card, nvidia=nvidia, dev=dev)
        reasons.append(f"{card.name}: {reason}")
    if accelerator is AcceleratorName.VULKAN:
        return Devices(name=SOFTWARE, env=_SOFTWARE_ENV, is_software=True)
    return Absent(reason="; ".join(reasons) or f"this machine has no card for {accelerator} ({machine.describe()})")


def nvidia_of(engine: Engine) -> Nvidia:
    """How an engine hands out NVIDIA's cards."""
    return nvidia_by(engine.info, is_here=engine.is_here)


def nvidia_by(info: Mapping[str, Any], *, is_here: bool = True) -> Nvidia:
    """With NVIDIA's runtime, `--gpus` works; else CDI, where there is a specification.

    Docker lists what it found since 28.2. From 25 on it names the folders of `features.cdi`, where we look.
    `is_here`: those folders are this machine's.
    """
    if "nvidia" in (info.get("Runtimes") or {}):
        return Nvidia()
    found = info.get("DiscoveredDevices") or []
    names = {device.get("ID", "") for device in found if device.get("Source") == "cdi"}
    known = frozenset(name for name in names if name.startswith(_CDI))
    folders = [Path(folder) for folder in info.get("CDISpecDirs") or []] if is_here else []
    return Nvidia(cdi=known or devices_in(folders))


def _problem(accelerator: AcceleratorName, card: Card) -> str | None:
    """Vulkan asks less of a card of AMD or Intel than its own accelerator does: the render node."""
    if accelerator is card.accelerator or card.accelerator is AcceleratorName.CUDA:
        return card.problem
    return closed(Path(card.render)) if card.render else "it has no render node"


def _hand_over(accelerator: AcceleratorName, card: Card, *, nvidia: Nvidia, dev: Path) -> Devices:
    if card.accelerator is AcceleratorName.CUDA:
        return _of_nvidia(card, nvidia)
    nodes = [dev / "kfd"] if accelerator is AcceleratorName.ROCM else []
    nodes += [Path(card.render)] if card.render else []
    groups = sorted({node.stat().st_gid for node in nodes})
    return Devices(
        lease=card.lease,
        name=card.name,
        nodes=tuple(map(str, nodes)),
        groups=tuple(map(str, groups)),
        card=card,
    )


def _of_nvidia(card: Card, nvidia: Nvidia) -> Devices:
    """By UUID where there is one: numbers may mean other cards inside a container toolkit than in NVML.

    What of the driver comes with it, the image says itself (NVIDIA_DRIVER_CAPABILITIES), as it must for its users.
    """
    ids = [str(one) for one in (card.uuid, card.index) if one is not None] or ["0"]
    known = next((f"{_CDI}{one}" for one in ids if f"{_CDI}{one}" in nvidia.cdi), None)
    return Devices(
        lease=card.lease,
        name=card.name,
        gpus=None if known else f"device={ids[0]}",
        nodes=(known,) if known else (),
        card=card,
    )
