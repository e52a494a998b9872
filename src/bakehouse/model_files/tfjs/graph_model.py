"""Reads a graph model of TensorFlow.js: `model.json` with its nodes, and the shards that hold the weights.

https://github.com/tensorflow/tfjs/blob/master/tfjs-core/src/io/types.ts describes the file.
"""

from __future__ import annotations

import base64
import binascii
import contextlib
import json
import math
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from bakehouse.errors import SupplyError
from bakehouse.model_files.tfjs.onnx_file import Array

STORED: dict[str, np.dtype[Any]] = {"float32": np.dtype("<f4"), "int32": np.dtype("<i4"), "float16": np.dtype("<f2")}
DATA_TYPES: dict[str, np.dtype[Any]] = {
    "DT_FLOAT": np.dtype(np.float32),
    "DT_INT32": np.dtype(np.int32),
    "DT_INT64": np.dtype(np.int64),
}


@dataclass(frozen=True, kw_only=True, slots=True)
class Operation:
    """One node of TensorFlow's graph."""

    name: str
    kind: str
    inputs: tuple[str, ...]
    """Names of operations, with `:1` for their second result."""
    attributes: dict[str, Any]

    def ints(self, name: str) -> tuple[int, ...]:
        return tuple(int(one) for one in self.attributes.get(name, {}).get("list", {}).get("i", ()))

    def int(self, name: str, default: int = 0) -> int:
        return int(self.attributes.get(name, {}).get("i", default))

    def float(self, name: str, default: float) -> float:
        return float(self.attributes.get(name, {}).get("f", default))

    def flag(self, name: str) -> bool:
        return bool(self.attributes.get(name, {}).get("b", False))

    def text(self, name: str) -> str:
        return _text(self.attributes.get(name, {}).get("s", ""))

    def texts(self, name: str) -> tuple[str, ...]:
        return tuple(_text(one) for one in self.attributes.get(name, {}).get("list", {}).get("s", ()))

    def dtype(self, name: str) -> np.dtype[Any]:
        said = self.attributes.get(name, {}).get("type", "")
        if said not in DATA_TYPES:
            raise SupplyError(f"{self.name} ({self.kind}) is of type {said!r}; only {', '.join(DATA_TYPES)} are known")
        return DATA_TYPES[said]


@dataclass(frozen=True, kw_only=True, slots=True)
class GraphModel:
    """A model as its file has it."""

    operations: dict[str, Operation]
    weights: dict[str, Array]
    outputs: dict[str, tuple[int, ...] | None]
    """Operations, in the order of their names, and their shapes where the file says them; -1: not known."""


def shards(file: Path) -> list[str]:
    """Names of the files beside `model.json` that hold its weights. Raises SupplyError, and OSError."""
    with _understood(file):
        document = json.loads(file.read_text(encoding="utf-8"))
        found = [str(path) for group in document["weightsManifest"] for path in group["paths"]]
        if any(Path(path).name != path for path in found):
            raise ValueError("its weights lie in another folder")
    return found


def read(file: Path) -> GraphModel:
    """Raises SupplyError for what is no graph model, and OSError."""
    with _understood(file):
        document = json.loads(file.read_text(encoding="utf-8"))
        nodes = document["modelTopology"]["node"]
        operations = {one.name: one for one in map(_operation, nodes)}
        weights = _weights(document["weightsManifest"], file.parent)
        outputs = _outputs(document, operations)
    return GraphModel(operations=operations, weights=weights, outputs=outputs)


@contextlib.contextmanager
def _understood(file: Path) -> Iterator[None]:
    try:
        yield
    except (KeyError, TypeError, ValueError, AttributeError, IndexError) as error:
        raise SupplyError(f"{file.name} is no graph model of TensorFlow.js: {type(error).__name__} {error}") from None


def _operation(node: dict[str, Any]) -> Operation:
    inputs = tuple(one for one in node.get("input", ()) if not one.startswith("^"))
    return Operation(name=node["name"], kind=node["op"], inputs=inputs, attributes=node.get("attr", {}))


def _outputs(document: dict[str, Any], operations: dict[str, Operation]) -> dict[str, tuple[int, ...] | None]:
    signature = document.get("signature") or document.get("userDefinedMetadata", {}).get("signature", {})
    said = {one["name"].split(":")[0]: _shape(one) for one in signature.get("outputs", {}).values()}
    if said and said.keys() <= operations.keys():
        return dict(sorted(said.items()))
    read = {name.split(":")[0] for one in operations.values() for name in one.inputs}
    return dict.fromkeys(sorted(operations.keys() - read))


def _shape(output: dict[str, Any]) -> tuple[int, ...] | None:
    shape = output.get("tensorShape")
    return tuple(int(one["size"]) for one in shape.get("dim", ())) if shape else None


def _weights(manifest: list[dict[str, Any]], folder: Path) -> dict[str, Array]:
    found: dict[str, Array] = {}
    for group in manifest:
        content = b"".join((folder / path).read_bytes() for path in group["paths"])
        position = 0
        for entry in group["weights"]:
            array, taken = _weight(entry, content[position:])
            found[entry["name"]] = array
            position += taken
        if position != len(content):
            raise ValueError(f"its weights have {len(content)} bytes, and {position} are described")
    return found


def _weight(entry: dict[str, Any], content: bytes) -> tuple[Array, int]:
    """One tensor, and the bytes that it takes. Weights of 16 bits become what they were, float32."""
    count = math.prod(entry["shape"])
    stored = STORED[entry.get("quantization", entry)["dtype"]]
    array = np.frombuffer(content, dtype=stored, count=count).reshape(entry["shape"])
    return array.astype(STORED[entry["dtype"]].newbyteorder("=")), count * stored.itemsize


def _text(encoded: str) -> str:
    try:
        return base64.b64decode(encoded, validate=True).decode()
    except (binascii.Error, UnicodeDecodeError):
        return encoded
