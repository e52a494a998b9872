from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace

import pytest

from bakehouse.machine import Card
from bakehouse.machine.bus import Roots
from bakehouse.machine.card_sensors import NAMES, of_card
from bakehouse.machine.others import Engines
from bakehouse.machine.sensors import Sensors
from bakehouse.model.enums import AcceleratorName

from .machines import GIB, AmdSmiError, FakeAmdSmi, Faked, FakeGpu, FakeNvml, NVMLError_Unknown

ADDRESS = "0000:03:00.0"
NVIDIA = Card(accelerator=AcceleratorName.CUDA, name="n", uuid="GPU-1", address=ADDRESS)
RADEON = Card(accelerator=AcceleratorName.ROCM, name="a", address=ADDRESS)
ARC = Card(accelerator=AcceleratorName.XPU, name="i", address=ADDRESS)
SERVER = 42


class World:
    """A machine with our container, somebody else's process, and a card."""

    def __init__(self, tmp_path: Path) -> None:
        self.faked = Faked(tmp_path)
        self.roots = Roots(proc=self.faked.proc, sys=self.faked.sys, dev=self.faked.dev)
        self.card = self.faked.card(ADDRESS, "1002:744c")
        self.process(SERVER, "llama-server", "0::/docker/abc\n")
        self.process(43, "helper", "0::/docker/abc\n")
        self.process(7, "blender", "0::/user.slice\n")

    def process(self, pid: int, name: str, cgroup: str) -> None:
        self.faked.write(self.faked.proc / f"{pid}/comm", name + "\n")
        self.faked.write(self.faked.proc / f"{pid}/cgroup", cgroup)

    def sysfs(self, **files: str) -> None:
        """Files of the card; `__` stands for a slash."""
        for name, text in files.items():
            self.faked.write(self.card / name.replace("__", "/"), text + "\n")

    def busy(self, pid: int, client: int, nanoseconds: int) -> None:
        text = f"drm-pdev:\t{ADDRESS}\ndrm-client-id:\t{client}\ndrm-engine-capacity-ccs:\t4\n"
        self.faked.write(self.faked.proc / f"{pid}/fdinfo/9", text + f"drm-engine-ccs:\t{nanoseconds} ns\n")


@pytest.fixture
def world(tmp_path: Path) -> World:
    return World(tmp_path)


def told(sensors: Sensors) -> dict[str, object]:
    everything = {**sensors.levels, **sensors.totals, **sensors.states}
    return {name: one() for name, one in everything.items()}


def used(pid: int, percent: int, at: int) -> SimpleNamespace:
    return SimpleNamespace(pid=pid, smUtil=percent, timeStamp=at)


# -------------------------------------------------------------------------------------------- NVIDIA


def test_nvidia_tells_by_nvml(world: World) -> None:
    gpu = FakeGpu(
        name="n",
        bus="",
        capability=(8, 6),
        processes={SERVER: GIB},
        power=250_500,
        energy=9_000,
        clock=1800,
        busy=97,
        reasons=0x04 | 0x20,
        utilisation=[],
    )
    nvml = FakeNvml(gpu)
    with of_card(NVIDIA, SERVER, nvml=nvml, roots=world.roots) as sensors:
        assert nvml.open == 1
        assert told(sensors) == {
            "gpu_power_w": 250.5,
            "gpu_mhz": 1800,
            "gpu_memory_bytes": GIB,
            "gpu_busy_share": 0.97,
            "gpu_energy_j": 9.0,
            "gpu_throttled": {"power_limit", "thermal"},
            "gpu_others": frozenset(),
        }
        assert sensors.missing == {"gpu_celsius"}  # of this stand-in
    assert nvml.open == 0


def test_a_card_that_supports_nothing_tells_nothing_and_never_zero(world: World) -> None:
    """As GB10, which has the machine's memory, and cards in a virtual machine."""
    with of_card(NVIDIA, SERVER, nvml=FakeNvml(FakeGpu(name="n", bus="", capability=(12, 1), memory=None))) as sensors:
        assert {"gpu_power_w", "gpu_energy_j", "gpu_memory_bytes", "gpu_throttled"} <= sensors.missing


@pytest.mark.parametrize("nvml", [None, FakeNvml(fails=NVMLError_Unknown())], ids=["no library", "broken"])
def test_without_nvml_all_is_missing(nvml: FakeNvml | None, world: World) -> None:
    with of_card(NVIDIA, SERVER, nvml=nvml, roots=world.roots) as sensors:
        assert sensors.missing == set(NAMES)


def test_others_are_who_used_the_card_since_the_last_look(world: World) -> None:
    gpu = FakeGpu(name="n", bus="", capability=(8, 6), utilisation=[used(7, 90, 100)])
    with of_card(NVIDIA, SERVER, nvml=FakeNvml(gpu), roots=world.roots) as sensors:
        others = sensors.states["gpu_others"]
        assert gpu.utilisation is not None
        assert others() == frozenset()  # what the driver remembered from before
        gpu.utilisation += [used(SERVER, 95, 200), used(43, 50, 201), used(7, 3, 202), used(99, 80, 203)]
        assert others() == frozenset()  # our container, a desktop's few percent, and a number that means nothing here
        gpu.utilisation += [used(7, 40, 300)]
        assert others() == frozenset({"blender (process 7)"})
        assert others() == frozenset()


def test_where_nvml_keeps_no_account_presence_counts(world: World) -> None:
    gpu = FakeGpu(name="n", bus="", capability=(8, 6), processes={SERVER: 1, 7: 1})
    with of_card(NVIDIA, SERVER, nvml=FakeNvml(gpu), roots=world.roots) as sensors:
        assert sensors.states["gpu_others"]() == frozenset({"blender (process 7)"})


# ----------------------------------------------------------------------------------------------- AMD


class AmdSmi(FakeAmdSmi):
    """One card, with energy and throttling."""

    def __init__(self, *, energy: dict[str, object] | None = None, throttled: int = 0) -> None:
        super().__init__({ADDRESS: "Radeon"})
        self._energy, self._throttled = energy, throttled

    def amdsmi_get_energy_count(self, handle: str) -> dict[str, object]:  # noqa: ARG002
        if self._energy is None:
            raise AmdSmiError
        return self._energy

    def amdsmi_get_gpu_metrics_info(self, handle: str) -> dict[str, object]:  # noqa: ARG002
        return {"indep_throttle_status": self._throttled}


def test_amd_tells_by_the_kernel(world: World) -> None:
    world.sysfs(
        hwmon__hwmon3__power1_average="120000000",
        hwmon__hwmon3__freq1_input="2100000000",
        hwmon__hwmon3__temp1_input="61000",
        mem_info_vram_used="1024",
        gpu_busy_percent="88",
    )
    with of_card(RADEON, SERVER, roots=world.roots) as sensors:
        assert told(sensors) == {
            "gpu_power_w": pytest.approx(120.0),
            "gpu_mhz": pytest.approx(2100.0),
            "gpu_celsius": pytest.approx(61.0),
            "gpu_memory_bytes": 1024.0,
            "gpu_busy_share": pytest.approx(0.88),
        }
        assert sensors.missing == {"gpu_energy_j", "gpu_throttled", "gpu_others"}


@pytest.mark.parametrize("name", ["energy_accumulator", "power"])
def test_amd_tells_energy_by_its_library(world: World, name: str) -> None:
    library = AmdSmi(energy={name: 2_000_000, "counter_resolution": 15.3}, throttled=1 << 36 | 1)
    with of_card(RADEON, SERVER, amdsmi=library, roots=world.roots) as sensors:
        assert sensors.totals["gpu_energy_j"]() == pytest.approx(30.6)
        assert sensors.states["gpu_throttled"]() == frozenset({"thermal", "power_limit"})


def test_an_amd_card_without_a_counter(world: World) -> None:
    with of_card(RADEON, SERVER, amdsmi=AmdSmi(throttled=2**64 - 1), roots=world.roots) as sensors:
        assert {"gpu_energy_j", "gpu_throttled"} <= sensors.missing


def test_amd_compute_of_others_is_seen_by_its_units(world: World) -> None:
    node = world.faked.sys / "class/kfd/kfd/topology/nodes/1"
    world.faked.write(node / "properties", f"gfx_target_version 110000\nlocation_id {3 << 8}\ndomain 0\n")
    world.faked.write(node / "gpu_id", "51234\n")
    for pid, units in ((SERVER, 96), (7, 0)):
        world.faked.write(world.faked.sys / f"class/kfd/kfd/proc/{pid}/stats_51234/cu_occupancy", f"{units}\n")
    with of_card(RADEON, SERVER, roots=world.roots) as sensors:
        others = sensors.states["gpu_others"]
        assert others() == frozenset()
        world.faked.write(world.faked.sys / "class/kfd/kfd/proc/7/stats_51234/cu_occupancy", "12\n")
        assert others() == frozenset({"blender (process 7)"})


# --------------------------------------------------------------------------------------------- Intel


def test_intel_tells_by_xe(world: World) -> None:
    world.sysfs(
        tile0__gt0__freq0__act_freq="2400",
        tile0__gt0__freq0__throttle__status="1",
        tile0__gt0__freq0__throttle__reason_pl1="1",
        tile0__gt0__freq0__throttle__reason_thermal="0",
        hwmon__hwmon2__energy1_input="5000000",
    )
    with of_card(ARC, SERVER, roots=world.roots) as sensors:
        assert told(sensors) == {"gpu_mhz": 2400.0, "gpu_energy_j": 5.0, "gpu_throttled": {"power_limit"}}
        assert {"gpu_power_w", "gpu_busy_share", "gpu_others"} <= sensors.missing


def test_intel_tells_by_i915(world: World) -> None:
    world.sysfs(drm__card1__gt_act_freq_mhz="1100", drm__card1__gt__gt0__throttle_reason_thermal="1")
    with of_card(ARC, SERVER, roots=world.roots) as sensors:
        assert told(sensors) == {"gpu_mhz": 1100.0, "gpu_throttled": {"thermal"}}


def test_engines_of_others_are_seen_in_fdinfo(world: World) -> None:
    now = [0.0]
    world.busy(SERVER, 1, 0)
    world.busy(7, 2, 5_000_000_000)
    engines = Engines(ADDRESS, SERVER, world.roots, clock=lambda: now[0])
    now[0] = 1.0
    assert engines() == frozenset()  # what it did before
    now[0] = 2.0
    world.busy(7, 2, 5_040_000_000)
    assert engines() == frozenset()  # 4 % of a second
    now[0] = 2.001
    world.busy(7, 2, 5_041_000_000)
    assert engines() == frozenset()  # too short a time to say
    now[0] = 3.0
    world.busy(7, 2, 5_340_000_000)
    world.busy(SERVER, 1, 900_000_000)
    assert engines() == frozenset({"blender (process 7)"})


def test_engines_say_nothing_where_the_driver_keeps_no_account(world: World) -> None:
    world.busy(7, 2, 5)
    assert Engines(ADDRESS, SERVER, world.roots)() is None
