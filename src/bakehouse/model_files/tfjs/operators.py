"""TensorFlow's operators in terms of ONNX's (opset 18): the table.

https://onnx.ai/onnx/operators/ and https://www.tensorflow.org/api_docs/python/tf/raw_ops say what each computes.
"""

from __future__ import annotations

from bakehouse.model_files.tfjs.elementwise import BINARY, UNARY, add_all, binary, leaky_relu, relu6, square, unary
from bakehouse.model_files.tfjs.shapes import (
    argmax,
    cast,
    concat,
    dense,
    expand,
    gather,
    matrix_product,
    pack,
    pad,
    reduction,
    reshape,
    softmax,
    split,
    squeeze,
    transpose,
    unpack,
)
from bakehouse.model_files.tfjs.values import Operator
from bakehouse.model_files.tfjs.windows import convolution, pool, resize, transposed_convolution

OPERATORS: dict[str, Operator] = {
    **dict.fromkeys(UNARY, unary),
    **dict.fromkeys(BINARY, binary),
    **dict.fromkeys(("Conv2D", "_FusedConv2D", "DepthwiseConv2dNative", "FusedDepthwiseConv2dNative"), convolution),
    "AddN": add_all,
    "ArgMax": argmax,
    "AvgPool": pool,
    "Cast": cast,
    "ConcatV2": concat,
    "Conv2DBackpropInput": transposed_convolution,
    "ExpandDims": expand,
    "GatherNd": gather,
    "LeakyRelu": leaky_relu,
    "MatMul": matrix_product,
    "Max": reduction,
    "MaxPool": pool,
    "Mean": reduction,
    "Pack": pack,
    "Pad": pad,
    "PadV2": pad,
    "Relu6": relu6,
    "Reshape": reshape,
    "ResizeBilinear": resize,
    "Softmax": softmax,
    "SparseToDense": dense,
    "SplitV": split,
    "Square": square,
    "Squeeze": squeeze,
    "Sum": reduction,
    "Transpose": transpose,
    "Unpack": unpack,
    "_FusedMatMul": matrix_product,
}
UNBATCHED = frozenset({"Unpack", "GatherNd", "Pack"})
"""With these, pictures of a batch are not computed side by side: the batch stays what the file says, 1."""
