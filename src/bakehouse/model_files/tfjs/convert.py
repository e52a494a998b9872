"""A graph model of TensorFlow.js to an ONNX file, from its outputs back to what they need."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import numpy as np

from bakehouse.config.suggest import perhaps
from bakehouse.errors import SupplyError
from bakehouse.model_files.tfjs import graph_model, onnx_file
from bakehouse.model_files.tfjs.graph_model import GraphModel, Operation
from bakehouse.model_files.tfjs.onnx_file import Dimension, Graph, Port
from bakehouse.model_files.tfjs.operators import OPERATORS, UNBATCHED
from bakehouse.model_files.tfjs.values import GraphBuilder, GraphTensor, Results, Value

PRODUCER = "bakehouse"
BATCH = "batch"
UNKNOWN = -1
UNUSED_INPUTS = {"Conv2DBackpropInput": 0}
"""What is not followed: the size of a result, which ONNX knows by itself."""


def convert(file: Path) -> bytes:
    """The ONNX file's bytes, the same for the same model. Raises SupplyError for what is not known, and OSError."""
    model = graph_model.read(file)
    graph = Graph(name=file.stem)
    needed = _needed(model)
    builder = GraphBuilder(graph=graph, batch=not any(one.kind in UNBATCHED for one in needed))
    done: dict[str, Results] = {}
    for operation in needed:
        done[operation.name] = _results(operation, model, done, builder)
    for name, shape in model.outputs.items():
        _output(name, shape, done[name][0], builder)
    return onnx_file.encode(graph, producer=PRODUCER)


def _needed(model: GraphModel) -> list[Operation]:
    """Operations that the outputs stand on, each after those that it reads."""
    order: dict[str, Operation] = {}
    waiting = [(name, False) for name in reversed(model.outputs)]
    while waiting:
        name, ready = waiting.pop()
        if name in order:
            continue
        operation = model.operations[name]
        if ready:
            order[name] = operation
            continue
        waiting.append((name, True))
        skipped = UNUSED_INPUTS.get(operation.kind)
        inputs = [_source(one)[0] for index, one in enumerate(operation.inputs) if index != skipped]
        waiting += [(one, False) for one in reversed(inputs)]
    return list(order.values())


def _results(operation: Operation, model: GraphModel, done: Mapping[str, Results], builder: GraphBuilder) -> Results:
    match operation.kind:
        case "Const":
            return (model.weights[operation.name],)
        case "Placeholder":
            return (_input(operation, builder),)
        case kind if kind in OPERATORS:
            return OPERATORS[kind](operation, [_value(one, done) for one in operation.inputs], builder)
        case kind:
            raise SupplyError(f"{operation.name}: the operator {kind} is not known", hint=perhaps(kind, OPERATORS))


def _value(name: str, done: Mapping[str, Results]) -> Value:
    source, index = _source(name)
    return done[source][index] if source in done else np.zeros(0, dtype=np.int32)


def _source(name: str) -> tuple[str, int]:
    source, _, index = name.partition(":")
    return source, int(index or 0)


def _input(operation: Operation, builder: GraphBuilder) -> GraphTensor:
    sizes = tuple(int(one["size"]) for one in operation.attributes["shape"]["shape"].get("dim", ()))
    shape = _dimensions(sizes, builder)
    builder.graph.inputs.append(Port(name=operation.name, dtype=operation.dtype("dtype"), shape=shape))
    return GraphTensor(name=operation.name)


def _output(name: str, shape: tuple[int, ...] | None, value: Value, builder: GraphBuilder) -> None:
    """As TensorFlow has it, under TensorFlow's name."""
    builder.emit("Identity", builder.plain(value), name=name)
    said = None if shape is None else _dimensions(shape, builder)
    builder.graph.outputs.append(Port(name=name, dtype=np.dtype(np.float32), shape=said))


def _dimensions(sizes: tuple[int, ...], builder: GraphBuilder) -> tuple[Dimension, ...]:
    first: Dimension = BATCH if builder.batch else 1
    later = (f"dimension_{at}" if size == UNKNOWN else size for at, size in enumerate(sizes[1:], 1))
    return (first, *later) if sizes else ()
