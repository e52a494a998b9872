"""Operators that move elements or look at them by place, and products and sums over axes."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from bakehouse.errors import SupplyError
from bakehouse.model_files.tfjs.elementwise import activated
from bakehouse.model_files.tfjs.graph_model import Operation
from bakehouse.model_files.tfjs.onnx_file import ELEMENT_TYPES, Array
from bakehouse.model_files.tfjs.values import (
    CHANNEL_AXIS,
    PICTURE,
    TO_CHANNELS_FIRST,
    TO_CHANNELS_LAST,
    GraphBuilder,
    GraphTensor,
    Results,
    Value,
    axes,
    constant,
    ints,
)


def matrix_product(operation: Operation, values: Sequence[Value], build: GraphBuilder) -> Results:
    if operation.flag("transpose_a") or operation.flag("transpose_b"):
        raise SupplyError(f"{operation.name} ({operation.kind}) multiplies a transposed matrix, which is not known")
    result = build.emit("MatMul", build.plain(values[0]), build.plain(values[1]))
    for bias in values[2 : 2 + operation.int("num_args")]:
        result = build.emit("Add", result, bias)
    return (activated(operation, result, build),)


def reduction(operation: Operation, values: Sequence[Value], build: GraphBuilder) -> Results:
    kind = {"Mean": "ReduceMean", "Sum": "ReduceSum", "Max": "ReduceMax"}[operation.kind]
    wanted = sorted(ints(values[1], operation))
    keep = operation.flag("keep_dims")
    tensor = build.tensor(values[0])
    if tensor.channels_first and (keep or wanted == [1, 2]):
        turned = axes(*(CHANNEL_AXIS[one % PICTURE] for one in wanted))
        return (build.emit(kind, tensor, turned, channels_first=keep, keepdims=int(keep)),)
    return (build.emit(kind, build.plain(tensor), axes(*wanted), keepdims=int(keep)),)


def softmax(_: Operation, values: Sequence[Value], build: GraphBuilder) -> Results:
    return (build.emit("Softmax", build.plain(values[0]), axis=-1),)


def argmax(operation: Operation, values: Sequence[Value], build: GraphBuilder) -> Results:
    (axis,) = ints(values[1], operation)
    found = build.emit("ArgMax", build.plain(values[0]), axis=axis, keepdims=0)
    return (build.emit("Cast", found, to=ELEMENT_TYPES[operation.dtype("output_type")]),)


def transpose(operation: Operation, values: Sequence[Value], build: GraphBuilder) -> Results:
    """From one layout to the other is no work: it is the same tensor, seen otherwise."""
    order = tuple(ints(values[1], operation))
    value = values[0]
    if not isinstance(value, GraphTensor):
        return (value.transpose(order),)
    if value.channels_first and order == TO_CHANNELS_FIRST:
        return (GraphTensor(name=value.name),)
    if not value.channels_first and order == TO_CHANNELS_LAST:
        return (GraphTensor(name=value.name, channels_first=True),)
    return (build.emit("Transpose", build.plain(value), perm=order),)


def pad(operation: Operation, values: Sequence[Value], build: GraphBuilder) -> Results:
    widths = constant(values[1], operation).astype(np.int64)
    fill = constant(values[2], operation).astype(np.float32).reshape(()) if len(values) > 2 else None  # noqa: PLR2004
    tensor = build.tensor(values[0])
    if tensor.channels_first:
        widths = widths[list(TO_CHANNELS_FIRST)]
    inputs: list[Value] = [tensor, widths.T.reshape(-1), *([fill] if fill is not None else [])]
    return (build.emit("Pad", *inputs, channels_first=tensor.channels_first, mode="constant"),)


def concat(operation: Operation, values: Sequence[Value], build: GraphBuilder) -> Results:
    *parts, axis = values
    (along,) = ints(axis, operation)
    if all(isinstance(one, GraphTensor) and one.channels_first for one in parts):
        return (build.emit("Concat", *parts, channels_first=True, axis=CHANNEL_AXIS[along % PICTURE]),)
    return (build.emit("Concat", *(build.plain(one) for one in parts), axis=along),)


def split(operation: Operation, values: Sequence[Value], build: GraphBuilder) -> Results:
    sizes = constant(values[1], operation).astype(np.int64)
    (axis,) = ints(values[2], operation)
    inputs = (build.plain(values[0]), sizes)
    return build.emit_several("Split", inputs, results=len(sizes), axis=axis)


def reshape(operation: Operation, values: Sequence[Value], build: GraphBuilder) -> Results:
    shape = constant(values[1], operation).astype(np.int64)
    if build.batch and shape.size and shape[0] == 1:
        shape = shape.copy()
        shape[0] = 0  # ONNX: as it is in the input
    return (build.emit("Reshape", build.plain(values[0]), shape),)


def squeeze(operation: Operation, values: Sequence[Value], build: GraphBuilder) -> Results:
    return (build.emit("Squeeze", build.plain(values[0]), axes(*operation.ints("squeeze_dims"))),)


def expand(operation: Operation, values: Sequence[Value], build: GraphBuilder) -> Results:
    return (build.emit("Unsqueeze", build.plain(values[0]), axes(*ints(values[1], operation))),)


def pack(operation: Operation, values: Sequence[Value], build: GraphBuilder) -> Results:
    axis = operation.int("axis")
    if not any(isinstance(one, GraphTensor) for one in values):
        return (np.stack([constant(one, operation) for one in values], axis),)
    parts = [build.emit("Unsqueeze", build.plain(one), axes(axis)) for one in values]
    return (build.emit("Concat", *parts, axis=axis),)


def unpack(operation: Operation, values: Sequence[Value], build: GraphBuilder) -> Results:
    axis, count = operation.int("axis"), operation.int("num")
    parts = build.emit_several("Split", (build.plain(values[0]), np.ones(count, np.int64)), results=count, axis=axis)
    return tuple(build.emit("Squeeze", one, axes(axis)) for one in parts)


def gather(_: Operation, values: Sequence[Value], build: GraphBuilder) -> Results:
    places = build.emit("Cast", build.plain(values[1]), to=ELEMENT_TYPES[np.dtype(np.int64)])
    return (build.emit("GatherND", build.plain(values[0]), places),)


def cast(operation: Operation, values: Sequence[Value], build: GraphBuilder) -> Results:
    wanted, value = operation.dtype("DstT"), values[0]
    if not isinstance(value, GraphTensor):
        return (value.astype(wanted),)
    return (build.emit("Cast", value, channels_first=value.channels_first, to=ELEMENT_TYPES[wanted]),)


def dense(operation: Operation, values: Sequence[Value], _: GraphBuilder) -> Results:
    """Of constants: a tensor of the given shape, with values at some places."""
    places, shape, content, fill = (constant(one, operation) for one in values)
    found: Array = np.full(ints(shape, operation), fill, dtype=content.dtype)
    for place, one in zip(places.reshape(-1, len(found.shape)), np.atleast_1d(content), strict=False):
        found[tuple(place)] = one
    return (found,)
