"""Operators with a window that moves over a picture: convolutions, pools; and a picture's size."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from bakehouse.errors import SupplyError
from bakehouse.model_files.tfjs.elementwise import activated
from bakehouse.model_files.tfjs.graph_model import Operation
from bakehouse.model_files.tfjs.values import (
    GraphBuilder,
    Results,
    Value,
    constant,
)


def convolution(operation: Operation, values: Sequence[Value], build: GraphBuilder) -> Results:
    """HWIO to OIHW; of a depthwise one HWCM to (C M)1HW, with a group for each channel."""
    kernel = constant(values[1], operation)
    height, width, channels, most = kernel.shape
    depthwise = "epthwise" in operation.kind
    if depthwise:
        weights = kernel.transpose(2, 3, 0, 1).reshape(channels * most, 1, height, width)
    else:
        weights = kernel.transpose(3, 2, 0, 1)
    inputs = [build.first(values[0]), weights, *values[2 : 2 + operation.int("num_args")]]
    result = build.emit(
        "Conv",
        *inputs,
        channels_first=True,
        group=channels if depthwise else 1,
        kernel_shape=(height, width),
        dilations=operation.ints("dilations")[1:3] or (1, 1),
        **_window(operation),
    )
    return (activated(operation, result, build),)


def transposed_convolution(operation: Operation, values: Sequence[Value], build: GraphBuilder) -> Results:
    """Its first input, the size of the result, follows from padding and strides."""
    kernel = constant(values[1], operation)
    weights = kernel.transpose(3, 2, 0, 1)  # HWOI: what goes in comes last
    picture = build.first(values[2])
    return (
        build.emit(
            "ConvTranspose",
            picture,
            weights,
            channels_first=True,
            kernel_shape=tuple(kernel.shape[:2]),
            **_window(operation),
        ),
    )


def pool(operation: Operation, values: Sequence[Value], build: GraphBuilder) -> Results:
    kind = {"MaxPool": "MaxPool", "AvgPool": "AveragePool"}[operation.kind]
    shape = operation.ints("ksize")[1:3]
    picture = build.first(values[0])
    return (build.emit(kind, picture, channels_first=True, kernel_shape=shape, **_window(operation)),)


def _window(operation: Operation) -> dict[str, Any]:
    if operation.text("data_format") not in ("", "NHWC"):
        raise SupplyError(f"{operation.name} ({operation.kind}) has the layout {operation.text('data_format')}")
    padding = {"SAME": "SAME_UPPER", "VALID": "VALID"}.get(operation.text("padding"))
    if padding is None:
        raise SupplyError(f"{operation.name} ({operation.kind}) has the padding {operation.text('padding')}")
    return {"auto_pad": padding, "strides": operation.ints("strides")[1:3]}


def resize(operation: Operation, values: Sequence[Value], build: GraphBuilder) -> Results:
    height_and_width = constant(values[1], operation).astype(np.int64)
    mode = (
        "align_corners"
        if operation.flag("align_corners")
        else ("half_pixel" if operation.flag("half_pixel_centers") else "asymmetric")
    )
    empty = np.zeros(0, dtype=np.float32)  # no region, no scales
    picture = build.first(values[0])
    batch_and_channels = build.emit("Shape", picture, end=2)
    # All four sizes: onnxruntime 1.30 mixes up its transpositions where `axes` leaves some out.
    sizes = build.emit("Concat", batch_and_channels, height_and_width, axis=0)
    return (
        build.emit(
            "Resize",
            picture,
            empty,
            empty,
            sizes,
            channels_first=True,
            mode="linear",
            coordinate_transformation_mode=mode,
        ),
    )
