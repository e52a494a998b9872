from __future__ import annotations

from pathlib import Path

import pytest

from bakehouse.machine import Libraries

from .machines import GIB, FakeAmdSmi, Faked


@pytest.fixture
def faked(tmp_path: Path) -> Faked:
    return Faked(tmp_path)


def test_two_cards_and_their_render_nodes(faked: Faked) -> None:
    """The kernel numbers render nodes in the order in which drivers came up, not by address."""
    faked.node("kfd")
    first = faked.card("0000:03:00.0", "1002:744c", driver="amdgpu", render=129)
    faked.card("0000:83:00.0", "1002:7550", driver="amdgpu", render=128)
    faked.write(first / "mem_info_vram_total", str(24 * GIB))
    faked.write(first / "hwmon/hwmon2/power1_cap", "303000000\n")
    faked.write(faked.sys / "module/amdgpu/version", "6.12.12\n")
    faked.kfd(1, gfx=110000, bus=0x03)
    faked.kfd(2, gfx=120001, bus=0x83)
    smi = FakeAmdSmi({"0000:03:00.0": "AMD Radeon RX 7900 XTX"})
    one, two = faked.detect(Libraries(amdsmi=smi)).cards
    assert (one.name, one.arch, one.memory, one.driver) == ("AMD Radeon RX 7900 XTX", "gfx1100", 24 * GIB, "6.12.12")
    assert (one.render, two.render) == (f"{faked.dev}/dri/renderD129", f"{faked.dev}/dri/renderD128")
    assert (two.name, two.arch, two.lease) == ("PCI 1002:7550", "gfx1201", "gpu-1")
    assert (one.power_limit, two.power_limit) == (303.0, None)
    assert one.problem is two.problem is None


@pytest.mark.parametrize(
    ("version", "arch"), [(90010, "gfx90a"), (90402, "gfx942"), (100300, "gfx1030"), (110501, "gfx1151")]
)
def test_archs_are_written_as_the_compiler_writes_them(faked: Faked, version: int, arch: str) -> None:
    faked.card("0000:03:00.0", "1002:744c", driver="amdgpu", render=128)
    faked.kfd(1, gfx=version, bus=0x03)
    assert faked.detect().cards[0].arch == arch


def test_a_data_centre_card_is_no_display(faked: Faked) -> None:
    faked.card("0000:03:00.0", "1002:74a1", kind="0x120000", driver="amdgpu", render=128)
    faked.card("0000:04:00.0", "10de:22e8", kind="0x040300")
    assert [card.pci for card in faked.detect().cards] == ["1002:74a1"]


def test_without_compute_in_the_kernel(faked: Faked) -> None:
    faked.card("0000:03:00.0", "1002:744c", driver="amdgpu", render=128)
    assert "kfd is missing: the kernel's amdgpu was built without ROCm" in (faked.detect().cards[0].problem or "")


def test_a_card_that_the_kernel_offers_for_graphics_alone(faked: Faked) -> None:
    faked.node("kfd")
    faked.card("0000:03:00.0", "1002:67df", driver="amdgpu", render=128)
    assert "for graphics alone" in (faked.detect().cards[0].problem or "")


def test_a_node_that_only_root_may_open(faked: Faked) -> None:
    faked.node("kfd", 0o600)
    faked.card("0000:03:00.0", "1002:744c", driver="amdgpu", render=128)
    faked.kfd(1, gfx=110000, bus=0x03)
    problem = faked.detect().cards[0].problem or ""
    assert f"no permission: only root may open {faked.dev}/kfd (mode 0600" in problem
    assert "chmod g+rw" in problem


def test_a_broken_library_costs_the_name_only(faked: Faked) -> None:
    faked.node("kfd")
    faked.card("0000:03:00.0", "1002:744c", driver="amdgpu", render=128)
    faked.kfd(1, gfx=110000, bus=0x03)
    (card,) = faked.detect(Libraries(amdsmi=FakeAmdSmi({}, broken=True))).cards
    assert (card.name, card.problem) == ("PCI 1002:744c", None)
