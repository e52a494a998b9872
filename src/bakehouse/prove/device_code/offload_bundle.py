"""Clang's bundles of device code, as HIP puts them into the ELF section `.hip_fatbin`: one for each source file.

Format: https://clang.llvm.org/docs/ClangOffloadBundler.html; of compressed ones (CCOB) llvm/Object/OffloadBundle.h.
"""

from __future__ import annotations

import re
import struct
import zlib
from collections.abc import Iterator
from typing import BinaryIO

import zstandard

from bakehouse.prove.device_code.parts import BrokenDeviceCodeError, Form, Part, Piece, UnknownDeviceCodeError

SECTION = ".hip_fatbin"

_MAGIC = b"__CLANG_OFFLOAD_BUNDLE__"
_PACKED_MAGIC = b"CCOB"
_NUMBER = struct.Struct("<Q")
_ENTRY = struct.Struct("<QQQ")
"""Offset and size of the code, size of the name that follows."""
_PACKED: dict[int, struct.Struct] = {2: struct.Struct("<4sHHIIQ"), 3: struct.Struct("<4sHHQQQ")}
"""By version: magic, version, method, size of it all, size when unpacked, hash."""
_ZLIB, _ZSTD = 0, 1
_MOST_ENTRIES = 256
_LONGEST_NAME = 256
_MOST_UNPACKED = 1 << 30
_TARGET = re.compile(r"(?:hip|hipv4)-amdgcn-amd-amdhsa--?(?P<code>gfx.+)")
_EM_AMDGPU = 224


def read_bundles(file: BinaryIO, *, offset: int, size: int) -> list[Part]:
    """Every bundle of a section. Raises BrokenDeviceCodeError and UnknownDeviceCodeError."""
    file.seek(offset)
    raw = file.read(size)
    parts: list[Part] = []
    at = 0
    while True:
        at = _next(raw, at)
        if at == len(raw):
            return parts
        where = f"{SECTION}+{at:#x}"
        if raw.startswith(_PACKED_MAGIC, at):
            bundle, length = _unpack(raw, at, where=where)
            parts.append(_part(bundle, 0, where=where)[0])
        elif raw.startswith(_MAGIC, at):
            part, length = _part(raw, at, where=where)
            parts.append(part)
        else:
            raise BrokenDeviceCodeError(f"{where}: {raw[at : at + 8]!r} begins no bundle of device code")
        at += length


def _next(raw: bytes, at: int) -> int:
    """Where the padding that aligns bundles ends."""
    found = _NOT_ZERO.search(raw, at)
    return found.start() if found else len(raw)


_NOT_ZERO = re.compile(rb"[^\0]")


def _part(raw: bytes, begin: int, *, where: str) -> tuple[Part, int]:
    """The pieces of the bundle that begins there, and its bytes."""
    pieces, end = [], len(_MAGIC) + _NUMBER.size
    for start, size, name in _entries(raw, begin, where=where):
        end = max(end, start + size)
        target = _TARGET.fullmatch(name)
        if target:
            _require_code_object(raw[begin + start : begin + start + size], target["code"], where=where)
            pieces.append(Piece(form=Form.NATIVE, code=target["code"], size=size))
        elif not name.startswith("host-"):
            raise UnknownDeviceCodeError(f"{where}: code for {name!r} is not known")
    return tuple(pieces), end


def _entries(raw: bytes, begin: int, *, where: str) -> Iterator[tuple[int, int, str]]:
    """Offset from the bundle's beginning, size, and name of each code."""
    try:
        (count,) = _NUMBER.unpack_from(raw, begin + len(_MAGIC))
        if count > _MOST_ENTRIES:
            raise BrokenDeviceCodeError(f"{where}: a bundle of {count} entries")
        at = begin + len(_MAGIC) + _NUMBER.size
        for _ in range(count):
            start, size, length = _ENTRY.unpack_from(raw, at)
            if length > _LONGEST_NAME:
                raise BrokenDeviceCodeError(f"{where}: a name of {length} letters in a bundle")
            name = raw[at + _ENTRY.size : at + _ENTRY.size + length].decode()
            if begin + start + size > len(raw):
                raise BrokenDeviceCodeError(f"{where}: code for {name} is cut off")
            yield start, size, name
            at += _ENTRY.size + length
    except (struct.error, UnicodeDecodeError) as error:
        raise BrokenDeviceCodeError(f"{where}: a bundle is damaged: {error}") from error


def _require_code_object(code: bytes, target: str, *, where: str) -> None:
    """The code's own note names its target (AMDGPU metadata, `amdhsa.target`); the loader compares it with the card."""
    if not code.startswith(b"\x7fELF") or struct.unpack_from("<H", code, 18) != (_EM_AMDGPU,):
        raise BrokenDeviceCodeError(f"{where}: the code for {target} is no ELF file for AMD's GPUs")
    inside = sorted({found.decode() for found in re.findall(rb"amdgcn-amd-amdhsa--(gfx[\w:+-]+)", code)})
    if inside and target not in inside:
        raise BrokenDeviceCodeError(f"{where}: the code for {target} says of itself that it is for {', '.join(inside)}")


def _unpack(raw: bytes, at: int, *, where: str) -> tuple[bytes, int]:
    """A compressed bundle without its compression, and the bytes that it takes in the section."""
    version = int.from_bytes(raw[at + 4 : at + 6], "little")
    if version not in _PACKED:
        raise UnknownDeviceCodeError(f"{where}: compressed bundles of version {version} are not known")
    header = _PACKED[version]
    if at + header.size > len(raw):
        raise BrokenDeviceCodeError(f"{where}: a compressed bundle is cut off in its header")
    _, _, method, length, size, _ = header.unpack_from(raw, at)
    if at + length > len(raw):
        raise BrokenDeviceCodeError(f"{where}: a compressed bundle of {length} bytes is cut off after {len(raw) - at}")
    if method not in (_ZLIB, _ZSTD) or size > _MOST_UNPACKED:
        raise UnknownDeviceCodeError(f"{where}: compression {method} to {size} bytes is not known")
    packed = raw[at + header.size : at + length]
    try:
        plain = (
            zlib.decompress(packed)
            if method == _ZLIB
            else zstandard.ZstdDecompressor().decompress(packed, max_output_size=size)
        )
    except (zlib.error, zstandard.ZstdError) as error:
        raise BrokenDeviceCodeError(f"{where}: a compressed bundle cannot be unpacked: {error}") from error
    if not plain.startswith(_MAGIC):
        raise BrokenDeviceCodeError(f"{where}: a compressed bundle holds no bundle")
    return plain, length
