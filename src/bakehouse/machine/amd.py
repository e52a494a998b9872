"""AMD's cards: the kernel's compute topology, and AMD's own library where it is installed."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

from bakehouse.machine.bus import BusSlot, Roots, closed, normal_address, number, power_limit, read, unbound
from bakehouse.model.enums import AcceleratorName
from bakehouse.model.machine import Card

DRIVERS = ("amdgpu",)
_TOPOLOGY = "class/kfd/kfd/topology/nodes/*/properties"


def cards(slots: list[BusSlot], amdsmi: Any | None, roots: Roots) -> list[Card]:
    """Cards as ROCm sees them. https://docs.kernel.org/gpu/amdgpu/ describes the files."""
    nodes = {node.get("address", ""): node for node in _nodes(roots.sys)}
    names = _market_names(amdsmi) if amdsmi else {}
    version = read(roots.sys / "module/amdgpu/version") or None
    found = []
    for index, slot in enumerate(slots):
        node = nodes.get(slot.address)
        render = roots.dev / "dri" / slot.render if slot.render else None
        found.append(
            Card(
                accelerator=AcceleratorName.ROCM,
                name=names.get(slot.address) or read(slot.folder / "product_name") or f"PCI {slot.pci}",
                pci=slot.pci,
                address=slot.address,
                arch=_arch(node.get("gfx_target_version", "")) if node else None,
                memory=number(read(slot.folder / "mem_info_vram_total")),
                driver=version,
                power_limit=power_limit(slot),
                index=index,
                render=str(render) if render else None,
                problem=_problem(slot, node, render, roots.dev),
            )
        )
    return found


def _problem(slot: BusSlot, node: dict[str, str] | None, render: Path | None, dev: Path) -> str | None:
    kfd = dev / "kfd"
    if reason := unbound(slot, DRIVERS, install="load amdgpu (modprobe amdgpu)"):
        return reason
    if not kfd.exists():
        return f"{kfd} is missing: the kernel's amdgpu was built without ROCm (CONFIG_HSA_AMD), or it is not mounted"
    if node is None:
        return "the kernel offers it for graphics alone: it has no node in the compute topology"
    if render is None:
        return f"it has no render node below {dev}/dri"
    return closed(kfd) or closed(render)


def _nodes(sys: Path) -> Iterator[dict[str, str]]:
    """Properties of each GPU, and its `address`: location_id is bus, device and function in one number."""
    for path in sorted(sys.glob(_TOPOLOGY)):
        lines = (line.split(maxsplit=1) for line in read(path).splitlines())
        node = {words[0]: words[1] for words in lines if len(words) == 2}  # noqa: PLR2004 - name and value
        place = number(node.get("location_id", ""))
        if number(node.get("gfx_target_version", "")) and place is not None:
            domain = number(node.get("domain", "")) or 0
            node["address"] = f"{domain:04x}:{place >> 8 & 0xFF:02x}:{place >> 3 & 0x1F:02x}.{place & 0x7}"
            yield node


def _arch(version: str) -> str | None:
    """`90010` is gfx90a: two digits each for major, minor and stepping; the last two are written in hexadecimal."""
    value = number(version)
    return f"gfx{value // 10000}{value // 100 % 100:x}{value % 100:x}" if value else None


def _market_names(amdsmi: Any) -> dict[str, str]:
    """Names by address. The library is a wrapper around a driver that may be missing: then there are none."""
    try:
        amdsmi.amdsmi_init()
    except amdsmi.AmdSmiException:
        return {}
    try:
        return {
            normal_address(amdsmi.amdsmi_get_gpu_device_bdf(handle)): amdsmi.amdsmi_get_gpu_asic_info(handle)[
                "market_name"
            ]
            for handle in amdsmi.amdsmi_get_processor_handles()
        }
    except (amdsmi.AmdSmiException, KeyError):
        return {}
    finally:
        amdsmi.amdsmi_shut_down()
