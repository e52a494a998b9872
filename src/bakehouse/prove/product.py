"""The part of an image that is ours: what lies in the plugin folder, and the entrypoint."""

from __future__ import annotations

from bakehouse.prove.expect import Expectation
from bakehouse.prove.image.at_rest import ImageAtRest
from bakehouse.prove.image.elf import BrokenElfError, Elf
from bakehouse.prove.image.layer import Entry

_DEVICES = ("EM_AMDGPU", "EM_CUDA")
"""Machines of ELF files that a GPU runs, such as rocBLAS's kernels: no loader of ours ever sees them."""


def entry_program(image: ImageAtRest) -> Entry | None:
    """The file that the image starts."""
    return image.find_program(image.command[0]) if image.command else None


def files(image: ImageAtRest, expectation: Expectation) -> list[Entry]:
    """Regular files of the product, sorted by path."""
    found = {entry.path: entry for entry in image.tree.below(expectation.plugin_folder) if entry.kind == "file"}
    program = entry_program(image)
    if program:
        found[program.path] = program
    return [found[path] for path in sorted(found)]


def elves(image: ImageAtRest, expectation: Expectation) -> list[Elf]:
    """ELF files of the product for the CPU. Damaged ones are left out: the linkage check names them."""
    found = (whole_elf(image, entry.path) for entry in files(image, expectation))
    return [elf for elf in found if elf and elf.machine not in _DEVICES]


def broken(image: ImageAtRest, expectation: Expectation) -> list[str]:
    """One message for each damaged ELF file."""
    messages = []
    for entry in files(image, expectation):
        try:
            image.elf(entry.path)
        except BrokenElfError as error:
            messages.append(str(error))
    return messages


def plugins(image: ImageAtRest, expectation: Expectation) -> dict[str, Elf]:
    """What the server would load as a backend: file name in the plugin folder to its ELF file."""
    kind = expectation.plugin_kind
    if kind is None:
        return {}
    found = {}
    for entry in image.tree.children(expectation.plugin_folder):
        elf = whole_elf(image, entry.path) if entry.path.endswith(".so") else None
        if elf and (kind.init_symbol in elf.defined or kind.score_symbol in elf.defined):
            found[entry.path.rpartition("/")[2]] = elf
    return found


def whole_elf(image: ImageAtRest, path: str) -> Elf | None:
    """The ELF file at a path; None also for a damaged one."""
    try:
        return image.elf(path)
    except BrokenElfError:
        return None
