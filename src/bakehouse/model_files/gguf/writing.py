"""A GGUF file, piece by piece: metadata, the list of tensors, and their weights. Version 3, little-endian. Pure.

https://github.com/ggml-org/ggml/blob/master/docs/gguf.md
"""

from __future__ import annotations

import math
import struct
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from enum import IntEnum

from bakehouse.model_files.gguf.header import MAGIC

_VERSION, _ALIGNMENT = 3, 32
_UINT32, _INT32, _FLOAT32, _BOOL, _STRING, _ARRAY = 4, 5, 6, 7, 8, 9

Scalar = str | bool | int | float
Value = Scalar | Sequence[str] | Sequence[int]


class Type(IntEnum):
    """ggml's number of a tensor's type; both have as many bytes for each element."""

    F32 = 0
    F16 = 1

    @property
    def size(self) -> int:
        return 4 if self is Type.F32 else 2


@dataclass(frozen=True, kw_only=True, slots=True)
class Weights:
    name: str
    shape: tuple[int, ...]
    """The length of a row first."""
    type: Type
    data: bytes

    def __post_init__(self) -> None:
        if len(self.data) != math.prod(self.shape) * self.type.size:
            raise ValueError(f"{self.name}: {len(self.data)} bytes for {self.shape}")


def gguf(metadata: Mapping[str, Value], tensors: Sequence[Weights]) -> Iterator[bytes]:
    """The header, then each tensor's weights. Whole numbers are written as 32 bits, true and false as such."""
    head = MAGIC + struct.pack("<IQQ", _VERSION, len(tensors), len(metadata))
    head += b"".join(_text(name) + _value(value) for name, value in metadata.items())
    offset = 0
    for tensor in tensors:
        head += _text(tensor.name) + struct.pack("<I", len(tensor.shape))
        head += struct.pack(f"<{len(tensor.shape)}QIQ", *tensor.shape, tensor.type, offset)
        offset += len(tensor.data) + _gap(len(tensor.data))
    yield head + bytes(_gap(len(head)))
    for tensor in tensors:
        yield tensor.data + bytes(_gap(len(tensor.data)))


def _gap(length: int) -> int:
    return -length % _ALIGNMENT


def _text(text: str) -> bytes:
    raw = text.encode()
    return struct.pack("<Q", len(raw)) + raw


def _value(value: Value) -> bytes:
    match value:
        case bool():
            return struct.pack("<I?", _BOOL, value)
        case int():
            return struct.pack("<II", _UINT32, value)
        case float():
            return struct.pack("<If", _FLOAT32, value)
        case str():
            return struct.pack("<I", _STRING) + _text(value)
        case _:
            return struct.pack("<I", _ARRAY) + _list(value)


def _list(values: Sequence[str] | Sequence[int]) -> bytes:
    texts = [one for one in values if isinstance(one, str)]
    if texts:
        return struct.pack("<IQ", _STRING, len(texts)) + b"".join(map(_text, texts))
    numbers = [one for one in values if isinstance(one, int)]
    return struct.pack(f"<IQ{len(numbers)}i", _INT32, len(numbers), *numbers)
