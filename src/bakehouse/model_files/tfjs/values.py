"""What an operator works on: constants, and tensors whose layout is known.

Pictures are NHWC in TensorFlow, and NCHW in ONNX. A tensor that comes from a convolution stays NCHW through every
operator that works in both layouts, and is transposed only where one needs NHWC.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

import numpy as np

from bakehouse.errors import SupplyError
from bakehouse.model_files.tfjs.graph_model import Operation
from bakehouse.model_files.tfjs.onnx_file import Array, Attribute, Graph, OnnxNode

TO_CHANNELS_FIRST = (0, 3, 1, 2)
TO_CHANNELS_LAST = (0, 2, 3, 1)


@dataclass(frozen=True, kw_only=True, slots=True)
class GraphTensor:
    """A result that is computed when the model runs, by its name in the ONNX graph."""

    name: str
    channels_first: bool = False
    """Whether what TensorFlow has as NHWC lies there as NCHW."""


Value = GraphTensor | Array
Results = tuple[Value, ...]
PICTURE = 4
"""Dimensions of a batch of pictures."""
CHANNEL_AXIS = {0: 0, 1: 2, 2: 3, 3: 1}
"""Axis of NHWC to the same axis of NCHW."""


@dataclass(kw_only=True, slots=True)
class GraphBuilder:
    """The graph as far as it is written."""

    graph: Graph
    batch: bool
    """Whether the first dimension of pictures is free."""
    _turned: dict[GraphTensor, GraphTensor] = field(default_factory=dict)
    _count: int = 0

    def emit(
        self, kind: str, *inputs: Value, channels_first: bool = False, name: str = "", **attributes: Attribute
    ) -> GraphTensor:
        """One operator with one result."""
        (result,) = self.emit_several(kind, inputs, results=1, channels_first=channels_first, name=name, **attributes)
        return result

    def emit_several(
        self,
        kind: str,
        inputs: tuple[Value, ...],
        *,
        results: int,
        channels_first: bool = False,
        name: str = "",
        **attributes: Attribute,
    ) -> tuple[GraphTensor, ...]:
        names = tuple(name or self._fresh(kind) for _ in range(results))
        known = tuple(self._name(one) for one in inputs)
        self.graph.nodes.append(OnnxNode(kind=kind, inputs=known, outputs=names, attributes=attributes))
        return tuple(GraphTensor(name=one, channels_first=channels_first) for one in names)

    def first(self, value: Value) -> GraphTensor:
        """A picture as NCHW."""
        tensor = self.tensor(value)
        return tensor if tensor.channels_first else self._turn(tensor, TO_CHANNELS_FIRST)

    def plain(self, value: Value) -> Value:
        """As TensorFlow has it."""
        if isinstance(value, GraphTensor) and value.channels_first:
            return self._turn(value, TO_CHANNELS_LAST)
        return value

    def tensor(self, value: Value) -> GraphTensor:
        return value if isinstance(value, GraphTensor) else GraphTensor(name=self._name(value))

    def _turn(self, tensor: GraphTensor, order: tuple[int, ...]) -> GraphTensor:
        if tensor not in self._turned:
            other = self.emit("Transpose", tensor, channels_first=not tensor.channels_first, perm=order)
            self._turned[tensor] = other
            self._turned[other] = tensor
        return self._turned[tensor]

    def _name(self, value: Value) -> str:
        if isinstance(value, GraphTensor):
            return value.name
        name = self._fresh("constant")
        self.graph.constants[name] = np.ascontiguousarray(value).reshape(value.shape)
        return name

    def _fresh(self, kind: str) -> str:
        self._count += 1
        return f"{kind.lower()}_{self._count}"


def axes(*numbers: int) -> Array:
    return np.asarray(numbers, dtype=np.int64)


Operator = Callable[[Operation, Sequence[Value], GraphBuilder], Results]


def constant(value: Value, operation: Operation) -> Array:
    """Raises SupplyError where it is computed when the model runs."""
    if isinstance(value, GraphTensor):
        raise SupplyError(f"{operation.name} ({operation.kind}) takes a shape or an axis that is not constant")
    return value


def ints(value: Value, operation: Operation) -> list[int]:
    return [int(one) for one in np.atleast_1d(constant(value, operation))]
