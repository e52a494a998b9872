"""What a card can tell while something runs on it: NVML, amdsmi, and what the kernel's drivers show in sysfs.

Names are the same for all vendors. `gpu_others` says which other processes computed on the card, `gpu_throttled` why it
was slower than it can be. Only processes that are visible below /proc count as others: inside a container with a pid
namespace of its own, the numbers that NVML gives mean nothing.
"""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from bakehouse.machine.bus import Roots, normal_address, number, read
from bakehouse.machine.others import Engines, Utilisation, of_compute_driver
from bakehouse.machine.sensors import HERE, Sensors, first_of, working
from bakehouse.model.enums import AcceleratorName
from bakehouse.model.machine import Card

NAMES = (
    "gpu_power_w",
    "gpu_mhz",
    "gpu_memory_bytes",
    "gpu_busy_share",
    "gpu_celsius",
    "gpu_energy_j",
    "gpu_throttled",
    "gpu_others",
)
"""Everything that a card may tell; what one does not tell is missing."""

HOT = frozenset({"thermal", "hardware", "power_brake"})
"""Reasons that say that the card, or what cools and feeds it, is not as it should be. A power limit is a property."""

_NVML_REASONS = {
    "SwPowerCap": "power_limit",
    "HwSlowdown": "hardware",
    "HwThermalSlowdown": "thermal",
    "SwThermalSlowdown": "thermal",
    "HwPowerBrakeSlowdown": "power_brake",
    "SyncBoost": "sync_boost",
    "ApplicationsClocksSetting": "clocks_setting",
}
_INTEL_REASONS = {
    "thermal": "thermal",
    "prochot": "thermal",
    "ratl": "thermal",
    "vr_thermalert": "thermal",
    "pl1": "power_limit",
    "pl2": "power_limit",
    "pl4": "power_limit",
    "vr_tdc": "power_limit",
}
_AMD_POWER, _AMD_CURRENT, _AMD_HEAT = 0xFFFF, 0xFFFF << 16, 0xFFFF << 32
"""Bits of indep_throttle_status, drivers/gpu/drm/amd/pm/swsmu/inc/amdgpu_smu.h."""


@contextlib.contextmanager
def of_card(
    card: Card, pid: int, *, nvml: Any | None = None, amdsmi: Any | None = None, roots: Roots = HERE
) -> Iterator[Sensors]:
    """Keep the vendor's library open for as long as sensors are read."""
    match card.accelerator:
        case AcceleratorName.CUDA:
            with _of_nvidia(card, pid, nvml, roots) as found:
                yield _complete(found)
        case AcceleratorName.ROCM:
            with _of_amd(card, pid, amdsmi, roots) as found:
                yield _complete(found)
        case _:
            yield _complete(_of_intel(card, pid, roots))


def _complete(found: Sensors) -> Sensors:
    there = {*found.levels, *found.totals, *found.states}
    return found | Sensors(missing=frozenset(NAMES) - there)


# -------------------------------------------------------------------------------------------- NVIDIA


@contextlib.contextmanager
def _of_nvidia(card: Card, pid: int, nvml: Any | None, roots: Roots) -> Iterator[Sensors]:
    if nvml is None:
        yield Sensors()
        return
    try:
        nvml.nvmlInit()
    except nvml.NVMLError:
        yield Sensors()
        return
    try:
        yield _nvidia_sensors(_Nvml(nvml, card), pid, roots)
    finally:
        nvml.nvmlShutdown()


class _Nvml:
    """A card's handle. MIG instances have memory and processes of their own; power and clocks are their card's."""

    def __init__(self, nvml: Any, card: Card) -> None:
        self.library = nvml
        self.handle: Any = None
        self.whole: Any = None
        with contextlib.suppress(nvml.NVMLError):
            self.handle = self.whole = nvml.nvmlDeviceGetHandleByUUID(card.uuid)
        with contextlib.suppress(nvml.NVMLError, AttributeError):
            if nvml.nvmlDeviceIsMigDeviceHandle(self.handle):
                self.whole = nvml.nvmlDeviceGetDeviceHandleFromMigDeviceHandle(self.handle)

    def ask(self, function: str, *arguments: Any, whole: bool = True) -> Any | None:
        """What a function of NVML says; None where it does not, or this version lacks it."""
        handle = self.whole if whole else self.handle
        if handle is None:
            return None
        try:
            return getattr(self.library, function)(handle, *arguments)
        except (self.library.NVMLError, AttributeError):
            return None

    def scaled(self, function: str, *arguments: Any, by: float = 1.0) -> float | None:
        value = self.ask(function, *arguments)
        return None if value is None else value * by

    def busy(self) -> float | None:
        rates = self.ask("nvmlDeviceGetUtilizationRates")
        return None if rates is None else rates.gpu / 100

    def memory(self) -> float | None:
        memory = self.ask("nvmlDeviceGetMemoryInfo", whole=False)
        return None if memory is None else float(memory.used)

    def throttled(self) -> frozenset[str] | None:
        bits = self.ask("nvmlDeviceGetCurrentClocksEventReasons")
        if bits is None:
            bits = self.ask("nvmlDeviceGetCurrentClocksThrottleReasons")
        if bits is None:
            return None
        return frozenset(word for name, word in _NVML_REASONS.items() if bits & self._bit(name))

    def _bit(self, name: str) -> int:
        older = getattr(self.library, f"nvmlClocksThrottleReason{name}", 0)
        return int(getattr(self.library, f"nvmlClocksEventReason{name}", older))


_SM_CLOCK = 1
_CORE_TEMPERATURE = 0


def _nvidia_sensors(card: _Nvml, pid: int, roots: Roots) -> Sensors:
    return working(
        levels={
            "gpu_power_w": lambda: card.scaled("nvmlDeviceGetPowerUsage", by=1e-3),
            "gpu_mhz": lambda: card.scaled("nvmlDeviceGetClockInfo", _SM_CLOCK),
            "gpu_memory_bytes": card.memory,
            "gpu_busy_share": card.busy,
            "gpu_celsius": lambda: card.scaled("nvmlDeviceGetTemperature", _CORE_TEMPERATURE),
        },
        totals={"gpu_energy_j": lambda: card.scaled("nvmlDeviceGetTotalEnergyConsumption", by=1e-3)},
        states={
            "gpu_throttled": card.throttled,
            "gpu_others": Utilisation(card.library, card.handle, pid, roots),
        },
    )


# ----------------------------------------------------------------------------------------------- AMD


@contextlib.contextmanager
def _of_amd(card: Card, pid: int, amdsmi: Any | None, roots: Roots) -> Iterator[Sensors]:
    folder = _folder(card, roots)
    hwmon = _hwmon(folder)
    kernel = working(
        levels={
            "gpu_power_w": lambda: first_of(hwmon("power1_average", "power1_input"), scale=1e-6),
            "gpu_mhz": lambda: first_of(hwmon("freq1_input"), scale=1e-6),
            "gpu_memory_bytes": lambda: first_of([folder / "mem_info_vram_used"]),
            "gpu_busy_share": lambda: first_of([folder / "gpu_busy_percent"], scale=1e-2),
            "gpu_celsius": lambda: first_of(hwmon("temp1_input"), scale=1e-3),
        },
        states={"gpu_others": of_compute_driver(card.address or "", pid, roots)},
    )
    with _amdsmi_handle(card, amdsmi) as handle:
        if handle is None:
            yield kernel
            return
        yield kernel | working(
            totals={"gpu_energy_j": lambda: _amd_energy(amdsmi, handle)},
            states={"gpu_throttled": lambda: _amd_throttled(amdsmi, handle)},
        )


@contextlib.contextmanager
def _amdsmi_handle(card: Card, amdsmi: Any | None) -> Iterator[Any | None]:
    if amdsmi is None:
        yield None
        return
    try:
        amdsmi.amdsmi_init()
    except amdsmi.AmdSmiException:
        yield None
        return
    try:
        yield _find(card, amdsmi)
    finally:
        with contextlib.suppress(amdsmi.AmdSmiException):
            amdsmi.amdsmi_shut_down()


def _find(card: Card, amdsmi: Any) -> Any | None:
    try:
        for handle in amdsmi.amdsmi_get_processor_handles():
            if normal_address(amdsmi.amdsmi_get_gpu_device_bdf(handle)) == card.address:
                return handle
    except amdsmi.AmdSmiException:
        return None
    return None


def _amd_energy(amdsmi: Any, handle: Any) -> float | None:
    """Its counter times its resolution, which is microjoules; `power` is what older versions call the counter."""
    said = _said(amdsmi, "amdsmi_get_energy_count", handle)
    count = said.get("energy_accumulator", said.get("power"))
    step = said.get("counter_resolution")
    return count * step / 1e6 if isinstance(count, int) and isinstance(step, int | float) and count else None


def _amd_throttled(amdsmi: Any, handle: Any) -> frozenset[str] | None:
    bits = _said(amdsmi, "amdsmi_get_gpu_metrics_info", handle).get("indep_throttle_status")
    if not isinstance(bits, int) or bits >= 2**64 - 1:  # all ones: this card does not say
        return None
    heat = {"thermal"} if bits & _AMD_HEAT else set()
    return frozenset(heat | ({"power_limit"} if bits & (_AMD_POWER | _AMD_CURRENT) else set()))


def _said(amdsmi: Any, function: str, handle: Any) -> dict[str, Any]:
    try:
        said = getattr(amdsmi, function)(handle)
    except (amdsmi.AmdSmiException, AttributeError):
        return {}
    return said if isinstance(said, dict) else {}


# --------------------------------------------------------------------------------------------- Intel


def _of_intel(card: Card, pid: int, roots: Roots) -> Sensors:
    """By i915 and xe, which name the same things in different places."""
    folder = _folder(card, roots)
    hwmon = _hwmon(folder)
    clocks = ("tile0/gt0/freq0/act_freq", "drm/card*/gt/gt0/rps_act_freq_mhz", "drm/card*/gt_act_freq_mhz")
    return working(
        levels={
            "gpu_mhz": lambda: first_of(path for name in clocks for path in sorted(folder.glob(name))),
            "gpu_celsius": lambda: first_of(hwmon("temp1_input", "temp2_input"), scale=1e-3),
        },
        totals={"gpu_energy_j": lambda: first_of(hwmon("energy1_input"), scale=1e-6)},
        states={
            "gpu_throttled": lambda: _intel_throttled(folder),
            "gpu_others": Engines(card.address or "", pid, roots),
        },
    )


def _intel_throttled(folder: Path) -> frozenset[str] | None:
    places = [*folder.glob("tile0/gt0/freq0/throttle/reason_*"), *folder.glob("drm/card*/gt/gt0/throttle_reason_*")]
    if not places:
        return None
    names = (path.name.rpartition("reason_")[2] for path in places if number(read(path)))
    return frozenset(_INTEL_REASONS[name] for name in names if name in _INTEL_REASONS)


def _folder(card: Card, roots: Roots) -> Path:
    return roots.sys / "bus/pci/devices" / (card.address or "-")


def _hwmon(folder: Path) -> Any:
    return lambda *names: [path for name in names for path in sorted(folder.glob(f"hwmon/hwmon*/{name}"))]
