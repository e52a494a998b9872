"""Rows of the matrix that contradict themselves or each other. Checked when every name is known. Pure."""

from __future__ import annotations

from collections.abc import Iterator

from packaging.version import Version

from bakehouse.catalogue.accelerators import ACCELERATORS
from bakehouse.config.input_error import input_error, repeated
from bakehouse.errors import InputError
from bakehouse.model.matrix import Arch, ArchGroup, Gpu, Matrix, Toolkit
from bakehouse.model.places import DockerfilePlace


def contradictions(matrix: Matrix) -> Iterator[InputError]:
    """Asked once every name is known."""
    yield from _circle_of_bases(matrix)
    for name, toolkit in matrix.toolkits.items():
        yield from _wrong_toolkit(name, toolkit, matrix)
    for name, arch in matrix.archs.items():
        yield from _wrong_arch(name, arch, matrix)
    for name, group in matrix.arch_groups.items():
        yield from _wrong_group(name, group, matrix)
    for name, gpu in matrix.gpus.items():
        yield from _wrong_gpu(name, gpu, matrix)
    yield from _ambiguous_pci_ids(matrix)


def _circle_of_bases(matrix: Matrix) -> Iterator[InputError]:
    below = {
        name: [place.dockerfile.on for place in base.places if isinstance(place, DockerfilePlace)]
        for name, base in matrix.bases.items()
    }
    for name, others in below.items():
        waiting, seen = list(others), set[str]()
        while waiting:
            other = waiting.pop()
            if other == name:
                yield input_error(f"the base {name} would be made on itself", "bases", name, "places")
                break
            waiting += [] if other in seen else below[other]
            seen.add(other)


def _wrong_toolkit(name: str, toolkit: Toolkit, matrix: Matrix) -> Iterator[InputError]:
    if not ACCELERATORS[toolkit.accelerator].needs_toolkit:
        yield input_error(f"{toolkit.accelerator} cells have no toolkit", "toolkits", name, "accelerator")
    full, minor = toolkit.driver_floor, toolkit.driver_floor_minor
    if minor and (full is None or Version(minor) > Version(full)):
        hint = "It is the older one: from it on native code runs, from driver_floor on everything."
        yield input_error(
            "driver_floor_minor must be older than driver_floor", "toolkits", name, "driver_floor_minor", hint=hint
        )
    bad = toolkit.known_bad
    if bad and bad.fixed_in and Version(bad.fixed_in) <= Version(toolkit.version):
        yield input_error(
            f"{toolkit.version} is not older than the version that mends it",
            "toolkits", name, "known_bad", "fixed_in",
        )  # fmt: skip
    for arch in bad.archs if bad else ():
        yield from _other_accelerator(arch, toolkit.accelerator, matrix, "toolkits", name, "known_bad", "archs")


def _wrong_arch(name: str, arch: Arch, matrix: Matrix) -> Iterator[InputError]:
    if arch.first_toolkit and arch.last_toolkit and Version(arch.first_toolkit) > Version(arch.last_toolkit):
        yield input_error("first_toolkit is newer than last_toolkit", "archs", name, "first_toolkit")
    yield from _wrong_drivers(arch.first_driver, arch.last_driver, "archs", name)
    for other in arch.runs:
        yield from _other_accelerator(other, arch.accelerator, matrix, "archs", name, "runs")


def _wrong_drivers(first: str | None, last: str | None, *path: str) -> Iterator[InputError]:
    if first and last and Version(first) > Version(f"{last}.9999"):
        hint = "last_driver is a branch: 580 means every 580.x."
        yield input_error("first_driver is newer than last_driver", *path, "first_driver", hint=hint)


def _wrong_group(name: str, group: ArchGroup, matrix: Matrix) -> Iterator[InputError]:
    path = ("arch_groups", name, "archs")
    if name in matrix.archs:
        yield input_error(f"{name!r} is an arch already", "arch_groups", name, hint="Give the group another name.")
    for arch in repeated(group.archs):
        yield input_error(f"{arch!r} is listed twice", *path)
    kinds = sorted({str(matrix.archs[arch].accelerator) for arch in group.archs})
    if len(kinds) > 1:
        hint = "A plugin is for one accelerator: make a group for each."
        yield input_error(f"mixes archs of {' and '.join(kinds)}", *path, hint=hint)
    owner: dict[str, str] = {}
    for arch in dict.fromkeys(group.archs):
        code = matrix.archs[arch].code or arch
        if code in owner:
            yield input_error(f"{owner[code]} and {arch} are compiled as the same code, {code}", *path)
        owner.setdefault(code, arch)
    if group.ptx:
        yield from _wrong_ptx(name, group.ptx, group, matrix)


def _wrong_ptx(name: str, ptx: str, group: ArchGroup, matrix: Matrix) -> Iterator[InputError]:
    path = ("arch_groups", name, "ptx")
    yield from _other_accelerator(ptx, matrix.archs[group.archs[0]].accelerator, matrix, *path)
    if not ACCELERATORS[matrix.archs[ptx].accelerator].has_ptx:
        yield input_error(f"{matrix.archs[ptx].accelerator} has no PTX", *path)
    elif (code := matrix.archs[ptx].code) is not None:
        hint = "Name an arch that is compiled under its own name, like sm_90."
        yield input_error(f"{ptx} is compiled as {code}, whose PTX no newer card runs", *path, hint=hint)


def _wrong_gpu(name: str, gpu: Gpu, matrix: Matrix) -> Iterator[InputError]:
    if gpu.arch is None:
        return
    row = matrix.archs[gpu.arch]
    first, last = gpu.first_driver or row.first_driver, gpu.last_driver or row.last_driver
    yield from _wrong_drivers(first, last, "gpus", name)
    yield from _other_accelerator(gpu.arch, gpu.accelerator, matrix, "gpus", name, "arch")
    platforms = row.platforms
    if platforms and gpu.platform not in platforms:
        message = (
            f"{gpu.arch} is in {' and '.join(platforms)} machines only, and this card is said to be in {gpu.platform}"
        )
        yield input_error(message, "gpus", name, "platform")


def _ambiguous_pci_ids(matrix: Matrix) -> Iterator[InputError]:
    """Sister cards may share an id (RX 7900 XT and XTX do), as long as it tells which code they run."""
    owner: dict[str, tuple[str, Gpu]] = {}
    for name, gpu in matrix.gpus.items():
        for pci in gpu.pci:
            other, row = owner.setdefault(pci, (name, gpu))
            if (row.accelerator, row.arch) != (gpu.accelerator, gpu.arch):
                yield input_error(f"{pci} already belongs to {other}, a card of another arch", "gpus", name, "pci")


def _other_accelerator(arch: str, accelerator: str, matrix: Matrix, *path: str | int) -> Iterator[InputError]:
    found = matrix.archs[arch].accelerator
    if found != accelerator:
        yield input_error(f"{arch} is an arch of {found}, not of {accelerator}", *path)
