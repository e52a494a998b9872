"""The header of a safetensors file, and whether the file is as long as it says.

https://github.com/huggingface/safetensors#format
"""

from __future__ import annotations

import json
import math
from dataclasses import dataclass
from operator import index
from pathlib import Path
from typing import Any

_LENGTH = 8
_LONGEST_HEADER = 100_000_000
"""The library's own limit."""
_BITS = {
    "BOOL": 8,
    **dict.fromkeys(("F64", "I64", "U64", "C64"), 64),
    **dict.fromkeys(("F32", "I32", "U32"), 32),
    **dict.fromkeys(("F16", "BF16", "I16", "U16"), 16),
    **dict.fromkeys(("I8", "U8", "F8_E5M2", "F8_E4M3", "F8_E8M0", "F8_E4M3FNUZ", "F8_E5M2FNUZ"), 8),
    **dict.fromkeys(("F6_E2M3", "F6_E3M2"), 6),
    "F4": 4,
}
_STARTS = (
    (b"version https://git-lfs", "it is a pointer of Git LFS, not the file itself"),
    (b"<!doctype", "it is a web page"),
    (b"<html", "it is a web page"),
    (b"GGUF", "it is a GGUF file"),
    (b"PK\x03\x04", "it is a checkpoint of PyTorch or a ZIP archive"),
)


class BrokenFileError(ValueError):
    """The file is not what its name says, or not all of it."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Weights:
    tensors: frozenset[str]
    bytes: int
    """Of all tensors."""


def read(path: Path) -> Weights:
    """Raises BrokenFileError with what is wrong, OSError when it cannot be read."""
    size = path.stat().st_size
    with path.open("rb") as file:
        start = file.read(_LENGTH)
        table, header_bytes = _header(start, start + file.read(64), file, size)
    end = 0
    for name, row in table.items():
        end = max(end, _end_of(name, row))
    expected = _LENGTH + header_bytes + end
    if size < expected:
        raise BrokenFileError(f"it is cut short: {size:,} of {expected:,} bytes")
    if size > expected:
        raise BrokenFileError(f"it has {size - expected:,} bytes more than its header says")
    return Weights(tensors=frozenset(table), bytes=end)


def _header(start: bytes, seen: bytes, file: Any, size: int) -> tuple[dict[str, Any], int]:
    """The table of tensors and its length in bytes."""
    if not size:
        raise BrokenFileError("it is empty")
    for begin, what in _STARTS:
        if seen.lower().startswith(begin.lower()):
            raise BrokenFileError(what)
    length = int.from_bytes(start, "little")
    if len(start) < _LENGTH or length > _LONGEST_HEADER:
        raise BrokenFileError("it does not begin like a safetensors file")
    if _LENGTH + length > size:
        raise BrokenFileError(f"it is cut short inside its own header: {size:,} bytes")
    file.seek(_LENGTH)
    try:
        table = json.loads(file.read(length))
    except (ValueError, RecursionError):
        raise BrokenFileError("its header is no JSON") from None
    if not isinstance(table, dict):
        raise BrokenFileError("its header is no table")
    table.pop("__metadata__", None)
    return table, length


def _end_of(name: str, row: Any) -> int:
    """Where a tensor ends. Raises BrokenFileError where its place is not as large as its shape."""
    try:
        begin, end = map(index, row["data_offsets"])
        bits, elements = _BITS.get(row["dtype"]), math.prod(map(index, row["shape"]))
        length = end - begin
    except (KeyError, TypeError, ValueError):
        raise BrokenFileError(f"the tensor {name} has no place in it") from None
    if bits is not None and length * 8 != elements * bits:
        raise BrokenFileError(f"the tensor {name} has {length:,} bytes, and its shape takes {elements * bits // 8:,}")
    return end
