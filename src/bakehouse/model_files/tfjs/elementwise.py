"""Operators that work element by element, in whichever layout their inputs lie."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np

from bakehouse.errors import SupplyError
from bakehouse.model_files.tfjs.graph_model import Operation
from bakehouse.model_files.tfjs.onnx_file import Array
from bakehouse.model_files.tfjs.values import (
    PICTURE,
    TO_CHANNELS_FIRST,
    GraphBuilder,
    GraphTensor,
    Results,
    Value,
)

UNARY = {
    "Abs": "Abs",
    "Relu": "Relu",
    "Sigmoid": "Sigmoid",
    "Sqrt": "Sqrt",
    "Exp": "Exp",
    "Tanh": "Tanh",
    "Identity": "Identity",
    "Rsqrt": "Sqrt",
}
BINARY = {
    "Add": "Add",
    "AddV2": "Add",
    "Sub": "Sub",
    "Mul": "Mul",
    "RealDiv": "Div",
    "FloorDiv": "Div",  # the same where nothing is negative: an index divided by a width
    "Maximum": "Max",
    "Minimum": "Min",
    "SquaredDifference": "Sub",
}
FOLDED: dict[str, Callable[[Array, Array], Array]] = {"Add": np.add, "Sub": np.subtract, "Mul": np.multiply}


def unary(operation: Operation, values: Sequence[Value], build: GraphBuilder) -> Results:
    value = values[0]
    if operation.kind == "Identity":
        return (value,)
    tensor = build.tensor(value)
    result = build.emit(UNARY[operation.kind], tensor, channels_first=tensor.channels_first)
    if operation.kind == "Rsqrt":
        result = build.emit("Reciprocal", result, channels_first=tensor.channels_first)
    return (result,)


def relu6(_: Operation, values: Sequence[Value], build: GraphBuilder) -> Results:
    return (_clip6(build.tensor(values[0]), build),)


def leaky_relu(operation: Operation, values: Sequence[Value], build: GraphBuilder) -> Results:
    tensor = build.tensor(values[0])
    alpha = operation.float("alpha", 0.2)
    return (build.emit("LeakyRelu", tensor, channels_first=tensor.channels_first, alpha=alpha),)


def square(_: Operation, values: Sequence[Value], build: GraphBuilder) -> Results:
    tensor = build.tensor(values[0])
    return (build.emit("Mul", tensor, tensor, channels_first=tensor.channels_first),)


def binary(operation: Operation, values: Sequence[Value], build: GraphBuilder) -> Results:
    left, right = values[0], values[1]
    kind = BINARY[operation.kind]
    if not isinstance(left, GraphTensor) and not isinstance(right, GraphTensor):
        if kind not in FOLDED:
            raise SupplyError(f"{operation.name} ({operation.kind}) works on constants alone")
        return (FOLDED[kind](left, right),)
    left, right, channels_first = _alike(left, right, build)
    result = build.emit(kind, left, right, channels_first=channels_first)
    if operation.kind == "SquaredDifference":
        result = build.emit("Mul", result, result, channels_first=channels_first)
    return (result,)


def add_all(_: Operation, values: Sequence[Value], build: GraphBuilder) -> Results:
    total = values[0]
    for value in values[1:]:
        left, right, channels_first = _alike(total, value, build)
        total = build.emit("Add", left, right, channels_first=channels_first)
    return (total,)


def _alike(left: Value, right: Value, build: GraphBuilder) -> tuple[Value, Value, bool]:
    """Both in one layout, NCHW where one of them is."""
    if not any(isinstance(one, GraphTensor) and one.channels_first for one in (left, right)):
        return left, right, False
    turned = [_turned(one) for one in (left, right)]
    if any(one is None for one in turned):
        return build.plain(left), build.plain(right), False
    return turned[0], turned[1], True  # type: ignore[return-value] # None was ruled out above


def _turned(value: Value) -> Value | None:
    """As NCHW: constants that broadcast over NHWC get the shape that broadcasts over NCHW. None: it cannot be said."""
    if isinstance(value, GraphTensor):
        return value if value.channels_first else None
    if value.ndim == PICTURE:
        return value.transpose(TO_CHANNELS_FIRST)
    if value.ndim == 0 or value.size == 1:
        return value.reshape(())
    return value.reshape(-1, 1, 1) if value.ndim == 1 else None


def activated(operation: Operation, tensor: GraphTensor, build: GraphBuilder) -> GraphTensor:
    """What a fused operator does after its bias."""
    for kind in operation.texts("fused_ops"):
        match kind:
            case "BiasAdd":
                continue
            case "Relu" | "Sigmoid":
                tensor = build.emit(kind, tensor, channels_first=tensor.channels_first)
            case "Relu6":
                tensor = _clip6(tensor, build)
            case _:
                raise SupplyError(f"{operation.name} ({operation.kind}) ends with {kind}, which is not known")
    return tensor


def _clip6(tensor: GraphTensor, build: GraphBuilder) -> GraphTensor:
    low, high = np.float32(0), np.float32(6)
    return build.emit("Clip", tensor, np.asarray(low), np.asarray(high), channels_first=tensor.channels_first)
