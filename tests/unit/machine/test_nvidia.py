from __future__ import annotations

from pathlib import Path

import pytest

from bakehouse.machine import Card, Libraries
from bakehouse.machine.nvidia import memory_of
from bakehouse.model.enums import AcceleratorName

from .machines import (
    GIB,
    Faked,
    FakeGpu,
    FakeNvml,
    NVMLError,
    NVMLError_LibraryNotFound,
    NVMLError_LibRmVersionMismatch,
    NVMLError_Unknown,
)

RTX_3090 = FakeGpu(name="NVIDIA GeForce RTX 3090", bus="00000000:01:00.0", capability=(8, 6), uuid="GPU-3090")
RTX_5090 = FakeGpu(
    name="NVIDIA GeForce RTX 5090",
    bus="00000000:41:00.0",
    capability=(12, 0),
    memory=32 * GIB,
    uuid="GPU-5090",
    power_limit=450_000,
)


@pytest.fixture
def faked(tmp_path: Path) -> Faked:
    return Faked(tmp_path)


def test_several_cards_by_address(faked: Faked) -> None:
    faked.nvidia("0000:41:00.0", "10de:2b85")
    faked.nvidia("0000:01:00.0", "10de:2204")
    nvml = FakeNvml(RTX_5090, RTX_3090)
    first, second = faked.detect(Libraries(nvml=nvml)).cards
    assert (first.name, first.arch, first.pci, first.index, first.lease) == (
        "NVIDIA GeForce RTX 3090",
        "sm_86",
        "10de:2204",
        1,
        "gpu-0",
    )
    assert (second.arch, second.memory, second.driver, second.uuid, second.lease) == (
        "sm_120",
        32 * GIB,
        "580.95.05",
        "GPU-5090",
        "gpu-1",
    )
    assert (first.power_limit, second.power_limit) == (None, 450.0)
    assert first.problem is second.problem is None
    assert second.describe() == "NVIDIA GeForce RTX 5090 (sm_120, 32 GiB, driver 580.95.05)"
    assert nvml.open == 0, "NVML was shut down"


def test_a_laptop_card_keeps_its_own_name(faked: Faked) -> None:
    faked.nvidia("0000:01:00.0", "10de:2c18")
    laptop = FakeGpu(name="NVIDIA GeForce RTX 5090 Laptop GPU", bus="00000000:01:00.0", capability=(12, 0))
    (card,) = faked.detect(Libraries(nvml=FakeNvml(laptop))).cards
    assert card.name == "NVIDIA GeForce RTX 5090 Laptop GPU"


def test_mig_instances_share_their_cards_lease(faked: Faked) -> None:
    faked.nvidia("0000:01:00.0", "10de:2330")
    parts = [
        FakeGpu(name="NVIDIA H100 80GB HBM3 MIG 1g.10gb", bus="", capability=(9, 0), memory=10 * GIB, uuid=f"MIG-{n}")
        for n in "ab"
    ]
    whole = FakeGpu(name="NVIDIA H100 80GB HBM3", bus="00000000:01:00.0", capability=(9, 0), mig=parts)
    cards = faked.detect(Libraries(nvml=FakeNvml(whole))).cards
    assert [(card.uuid, card.memory, card.lease) for card in cards] == [
        ("MIG-a", 10 * GIB, "gpu-0"),
        ("MIG-b", 10 * GIB, "gpu-0"),
    ]


def test_mig_without_an_instance(faked: Faked) -> None:
    faked.nvidia("0000:01:00.0", "10de:2330")
    whole = FakeGpu(name="NVIDIA H100 80GB HBM3", bus="00000000:01:00.0", capability=(9, 0), mig=[])
    (card,) = faked.detect(Libraries(nvml=FakeNvml(whole))).cards
    assert card.problem is not None
    assert "MIG is switched on and it has no instance" in card.problem
    assert "nvidia-smi -mig 0" in card.problem


def test_a_dgx_spark_has_the_machines_memory(faked: Faked) -> None:
    faked.nvidia("000f:01:00.0", "10de:2e12")
    faked.write(faked.proc / "meminfo", "MemTotal:       125513276 kB\nMemFree:   1 kB\n")
    gb10 = FakeGpu(name="NVIDIA GB10", bus="0000000F:01:00.0", capability=(12, 1), memory=None)
    machine = faked.detect(Libraries(nvml=FakeNvml(gb10)), machine="aarch64")
    (card,) = machine.cards
    assert (card.arch, card.memory, card.shared_memory) == ("sm_121", 125513276 * 1024, True)
    assert (card.address, card.pci, machine.platform) == ("000f:01:00.0", "10de:2e12", "linux/arm64")


def test_wsl_has_no_card_on_its_bus(faked: Faked) -> None:
    faked.node("dxg", 0o666)
    (card,) = faked.detect(Libraries(nvml=FakeNvml(RTX_5090))).cards
    assert (card.name, card.address, card.problem) == ("NVIDIA GeForce RTX 5090", "0000:41:00.0", None)


def test_wsl_without_the_library(faked: Faked) -> None:
    faked.node("dxg", 0o666)
    (card,) = faked.detect().cards
    assert card.problem is not None
    assert "install NVIDIA's driver in Windows" in card.problem


@pytest.mark.parametrize(
    ("driver", "problem"),
    [
        (None, "no driver is bound to it: install NVIDIA's driver and load it (modprobe nvidia)"),
        ("nouveau", "the nouveau driver holds it, which cannot run it: install NVIDIA's driver"),
        ("vfio-pci", "it is set aside for a virtual machine (vfio-pci): bind it to nvidia again"),
    ],
)
def test_a_card_without_nvidias_driver(faked: Faked, driver: str | None, problem: str) -> None:
    faked.card("0000:01:00.0", "10de:2b85", driver=driver)
    (card,) = faked.detect(Libraries(nvml=FakeNvml(fails=NVMLError_LibraryNotFound()))).cards
    assert card.name == "PCI 10de:2b85"
    assert (card.problem or "").startswith(problem)
    assert "cannot be used, " in card.describe()


@pytest.mark.parametrize(
    ("error", "problem"),
    [
        (NVMLError_LibraryNotFound(), "libnvidia-ml.so.1 is not installed"),
        (NVMLError_LibRmVersionMismatch(), "have different versions: reboot"),
        (NVMLError_Unknown("out of luck"), "NVIDIA's library says: out of luck"),
    ],
)
def test_a_library_that_fails(faked: Faked, error: NVMLError, problem: str) -> None:
    faked.nvidia("0000:01:00.0", "10de:2b85")
    (card,) = faked.detect(Libraries(nvml=FakeNvml(fails=error))).cards
    assert problem in (card.problem or "")


def test_without_the_library_the_driver_tells(faked: Faked) -> None:
    faked.nvidia("0000:01:00.0", "10de:2b85")
    folder = faked.proc / "driver/nvidia"
    faked.write(folder / "gpus/0000:01:00.0/information", "Model: \t\t NVIDIA GeForce RTX 5090\nGPU UUID: \t GPU-5\n")
    faked.write(folder / "version", "NVRM version: NVIDIA UNIX Open Kernel Module for x86_64  575.57.08  Release\n")
    (card,) = faked.detect().cards
    assert (card.name, card.uuid, card.driver, card.problem) == (
        "NVIDIA GeForce RTX 5090",
        "GPU-5",
        "575.57.08",
        None,
    )


def test_a_missing_node(faked: Faked) -> None:
    faked.card("0000:01:00.0", "10de:2b85", driver="nvidia")
    (card,) = faked.detect().cards
    assert "nvidiactl is missing: run nvidia-smi once as root" in (card.problem or "")


def test_memory_of_a_process() -> None:
    card = Card(accelerator=AcceleratorName.CUDA, name="NVIDIA GeForce RTX 3090", uuid="GPU-3090")
    gpu = FakeGpu(name="x", bus="", capability=(8, 6), uuid="GPU-3090", processes={42: 5 * GIB})
    assert memory_of(42, card, FakeNvml(gpu)) == 5 * GIB
    assert memory_of(43, card, FakeNvml(gpu)) is None
    assert memory_of(42, card, FakeNvml()) is None
    assert memory_of(42, card, FakeNvml(fails=NVMLError_LibraryNotFound())) is None
