"""NVIDIA's container of device code, the ELF section `.nv_fatbin`: one for each source file, one after the other.

NVIDIA publishes no description. The layout was read from what nvcc 12.4 and 13.0 write and agrees with public readers
of it (the crate `fatbinary`, nvopen-tools). The flags of a cubin are those of LLVM's BinaryFormat/ELF.h. The check
`cuobjdump` compares with what NVIDIA's own program says.
"""

from __future__ import annotations

import io
import struct
from collections.abc import Iterator
from typing import BinaryIO

import zstandard

from bakehouse.prove.device_code.parts import BrokenDeviceCodeError, Form, Packing, Part, Piece, UnknownDeviceCodeError

SECTION = ".nv_fatbin"

_MAGIC = 0xBA55ED50
_HEADER = struct.Struct("<IHHQ")
"""Magic, version, size of this header, bytes that follow."""
_ENTRY = struct.Struct("<HHIQIIHHIIIQQQ")
"""Kind, version, size of this header, bytes that follow, of these compressed, options, version of the code (2), arch,
name (2), flags, unused, bytes when unpacked. The header's own size says how much more there is."""
_FORMS = {1: Form.PTX, 2: Form.NATIVE, 16: Form.NATIVE}
_LZ4, _ZSTD = 0x2000, 0x8000
_SUFFIXES = {0x10_0000: "a", 0x20_0000: "f"}
"""`a`: for this chip alone; `f`: for its family."""

_ELF_HEADER = 64
_EM_CUDA = 190
_OSABI_OLD = 0x33
"""Up to CUDA 12 the arch is the lowest byte of the cubin's flags; then it became the second."""


def read_fatbins(file: BinaryIO, *, offset: int, size: int) -> list[Part]:
    """Every container of a section. Payloads are passed over, but for the start of each cubin.

    Raises BrokenDeviceCodeError and UnknownDeviceCodeError.
    """
    parts: list[Part] = []
    at, end = offset, offset + size
    while at < end:
        start = _read(file, at, min(_HEADER.size, end - at))
        if not start[:8].strip(b"\0"):  # the linker's padding
            at += 8
            continue
        where = f"{SECTION}+{at - offset:#x}"
        if len(start) < _HEADER.size:
            raise BrokenDeviceCodeError(f"{where}: a container is cut off in its header")
        magic, version, header, length = _HEADER.unpack(start)
        if magic != _MAGIC:
            raise BrokenDeviceCodeError(f"{where}: {magic:#010x} begins no container of device code")
        if version != 1 or header < _HEADER.size:
            raise UnknownDeviceCodeError(f"{where}: containers of version {version} are not known")
        if at + header + length > end:
            raise BrokenDeviceCodeError(f"{where}: a container of {length} bytes is cut off after {end - at - header}")
        parts.append(tuple(_pieces(file, at + header, at + header + length, where=where)))
        at += header + length
    return parts


def _pieces(file: BinaryIO, at: int, end: int, *, where: str) -> Iterator[Piece]:
    while at < end:
        if at + _ENTRY.size > end:
            raise BrokenDeviceCodeError(f"{where}: an entry is cut off in its header")
        kind, _, header, length, compressed, _, _, _, arch, _, _, flags, _, _ = _ENTRY.unpack(
            _read(file, at, _ENTRY.size)
        )
        if header < _ENTRY.size or at + header + length > end:
            raise BrokenDeviceCodeError(f"{where}: an entry for sm_{arch} goes beyond the container's end")
        if kind not in _FORMS:
            raise UnknownDeviceCodeError(f"{where}: entries of kind {kind} are not known")
        code = f"sm_{arch}" + "".join(suffix for bit, suffix in _SUFFIXES.items() if flags & bit)
        if _FORMS[kind] is Form.NATIVE:
            payload = _read(file, at + header, compressed or min(length, _ELF_HEADER))
            _require_cubin(_unpacked(payload, flags, where=f"{where}: {code}"), arch, where=f"{where}: {code}")
        packing = Packing.ZSTD if flags & _ZSTD else Packing.LZ4 if flags & _LZ4 else Packing.NONE
        yield Piece(form=_FORMS[kind], code=code, size=length, packing=packing)
        at += header + length


def _require_cubin(start: bytes, arch: int, *, where: str) -> None:
    """A driver chooses by the entry and loads the cubin: both must name the same arch."""
    if len(start) < _ELF_HEADER or not start.startswith(b"\x7fELF"):
        raise BrokenDeviceCodeError(f"{where}: its code is no ELF file")
    (machine,) = struct.unpack_from("<H", start, 18)
    (flags,) = struct.unpack_from("<I", start, 48)
    inside = flags & 0xFF if start[7] == _OSABI_OLD else flags >> 8 & 0xFF
    if machine != _EM_CUDA or inside != arch:
        raise BrokenDeviceCodeError(f"{where}: the code inside is for sm_{inside} (machine {machine})")


def _unpacked(payload: bytes, flags: int, *, where: str) -> bytes:
    """The first bytes of a payload without its compression."""
    try:
        if flags & _ZSTD:
            return zstandard.ZstdDecompressor().stream_reader(io.BytesIO(payload)).read(_ELF_HEADER)
        return _start_of_lz4(payload, _ELF_HEADER) if flags & _LZ4 else payload[:_ELF_HEADER]
    except (zstandard.ZstdError, IndexError) as error:
        raise BrokenDeviceCodeError(f"{where}: its compressed code cannot be unpacked: {error}") from error


def _start_of_lz4(packed: bytes, wanted: int) -> bytes:
    """The first bytes of an LZ4 block (without a frame): literals, then a copy of what came before, and so on.

    Raises IndexError where the block is damaged.
    """
    out = bytearray()
    at = 0
    while len(out) < wanted:
        token = packed[at]
        literals, at = _lz4_length(packed, at + 1, token >> 4)
        out += packed[at : at + literals]
        at += literals
        if at >= len(packed):
            break
        distance = int.from_bytes(packed[at : at + 2], "little")
        copied, at = _lz4_length(packed, at + 2, token & 15)
        if not 0 < distance <= len(out):
            raise IndexError(f"a copy from {distance} bytes back, where there are {len(out)}")
        for _ in range(min(copied + 4, wanted)):
            out.append(out[-distance])
    return bytes(out[:wanted])


def _lz4_length(packed: bytes, at: int, length: int) -> tuple[int, int]:
    if length == 15:  # noqa: PLR2004 - four bits are not enough, bytes follow
        while True:
            length += packed[at]
            at += 1
            if packed[at - 1] != 255:  # noqa: PLR2004
                break
    return length, at


def _read(file: BinaryIO, at: int, size: int) -> bytes:
    file.seek(at)
    return file.read(size)
