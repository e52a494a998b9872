from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from bakehouse.engine.devices import CPU, SOFTWARE, Absent, Devices, Nvidia, choose, nvidia_by
from bakehouse.machine import Card, Machine
from bakehouse.model.enums import AcceleratorName

CUDA, ROCM, XPU, VULKAN = AcceleratorName.CUDA, AcceleratorName.ROCM, AcceleratorName.XPU, AcceleratorName.VULKAN
BARE = Machine(platform="linux/amd64", cores=2, cards=())
RTX = Card(accelerator=CUDA, name="NVIDIA GeForce RTX 5090", uuid="GPU-5090", index=1, number=1)


def machine(*cards: Card) -> Machine:
    return replace(BARE, cards=cards)


def node(dev: Path, name: str, mode: int = 0o660) -> str:
    path = dev / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.touch()
    path.chmod(mode)
    return str(path)


def chosen(found: Devices | Absent) -> Devices:
    assert isinstance(found, Devices)
    return found


def test_the_cpu_is_always_there() -> None:
    assert choose(AcceleratorName.CPU, BARE) == CPU


@pytest.mark.parametrize("accelerator", [CUDA, ROCM, XPU])
def test_a_bare_machine_has_no_card(accelerator: AcceleratorName) -> None:
    found = choose(accelerator, BARE)
    assert found == Absent(reason=f"this machine has no card for {accelerator} (linux/amd64, 2 cores, no GPU)")


def test_vulkan_without_a_card_runs_on_the_processor() -> None:
    found = chosen(choose(VULKAN, BARE))
    assert (found.name, found.lease, found.is_software) == (SOFTWARE, "cpu", True)
    assert found.env["VK_DRIVER_FILES"].split(":")[0] == "/usr/share/vulkan/icd.d/lvp_icd.json"
    assert found != CPU


def test_nvidia_by_gpus() -> None:
    found = chosen(choose(CUDA, machine(RTX)))
    assert (found.gpus, found.nodes, found.lease, found.name) == ("device=GPU-5090", (), "gpu-1", RTX.name)
    assert found.env == {}, "the image says itself what of the driver it takes"


def test_nvidia_by_gpus_without_a_uuid() -> None:
    assert chosen(choose(CUDA, machine(replace(RTX, uuid=None)))).gpus == "device=1"


@pytest.mark.parametrize("name", ["GPU-5090", "1"])
def test_nvidia_by_cdi(name: str) -> None:
    found = chosen(choose(CUDA, machine(RTX), nvidia=Nvidia(cdi=frozenset({f"nvidia.com/gpu={name}"}))))
    assert (found.gpus, found.nodes, found.groups) == (None, (f"nvidia.com/gpu={name}",), ())


def test_a_container_gets_what_its_users_type_and_no_more(tmp_path: Path) -> None:
    assert chosen(choose(VULKAN, machine(RTX))).env == {}
    for accelerator in (ROCM, XPU):
        node(tmp_path, "kfd")
        card = Card(accelerator=accelerator, name="a", render=node(tmp_path, "dri/renderD128"))
        for wanted in (accelerator, VULKAN):
            found = chosen(choose(wanted, machine(card), dev=tmp_path))
            assert (found.env, found.folders, found.gpus) == ({}, {}, None)


def test_the_right_render_node_for_the_second_card(tmp_path: Path) -> None:
    kfd = node(tmp_path, "kfd")
    first = Card(accelerator=ROCM, name="a", arch="gfx1100", render=node(tmp_path, "dri/renderD129"), number=0)
    second = Card(accelerator=ROCM, name="b", arch="gfx1201", render=node(tmp_path, "dri/renderD128"), number=1)

    def unfit(card: Card) -> str | None:
        return None if card.arch == "gfx1201" else f"holds code for gfx1201, not for {card.arch}"

    found = chosen(choose(ROCM, machine(first, second), unfit=unfit, dev=tmp_path))
    assert (found.nodes, found.lease) == ((kfd, f"{tmp_path}/dri/renderD128"), "gpu-1")
    assert found.groups == (str(Path(kfd).stat().st_gid),)


def test_every_reason_is_named(tmp_path: Path) -> None:
    broken = replace(RTX, name="old", problem="the nvidia driver is not loaded: modprobe nvidia")
    found = choose(CUDA, machine(broken, RTX), unfit=lambda _: "it is sm_120", dev=tmp_path)
    assert found == Absent(
        reason="old: the nvidia driver is not loaded: modprobe nvidia; NVIDIA GeForce RTX 5090: it is sm_120"
    )


def test_intel_gets_its_render_node(tmp_path: Path) -> None:
    card = Card(accelerator=XPU, name="PCI 8086:e20b", render=node(tmp_path, "dri/renderD128"))
    assert chosen(choose(XPU, machine(card), dev=tmp_path)).nodes == (card.render,)


def test_vulkan_asks_for_no_compute_in_the_kernel(tmp_path: Path) -> None:
    card = Card(accelerator=ROCM, name="a", render=node(tmp_path, "dri/renderD128"), problem="/dev/kfd is missing")
    assert chosen(choose(VULKAN, machine(card), dev=tmp_path)).nodes == (card.render,)
    assert isinstance(choose(ROCM, machine(card), dev=tmp_path), Absent)


def test_vulkan_goes_past_a_node_that_only_root_may_open(tmp_path: Path) -> None:
    card = Card(accelerator=ROCM, name="a", render=node(tmp_path, "dri/renderD128", 0o600))
    assert chosen(choose(VULKAN, machine(card), dev=tmp_path)).is_software


def test_engines_hand_out_nvidias_cards_in_two_ways() -> None:
    devices = [{"Source": "cdi", "ID": f"nvidia.com/gpu={name}"} for name in ("0", "all", "GPU-5090")]
    devices.append({"Source": "cdi", "ID": "example.com/nic=0"})
    by_cdi = nvidia_by({"Runtimes": {"runc": {}}, "DiscoveredDevices": devices})
    assert by_cdi.cdi == {"nvidia.com/gpu=0", "nvidia.com/gpu=all", "nvidia.com/gpu=GPU-5090"}
    assert nvidia_by({"Runtimes": {"nvidia": {}}, "DiscoveredDevices": devices}) == Nvidia()
    assert nvidia_by({"Runtimes": None}) == nvidia_by({}) == Nvidia()
