"""Machines made of files, and stand-ins for the vendors' libraries."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from types import SimpleNamespace

from bakehouse.machine import Libraries, Machine, detect

GIB = 2**30


class Faked:
    """A machine's /proc, /sys and /dev below a folder."""

    def __init__(self, root: Path) -> None:
        self.proc, self.sys, self.dev = root / "proc", root / "sys", root / "dev"
        for folder in (self.proc, self.sys, self.dev):
            folder.mkdir(parents=True, exist_ok=True)

    def write(self, path: Path, text: str = "") -> Path:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
        return path

    def node(self, name: str, mode: int = 0o660) -> Path:
        """A device node, as far as its name and mode go."""
        path = self.write(self.dev / name)
        path.chmod(mode)
        return path

    def card(
        self, address: str, pci: str, *, kind: str = "0x030000", driver: str | None = None, render: int | None = None
    ) -> Path:
        vendor, device = pci.split(":")
        folder = self.sys / "bus/pci/devices" / address
        for name, text in (("vendor", f"0x{vendor}"), ("device", f"0x{device}"), ("class", kind)):
            self.write(folder / name, text + "\n")
        if driver:
            (self.sys / "bus/pci/drivers" / driver).mkdir(parents=True, exist_ok=True)
            (folder / "driver").symlink_to(self.sys / "bus/pci/drivers" / driver)
        if render is not None:
            (folder / f"drm/renderD{render}").mkdir(parents=True)
            self.node(f"dri/renderD{render}")
        return folder

    def kfd(self, number: int, *, gfx: int, bus: int) -> None:
        lines = f"cpu_cores_count 0\nsimd_count 192\ngfx_target_version {gfx}\nlocation_id {bus << 8}\ndomain 0\n"
        self.write(self.sys / f"class/kfd/kfd/topology/nodes/{number}/properties", lines)

    def nvidia(self, address: str, pci: str) -> None:
        """A card with its driver loaded."""
        self.card(address, pci, driver="nvidia")
        self.node("nvidiactl", 0o666)

    def detect(self, libraries: Libraries | None = None, *, machine: str = "x86_64") -> Machine:
        return detect(proc=self.proc, sys=self.sys, dev=self.dev, machine=machine, libraries=libraries or Libraries())


class NVMLError(Exception):
    """As in nvidia-ml-py, each error has a class of its own below this one."""


class NVMLError_LibraryNotFound(NVMLError):  # noqa: N801, N818 - the library's own name
    pass


class NVMLError_NotSupported(NVMLError):  # noqa: N801, N818
    pass


class NVMLError_NotFound(NVMLError):  # noqa: N801, N818
    pass


class NVMLError_LibRmVersionMismatch(NVMLError):  # noqa: N801, N818
    pass


class NVMLError_Unknown(NVMLError):  # noqa: N801, N818
    pass


@dataclass(kw_only=True)
class FakeGpu:
    name: str
    bus: str
    capability: tuple[int, int]
    memory: int | None = 24 * GIB
    uuid: str = "GPU-1"
    mig: list[FakeGpu] | None = None
    """Its MIG instances; None: it cannot be split."""
    processes: dict[int, int] = field(default_factory=dict)
    power: int | None = None
    """Milliwatts. None, here and below: NVML does not support it."""
    power_limit: int | None = None
    energy: int | None = None
    """Millijoules."""
    clock: int | None = None
    busy: int | None = None
    reasons: int | None = None
    utilisation: list[SimpleNamespace] | None = None


class FakeNvml:
    """The functions of nvidia-ml-py that we call; handles are the cards themselves."""

    NVMLError = NVMLError

    def __init__(self, *gpus: FakeGpu, driver: str = "580.95.05", fails: Exception | None = None) -> None:
        self._gpus, self._driver, self._fails = gpus, driver, fails
        self.open = 0

    def nvmlInit(self) -> None:  # noqa: N802
        if self._fails:
            raise self._fails
        self.open += 1

    def nvmlShutdown(self) -> None:  # noqa: N802
        self.open -= 1

    def nvmlSystemGetDriverVersion(self) -> str:  # noqa: N802
        return self._driver

    def nvmlDeviceGetCount(self) -> int:  # noqa: N802
        return len(self._gpus)

    def nvmlDeviceGetHandleByIndex(self, index: int) -> FakeGpu:  # noqa: N802
        return self._gpus[index]

    def nvmlDeviceGetHandleByUUID(self, uuid: str) -> FakeGpu:  # noqa: N802
        for gpu in self._gpus:
            if gpu.uuid == uuid:
                return gpu
        raise NVMLError_NotFound

    def nvmlDeviceGetPciInfo(self, gpu: FakeGpu) -> SimpleNamespace:  # noqa: N802
        return SimpleNamespace(busId=gpu.bus.encode())

    def nvmlDeviceGetCudaComputeCapability(self, gpu: FakeGpu) -> tuple[int, int]:  # noqa: N802
        return gpu.capability

    def nvmlDeviceGetName(self, gpu: FakeGpu) -> str:  # noqa: N802
        return gpu.name

    def nvmlDeviceGetUUID(self, gpu: FakeGpu) -> str:  # noqa: N802
        return gpu.uuid

    def nvmlDeviceGetMemoryInfo(self, gpu: FakeGpu) -> SimpleNamespace:  # noqa: N802
        if gpu.memory is None:
            raise NVMLError_NotSupported
        return SimpleNamespace(total=gpu.memory, used=sum(gpu.processes.values()))

    def nvmlDeviceGetMigMode(self, gpu: FakeGpu) -> list[int]:  # noqa: N802
        if gpu.mig is None:
            raise NVMLError_NotSupported
        return [1, 1]

    def nvmlDeviceGetMaxMigDeviceCount(self, gpu: FakeGpu) -> int:  # noqa: N802, ARG002
        return 7

    def nvmlDeviceGetMigDeviceHandleByIndex(self, gpu: FakeGpu, index: int) -> FakeGpu:  # noqa: N802
        if gpu.mig is None or index >= len(gpu.mig):
            raise NVMLError_NotFound
        return gpu.mig[index]

    def nvmlDeviceGetComputeRunningProcesses(self, gpu: FakeGpu) -> list[SimpleNamespace]:  # noqa: N802
        return [SimpleNamespace(pid=pid, usedGpuMemory=used) for pid, used in gpu.processes.items()]

    nvmlClocksEventReasonSwPowerCap = 0x04  # noqa: N815 - the library's own names and values
    nvmlClocksEventReasonHwSlowdown = 0x08  # noqa: N815
    nvmlClocksEventReasonSwThermalSlowdown = 0x20  # noqa: N815

    def nvmlDeviceGetEnforcedPowerLimit(self, gpu: FakeGpu) -> int:  # noqa: N802
        return _told(gpu.power_limit)

    def nvmlDeviceGetPowerUsage(self, gpu: FakeGpu) -> int:  # noqa: N802
        return _told(gpu.power)

    def nvmlDeviceGetTotalEnergyConsumption(self, gpu: FakeGpu) -> int:  # noqa: N802
        return _told(gpu.energy)

    def nvmlDeviceGetClockInfo(self, gpu: FakeGpu, kind: int) -> int:  # noqa: N802, ARG002
        return _told(gpu.clock)

    def nvmlDeviceGetUtilizationRates(self, gpu: FakeGpu) -> SimpleNamespace:  # noqa: N802
        return SimpleNamespace(gpu=_told(gpu.busy))

    def nvmlDeviceGetCurrentClocksEventReasons(self, gpu: FakeGpu) -> int:  # noqa: N802
        return _told(gpu.reasons)

    def nvmlDeviceGetProcessUtilization(self, gpu: FakeGpu, seen: int) -> list[SimpleNamespace]:  # noqa: N802
        if gpu.utilisation is None:
            raise NVMLError_NotSupported
        found = [one for one in gpu.utilisation if one.timeStamp > seen]
        if not found:
            raise NVMLError_NotFound
        return found


def _told(value: int | None) -> int:
    if value is None:
        raise NVMLError_NotSupported
    return value


class AmdSmiError(Exception):
    """As amdsmi's AmdSmiException."""


class FakeAmdSmi:
    AmdSmiException = AmdSmiError

    def __init__(self, names: dict[str, str], *, broken: bool = False) -> None:
        self._names, self._broken = names, broken

    def amdsmi_init(self) -> None:
        if self._broken:
            raise AmdSmiError

    def amdsmi_shut_down(self) -> None:
        pass

    def amdsmi_get_processor_handles(self) -> list[str]:
        return list(self._names)

    def amdsmi_get_gpu_device_bdf(self, handle: str) -> str:
        return handle

    def amdsmi_get_gpu_asic_info(self, handle: str) -> dict[str, str]:
        return {"market_name": self._names[handle]}
