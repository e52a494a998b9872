"""What the backend plugins of an image hold for the GPU, read once an image."""

from __future__ import annotations

import posixpath
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import BinaryIO

from bakehouse.prove import product
from bakehouse.prove.device_code import fatbin, offload_bundle, spirv
from bakehouse.prove.device_code.parts import Part
from bakehouse.prove.expect import Expectation
from bakehouse.prove.image.at_rest import ImageAtRest
from bakehouse.prove.image.elf import Elf

_KERNEL = b"__kernel void "


@dataclass(frozen=True, kw_only=True, slots=True)
class Plugin:
    name: str
    path: str
    """Without symlinks."""
    elf: Elf


def backend_plugins(image: ImageAtRest, expectation: Expectation) -> tuple[list[Plugin], list[str]]:
    """Those that are there, and one problem for each that is not or cannot be read."""
    plugins, problems = [], []
    for name in expectation.backend_plugins:
        path = posixpath.join(expectation.plugin_folder, name)
        elf = product.whole_elf(image, path)
        if elf is None:
            problems.append(f"{name} is not in {expectation.plugin_folder}, or is no whole ELF file")
        else:
            plugins.append(Plugin(name=name, path=elf.path, elf=elf))
    return plugins, problems


def fatbins(image: ImageAtRest, elf: Elf) -> list[Part]:
    """NVIDIA's parts. Raises BrokenDeviceCodeError and UnknownDeviceCodeError."""
    sections = [section for section in elf.data if section.name == fatbin.SECTION]
    with _open(image, elf) as file:
        return [part for one in sections for part in fatbin.read_fatbins(file, offset=one.offset, size=one.size)]


def bundles(image: ImageAtRest, elf: Elf) -> list[Part]:
    """AMD's parts. Raises BrokenDeviceCodeError and UnknownDeviceCodeError."""
    sections = [section for section in elf.data if section.name == offload_bundle.SECTION]
    with _open(image, elf) as file:
        return [part for s in sections for part in offload_bundle.read_bundles(file, offset=s.offset, size=s.size)]


def spirv_modules(image: ImageAtRest, elf: Elf) -> Counter[str]:
    """Version to the number of SPIR-V modules in all data."""
    found: Counter[str] = Counter()
    with _open(image, elf) as file:
        for section in elf.data:
            file.seek(section.offset)
            found += spirv.find_modules(file.read(section.size))
    return found


def holds_opencl(image: ImageAtRest, elf: Elf) -> bool:
    """Whether its data holds kernels as OpenCL C: functions with the qualifier `__kernel` (OpenCL C 3.0, 6.9.1)."""
    with _open(image, elf) as file:
        for section in elf.data:
            file.seek(section.offset)
            if _KERNEL in file.read(section.size):
                return True
    return False


@contextmanager
def _open(image: ImageAtRest, elf: Elf) -> Iterator[BinaryIO]:
    entry = image.tree.follow(elf.path)
    assert entry is not None
    with image.open(entry) as file:
        yield file
