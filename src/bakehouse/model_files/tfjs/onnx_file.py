"""Writes ONNX files: the few messages of `onnx.proto` that a graph takes, in protobuf's wire format.

https://github.com/onnx/onnx/blob/v1.16.0/onnx/onnx.proto has the field numbers, and
https://protobuf.dev/programming-guides/encoding the format.
Fields are written in the order of their numbers, so the same graph is the same bytes.
"""

from __future__ import annotations

import struct
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import numpy.typing as npt

IR_VERSION = 8
OPSET = 18
ELEMENT_TYPES: dict[np.dtype[Any], int] = {np.dtype(np.float32): 1, np.dtype(np.int32): 6, np.dtype(np.int64): 7}
"""TensorProto.DataType."""
FLOAT, INT, STRING, INTS = 1, 2, 3, 7
"""AttributeProto.AttributeType."""

Array = npt.NDArray[Any]
"""Of float32, int32 or int64."""
Attribute = float | int | str | Sequence[int]
Dimension = int | str


@dataclass(frozen=True, kw_only=True, slots=True)
class OnnxNode:
    """One operator."""

    kind: str
    inputs: tuple[str, ...]
    outputs: tuple[str, ...]
    attributes: dict[str, Attribute] = field(default_factory=dict)


@dataclass(frozen=True, kw_only=True, slots=True)
class Port:
    """An input or an output of the graph."""

    name: str
    dtype: np.dtype[Any]
    shape: tuple[Dimension, ...] | None = None
    """A name where the size is free; None: not said."""


@dataclass(kw_only=True, slots=True)
class Graph:
    """What a file holds. `constants` are weights, shapes and the like."""

    name: str
    nodes: list[OnnxNode] = field(default_factory=list)
    constants: dict[str, Array] = field(default_factory=dict)
    inputs: list[Port] = field(default_factory=list)
    outputs: list[Port] = field(default_factory=list)


def encode(graph: Graph, *, producer: str) -> bytes:
    """The bytes of a ModelProto."""
    return b"".join(
        (
            _number(1, IR_VERSION),
            _text(2, producer),
            _message(7, _graph(graph)),
            _message(8, _number(2, OPSET)),
        )
    )


def _graph(graph: Graph) -> bytes:
    parts = [_message(1, _node(node)) for node in graph.nodes]
    parts.append(_text(2, graph.name))
    parts += [_message(5, _tensor(name, array)) for name, array in graph.constants.items()]
    parts += [_message(11, _port(port)) for port in graph.inputs]
    parts += [_message(12, _port(port)) for port in graph.outputs]
    return b"".join(parts)


def _node(node: OnnxNode) -> bytes:
    parts = [_text(1, name) for name in node.inputs] + [_text(2, name) for name in node.outputs]
    parts += [_text(3, node.outputs[0]), _text(4, node.kind)]
    parts += [_message(5, _attribute(name, value)) for name, value in sorted(node.attributes.items())]
    return b"".join(parts)


def _attribute(name: str, value: Attribute) -> bytes:
    match value:
        case float():
            return _text(1, name) + _key(2, 5) + struct.pack("<f", value) + _number(20, FLOAT)
        case int():
            return _text(1, name) + _number(3, value) + _number(20, INT)
        case str():
            return _text(1, name) + _text(4, value) + _number(20, STRING)
        case _:
            return _text(1, name) + b"".join(_number(8, one) for one in value) + _number(20, INTS)


def _tensor(name: str, array: Array) -> bytes:
    little = array.astype(array.dtype.newbyteorder("<"))
    return b"".join(
        (
            *(_number(1, size) for size in array.shape),
            _number(2, ELEMENT_TYPES[array.dtype]),
            _text(8, name),
            _message(9, little.tobytes()),
        )
    )


def _port(port: Port) -> bytes:
    shape = b"" if port.shape is None else _message(2, b"".join(_message(1, _dimension(one)) for one in port.shape))
    tensor = _number(1, ELEMENT_TYPES[port.dtype]) + shape
    return _text(1, port.name) + _message(2, _message(1, tensor))


def _dimension(size: Dimension) -> bytes:
    return _text(2, size) if isinstance(size, str) else _number(1, size)


def _key(field_number: int, wire_type: int) -> bytes:
    return _varint(field_number << 3 | wire_type)


def _number(field_number: int, value: int) -> bytes:
    """Negative numbers take ten bytes, as in two's complement of 64 bits."""
    return _key(field_number, 0) + _varint(value & (1 << 64) - 1)


def _text(field_number: int, text: str) -> bytes:
    return _message(field_number, text.encode())


def _message(field_number: int, content: bytes) -> bytes:
    return _key(field_number, 2) + _varint(len(content)) + content


def _varint(value: int) -> bytes:
    """Groups of seven bits, the lowest first; the eighth bit says that more follow."""
    groups = []
    while value >> 7:
        groups.append(value & 127 | 128)
        value >>= 7
    return bytes((*groups, value))
