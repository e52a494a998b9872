"""NVIDIA's cards: NVML where it works, else what the driver writes below /proc."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any, TypeVar

from bakehouse.machine.bus import BusSlot, Roots, closed, normal_address, read, unbound
from bakehouse.model.enums import AcceleratorName
from bakehouse.model.machine import Card

T = TypeVar("T")
DRIVERS = ("nvidia",)
_INSTALL = "install NVIDIA's driver and load it (modprobe nvidia)"
_VERSION = re.compile(r"\b(\d{3,}\.\d+(?:\.\d+)?)\b")
_LIBRARY = "libnvidia-ml.so.1"
_MIG = "MIG "
_MEMORY_CLOCK = 2
"""NVML_CLOCK_MEM"""
_REASONS = {
    "DriverNotLoaded": "the nvidia driver is not loaded: modprobe nvidia",
    "LibRmVersionMismatch": "the driver's libraries and its kernel module have different versions: reboot",
    "NoPermission": "this user may not talk to the driver: look at the modes of /dev/nvidia*",
    "GpuIsLost": "it has fallen off the bus: reboot, and look for Xid in dmesg",
}
"""NVML's errors that a person can act on, without NVMLError_ before them."""


@dataclass(frozen=True, kw_only=True, slots=True)
class _Told:
    """What NVML said of all cards: by address, and why it said nothing."""

    cards: dict[str, tuple[Card, ...]]
    problem: str | None = None


def cards(slots: list[BusSlot], nvml: Any | None, roots: Roots) -> list[Card]:
    """The cards on the bus, and those that only NVML knows (WSL has none on its bus). A MIG instance is a card."""
    told = _ask(nvml, roots) if nvml else _Told(cards={}, problem=_without_library(slots, roots))
    found: list[Card] = []
    for slot in slots:
        known = told.cards.pop(slot.address, ())
        found += [replace(card, pci=slot.pci, render=_render(slot, roots)) for card in known] or [
            _by_proc(slot, told.problem, roots)
        ]
    return [*found, *(card for known in told.cards.values() for card in known), *_of_windows(found, told, roots)]


def _without_library(slots: list[BusSlot], roots: Roots) -> str | None:
    """Without NVML, the nodes of the driver say whether a container could get the card."""
    if not slots and not (roots.dev / "dxg").exists():
        return None
    if not any((roots.dev / name).exists() for name in ("nvidiactl", "dxg")):
        return f"{roots.dev}/nvidiactl is missing: run nvidia-smi once as root, which makes it"
    return None


def _of_windows(found: list[Card], told: _Told, roots: Roots) -> list[Card]:
    """WSL shows a card as /dev/dxg and says nothing of it without NVIDIA's library."""
    if found or told.cards or not (roots.dev / "dxg").exists():
        return []
    problem = f"WSL shows it as {roots.dev}/dxg, but {_LIBRARY} does not know it: install NVIDIA's driver in Windows"
    return [Card(accelerator=AcceleratorName.CUDA, name="GPU of Windows", problem=problem)]


def _by_proc(slot: BusSlot, problem: str | None, roots: Roots) -> Card:
    """A card that NVML does not list."""
    folder = roots.proc / "driver/nvidia"
    lines = read(folder / "gpus" / slot.address / "information").splitlines()
    said = {key.strip(): value.strip() for key, _, value in (line.partition(":") for line in lines)}
    version = _VERSION.search(read(folder / "version"))
    return Card(
        accelerator=AcceleratorName.CUDA,
        name=said.get("Model") or f"PCI {slot.pci}",
        pci=slot.pci,
        address=slot.address,
        driver=version[1] if version else None,
        uuid=said.get("GPU UUID"),
        render=_render(slot, roots),
        problem=unbound(slot, DRIVERS, install=_INSTALL) or problem,
    )


def _render(slot: BusSlot, roots: Roots) -> str | None:
    return str(roots.dev / "dri" / slot.render) if slot.render else None


# ---------------------------------------------------------------------------------------------- NVML


def _ask(nvml: Any, roots: Roots) -> _Told:
    try:
        nvml.nvmlInit()
    except nvml.NVMLError as error:
        missing = type(error).__name__.endswith("LibraryNotFound")
        return _Told(cards={}, problem=f"{_LIBRARY} is not installed" if missing else _reason(error))
    try:
        driver = nvml.nvmlSystemGetDriverVersion()
        told: dict[str, tuple[Card, ...]] = {}
        for index in range(nvml.nvmlDeviceGetCount()):
            found = _card(nvml, index, driver, roots)
            if found:
                told[found[0].address or str(index)] = found
        return _Told(cards=told)
    except nvml.NVMLError as error:
        return _Told(cards={}, problem=_reason(error))
    finally:
        nvml.nvmlShutdown()


def _card(nvml: Any, index: int, driver: str, roots: Roots) -> tuple[Card, ...]:
    """The card, or its MIG instances. Empty: NVML cannot even name it."""
    try:
        handle = nvml.nvmlDeviceGetHandleByIndex(index)
        address = normal_address(_text(nvml.nvmlDeviceGetPciInfo(handle).busId))
        major, minor = nvml.nvmlDeviceGetCudaComputeCapability(handle)
        memory, is_shared = _memory(nvml, handle, roots)
        card = Card(
            accelerator=AcceleratorName.CUDA,
            name=nvml.nvmlDeviceGetName(handle),
            address=address,
            arch=f"sm_{major}{minor}",
            memory=memory,
            shared_memory=is_shared,
            driver=driver,
            power_limit=_power_limit(nvml, handle),
            index=index,
            uuid=nvml.nvmlDeviceGetUUID(handle),
            problem=_nodes_closed(roots),
        )
    except nvml.NVMLError:
        return ()
    return _instances(nvml, handle, card) if _is_split(nvml, handle) else (card,)


def _memory(nvml: Any, handle: Any, roots: Roots) -> tuple[int | None, bool]:
    """Bytes, and whether they are the machine's own: NVML says "not supported" of a GB10."""
    try:
        return int(nvml.nvmlDeviceGetMemoryInfo(handle).total), False
    except nvml.NVMLError as error:
        if not type(error).__name__.endswith("NotSupported"):
            return None, False
    found = re.search(r"^MemTotal:\s+(\d+) kB", read(roots.proc / "meminfo"), re.MULTILINE)
    return (int(found[1]) * 1024 if found else None), True


def _power_limit(nvml: Any, handle: Any) -> float | None:
    """Watts. A GB10 has none of its own, a MIG instance is not asked."""
    try:
        return float(nvml.nvmlDeviceGetEnforcedPowerLimit(handle)) / 1000
    except nvml.NVMLError:
        return None


def _is_split(nvml: Any, handle: Any) -> bool:
    try:
        current, _ = nvml.nvmlDeviceGetMigMode(handle)
    except nvml.NVMLError:  # most cards cannot be split
        return False
    return bool(current)


def _instances(nvml: Any, handle: Any, card: Card) -> tuple[Card, ...]:
    found = []
    for number in range(nvml.nvmlDeviceGetMaxMigDeviceCount(handle)):
        try:
            instance = nvml.nvmlDeviceGetMigDeviceHandleByIndex(handle, number)
            uuid, name = nvml.nvmlDeviceGetUUID(instance), nvml.nvmlDeviceGetName(instance)
            memory = int(nvml.nvmlDeviceGetMemoryInfo(instance).total)
        except nvml.NVMLError:  # a number without an instance
            continue
        name = name if _MIG in name else f"{card.name} {_MIG}{number}"
        found.append(replace(card, name=name, uuid=uuid, memory=memory))
    problem = "MIG is switched on and it has no instance: nvidia-smi mig -cgi PROFILE -C, or nvidia-smi -mig 0"
    return tuple(found) or (replace(card, problem=problem),)


def _nodes_closed(roots: Roots) -> str | None:
    """NVML answers also where a container could not open the device."""
    control = roots.dev / "nvidiactl"
    return closed(control) if control.exists() else None


def _reason(error: Exception) -> str:
    kind = type(error).__name__.removeprefix("NVMLError_")
    return _REASONS.get(kind, f"NVIDIA's library says: {error}")


def _text(value: bytes | str) -> str:
    return value.decode() if isinstance(value, bytes) else value


def memory_bandwidth(card: Card, nvml: Any | None) -> float | None:
    """Bytes a second that its memory bus carries: its width at its highest clock, twice in each (DDR).

    None where NVML does not say, and for other cards than NVIDIA's.
    """
    if nvml is None or card.uuid is None or card.accelerator is not AcceleratorName.CUDA:
        return None

    def ask(handle: Any) -> float | None:
        bits = nvml.nvmlDeviceGetMemoryBusWidth(handle)
        megahertz = nvml.nvmlDeviceGetMaxClockInfo(handle, _MEMORY_CLOCK)
        return 2.0 * bits / 8 * megahertz * 1e6 or None

    return _asked(nvml, card, ask)


def memory_of(pid: int, card: Card, nvml: Any) -> int | None:
    """Bytes of the card that the driver says a process holds; None where it does not say."""

    def ask(handle: Any) -> int | None:
        processes = nvml.nvmlDeviceGetComputeRunningProcesses(handle)
        return next((one.usedGpuMemory for one in processes if one.pid == pid), None)

    return _asked(nvml, card, ask)


def _asked(nvml: Any, card: Card, ask: Callable[[Any], T | None]) -> T | None:
    """What a question about a card gives; None where NVML does not work, or is too old for it."""
    try:
        nvml.nvmlInit()
    except nvml.NVMLError:
        return None
    try:
        return ask(nvml.nvmlDeviceGetHandleByUUID(card.uuid))
    except (nvml.NVMLError, AttributeError):
        return None
    finally:
        nvml.nvmlShutdown()
