from __future__ import annotations

from pathlib import Path

from hypothesis import given
from hypothesis import strategies as st

from bakehouse.machine import Libraries, load_libraries
from bakehouse.machine.bus import normal_address

from .machines import Faked, FakeNvml, NVMLError_LibraryNotFound


def test_a_bare_machine(tmp_path: Path) -> None:
    machine = Faked(tmp_path).detect(Libraries(nvml=FakeNvml(fails=NVMLError_LibraryNotFound())))
    assert machine.cards == ()
    assert machine.describe().startswith("linux/amd64, ")
    assert machine.describe().endswith("no GPU")


def test_cards_of_several_vendors_are_numbered_together(tmp_path: Path) -> None:
    faked = Faked(tmp_path)
    faked.card("0000:03:00.0", "8086:56a0", driver="i915", render=128)
    faked.card("0000:01:00.0", "10de:2b85")
    faked.card("0000:02:00.0", "1002:744c")
    assert [(card.accelerator, card.lease) for card in faked.detect().cards] == [
        ("cuda", "gpu-0"),
        ("rocm", "gpu-1"),
        ("xpu", "gpu-2"),
    ]


def test_nvidias_module_is_installed_with_us() -> None:
    assert load_libraries().nvml is not None


@given(st.integers(0, 0xFFFF), st.integers(0, 0xFF), st.integers(0, 0x1F), st.integers(0, 7))
def test_addresses_of_nvml_become_the_kernels(domain: int, bus: int, device: int, function: int) -> None:
    kernel = f"{domain:04x}:{bus:02x}:{device:02x}.{function}"
    assert normal_address(f"{domain:08X}:{bus:02X}:{device:02X}.{function}") == kernel
    assert normal_address(kernel) == kernel
