"""What the loader and our checks need to know of an ELF file."""

from __future__ import annotations

import struct
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from itertools import islice
from typing import Any, BinaryIO

from elftools.elf.dynamic import DynamicSegment
from elftools.elf.elffile import ELFFile
from elftools.elf.gnuversions import GNUVerDefSection, GNUVerNeedSection
from elftools.elf.segments import InterpSegment

_MAGIC = b"\x7fELF"
_RELATIVE = {"EM_X86_64": 8, "EM_AARCH64": 1027}
"""Relocation types R_X86_64_RELATIVE and R_AARCH64_RELATIVE."""
_WEAK = 2
_BINDINGS = {1, _WEAK, 10}
"""STB_GLOBAL, STB_WEAK, STB_GNU_UNIQUE."""
_WEAK_VERSION = 2
_EXECUTABLE = 4
_MOST_VERSIONS = 1024
"""libstdc++ defines some 60. A damaged count would be billions."""


class BrokenElfError(ValueError):
    """It starts like an ELF file and cannot be read as one."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Code:
    """A section of instructions."""

    name: str
    address: int
    content: bytes


@dataclass(frozen=True, kw_only=True, slots=True)
class Data:
    """A section that is no code for the CPU. It stays in the file: device code can be hundreds of MiB."""

    name: str
    offset: int
    size: int


@dataclass(frozen=True, kw_only=True)
class Elf:
    path: str
    """Where it lies in the image, without symlinks."""
    machine: str
    """`EM_X86_64`, `EM_AARCH64`."""
    bits: int
    interpreter: str
    """Of a program: the loader that starts it. Empty for libraries and static programs."""
    is_program: bool
    soname: str
    needed: tuple[str, ...]
    rpath: tuple[str, ...]
    """As written, `$ORIGIN` and all. DT_RPATH counts only where there is no DT_RUNPATH."""
    runpath: tuple[str, ...]
    versions_needed: dict[str, frozenset[str]]
    """Library to the symbol versions that it must define: `libc.so.6` to `GLIBC_2.38`."""
    versions_defined: frozenset[str]
    symbols: tuple[tuple[str, int, bool, bool], ...]
    """Dynamic symbols that others can see or must give: name, address, defined, weak."""
    code: tuple[Code, ...]
    data: tuple[Data, ...]
    initializers: tuple[int, ...]
    """Addresses of the functions that loading it runs."""
    notes: bytes
    """What compilers left: `.comment` and `.GCC.command.line`."""

    @cached_property
    def defined(self) -> dict[str, int]:
        """Exported symbols and their addresses."""
        return {name: address for name, address, defined, _ in self.symbols if defined}

    @cached_property
    def undefined(self) -> frozenset[str]:
        """Symbols that some other library must define; weak ones may stay open."""
        return frozenset(name for name, _, defined, weak in self.symbols if not defined and not weak)


def read_elf(file: BinaryIO, *, path: str) -> Elf | None:
    """None where the file is no ELF file. Raises BrokenElfError."""
    if file.read(4) != _MAGIC:
        return None
    file.seek(0)
    try:
        return _read(ELFFile(file), path=path)
    except Exception as error:  # in a damaged file pyelftools stumbles over anything, its own asserts too
        raise BrokenElfError(f"{path} is a damaged ELF file: {error}") from error


def _read(elf: Any, *, path: str) -> Elf:
    segments: list[Any] = list(elf.iter_segments())
    interpreter = next((s.get_interp_name() for s in segments if isinstance(s, InterpSegment)), "")
    dynamic = next((segment for segment in segments if isinstance(segment, DynamicSegment)), None)
    tags: list[Any] = list(dynamic.iter_tags()) if dynamic else []
    sections = list(elf.iter_sections())
    needed, defined = _versions(sections)
    return Elf(
        path=path,
        machine=str(elf["e_machine"]),
        bits=elf.elfclass,
        interpreter=interpreter,
        is_program=bool(interpreter) or elf["e_type"] == "ET_EXEC",
        soname=next((tag.soname for tag in tags if tag.entry.d_tag == "DT_SONAME"), ""),
        needed=tuple(tag.needed for tag in tags if tag.entry.d_tag == "DT_NEEDED"),
        rpath=_folders(tag.rpath for tag in tags if tag.entry.d_tag == "DT_RPATH"),
        runpath=_folders(tag.runpath for tag in tags if tag.entry.d_tag == "DT_RUNPATH"),
        versions_needed=needed,
        versions_defined=defined,
        symbols=tuple(_symbols(elf, sections)),
        code=tuple(
            Code(name=section.name, address=section["sh_addr"], content=section.data())
            for section in sections
            if section["sh_flags"] & _EXECUTABLE and section["sh_type"] == "SHT_PROGBITS"
        ),
        data=tuple(
            Data(name=section.name, offset=section["sh_offset"], size=section["sh_size"])
            for section in sections
            if not section["sh_flags"] & _EXECUTABLE and section["sh_type"] == "SHT_PROGBITS"
        ),
        initializers=_initializers(elf, sections, tags),
        notes=b"\0".join(s.data() for s in sections if s.name in (".comment", ".GCC.command.line")),
    )


def _folders(values: Iterator[str]) -> tuple[str, ...]:
    return tuple(folder for value in values for folder in value.split(":"))


def _versions(sections: list[Any]) -> tuple[dict[str, frozenset[str]], frozenset[str]]:
    needed: dict[str, frozenset[str]] = {}
    defined: set[str] = set()
    for section in sections:
        if isinstance(section, GNUVerNeedSection):
            for library, versions in islice(section.iter_versions(), _MOST_VERSIONS):
                names = {
                    str(v.name) for v in islice(versions, _MOST_VERSIONS) if not v.entry["vna_flags"] & _WEAK_VERSION
                }
                needed[str(library.name)] = needed.get(str(library.name), frozenset()) | names
        elif isinstance(section, GNUVerDefSection):
            definitions = islice(section.iter_versions(), _MOST_VERSIONS)
            defined |= {str(next(own_and_parents).name) for _, own_and_parents in definitions}
    return needed, frozenset(defined)


def _symbols(elf: Any, sections: list[Any]) -> Iterator[tuple[str, int, bool, bool]]:
    """Read the table at once: pyelftools takes seconds for the thousands of symbols of a C++ library."""
    for section in sections:
        if section["sh_type"] != "SHT_DYNSYM" or elf.elfclass != 64 or not elf.little_endian:  # noqa: PLR2004
            continue
        names = elf.get_section(section["sh_link"]).data()
        for name, info, other, place, address, _ in struct.iter_unpack("<IBBHQQ", section.data()):
            if name and info >> 4 in _BINDINGS and other & 3 in (0, 3):
                text = names[name : names.index(b"\0", name)].decode("utf-8", errors="replace")
                yield text, address, place != 0, info >> 4 == _WEAK


def _initializers(elf: Any, sections: list[Any], tags: list[Any]) -> tuple[int, ...]:
    """DT_INIT and the entries of `.init_array`: in place (static, RELR), or as addends of relative relocations."""
    found = [tag.entry.d_val for tag in tags if tag.entry.d_tag == "DT_INIT"]
    if elf.elfclass != 64 or not elf.little_endian:  # noqa: PLR2004
        return tuple(found)
    addends = {
        place: addend
        for section in sections
        if section["sh_type"] == "SHT_RELA"
        for place, info, addend in struct.iter_unpack("<QQq", section.data())
        if info & 0xFFFFFFFF == _RELATIVE.get(elf["e_machine"])
    }
    for section in sections:
        if section["sh_type"] == "SHT_INIT_ARRAY":
            for index, (value,) in enumerate(struct.iter_unpack("<Q", section.data())):
                found.append(addends.get(section["sh_addr"] + 8 * index, value))
    return tuple(address for address in found if address)
