"""`model.safetensors`: the weights in bfloat16, tensor after tensor.

Blocks as in ggml/src/ggml-quants.c (`dequantize_row_q4_1`, ...), file as in
https://github.com/huggingface/safetensors#format.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from bakehouse.model_files.gguf.header import GgufError, Header, Tensor
from bakehouse.model_files.gguf.tensor_types import TENSOR_TYPES

Floats = npt.NDArray[np.float32]
Raw = npt.NDArray[np.uint8]

_OUTSIDE = {
    "token_embd": "model.embed_tokens",
    "output_norm": "model.norm",
    "output": "lm_head",
}
_OF_A_LAYER = {
    "attn_norm": "input_layernorm",
    "attn_q": "self_attn.q_proj",
    "attn_k": "self_attn.k_proj",
    "attn_v": "self_attn.v_proj",
    "attn_output": "self_attn.o_proj",
    "ffn_norm": "post_attention_layernorm",
    "ffn_gate": "mlp.gate_proj",
    "ffn_up": "mlp.up_proj",
    "ffn_down": "mlp.down_proj",
}
_LAYER = re.compile(r"blk\.(\d+)\.(\w+)\.weight")
_ALIGNMENT = 8


def weights(path: Path, header: Header) -> Iterator[bytes]:
    """The file, piece by piece. Raises GgufError for a tensor that has no place in it."""
    named = {name_of(tensor): tensor for tensor in header.tensors if not tensor.name.startswith("rope_")}
    yield _table(named)
    with path.open("rb") as source:
        for tensor in named.values():
            source.seek(header.weights_at + tensor.offset)
            raw = np.frombuffer(source.read(tensor.bytes or 0), dtype=np.uint8)
            yield bfloat16(_rows_in_order(floats(raw, tensor), tensor, header)).tobytes()


def name_of(tensor: Tensor) -> str:
    """The name that transformers has for it. Raises GgufError."""
    layer = _LAYER.fullmatch(tensor.name)
    known = _OF_A_LAYER.get(layer[2]) if layer else _OUTSIDE.get(tensor.name.removesuffix(".weight"))
    if known is None:
        raise GgufError(f"the tensor {tensor.name} has no place in a model of transformers' Llama")
    return f"model.layers.{layer[1]}.{known}.weight" if layer else f"{known}.weight"


def floats(raw: Raw, tensor: Tensor) -> Floats:
    """All values in a row. Raises GgufError for a type that is not known here."""
    kind = TENSOR_TYPES.get(tensor.type)
    read = _READERS.get(kind.name) if kind else None
    if kind is None or read is None:
        known, name = ", ".join(_READERS), kind.name if kind else tensor.type
        raise GgufError(f"the tensor {tensor.name} is of the type {name}; {known} can be converted")
    return read(raw.reshape(-1, kind.bytes)).reshape(-1)


def bfloat16(values: Floats) -> npt.NDArray[np.uint16]:
    """The upper half of each, rounded to the nearest, and to even between two."""
    bits = values.view(np.uint32)
    return ((bits + 0x7FFF + ((bits >> 16) & 1)) >> 16).astype(np.uint16)


def _table(named: Mapping[str, Tensor]) -> bytes:
    entries: dict[str, Any] = {"__metadata__": {"format": "pt"}}
    at = 0
    for name, tensor in named.items():
        end = at + 2 * tensor.elements
        entries[name] = {"dtype": "BF16", "shape": list(reversed(tensor.shape)), "data_offsets": [at, end]}
        at = end
    text = json.dumps(entries, separators=(",", ":")).encode()
    text += b" " * (-len(text) % _ALIGNMENT)
    return len(text).to_bytes(8, "little") + text


def _rows_in_order(values: Floats, tensor: Tensor, header: Header) -> Floats:
    """GGUF has the rows of queries and keys in pairs, as its rotation wants them; transformers has them in halves."""
    layer = _LAYER.fullmatch(tensor.name)
    counts = {"attn_q": "attention.head_count", "attn_k": "attention.head_count_kv"}
    if layer is None or layer[2] not in counts:
        return values
    heads = header.number(counts[layer[2]]) or header.number("attention.head_count") or 1
    width, rows = tensor.shape
    return np.ascontiguousarray(values.reshape(heads, rows // heads // 2, 2, width).swapaxes(1, 2)).reshape(-1)


def _halves(raw: Raw) -> Floats:
    """Two bytes of each block, as a column."""
    return np.ascontiguousarray(raw).view(np.float16).astype(np.float32)


def _nibbles(raw: Raw) -> Floats:
    """16 bytes hold 32 values: the low halves first."""
    return np.concatenate([raw & 0x0F, raw >> 4], axis=1).astype(np.float32)


def _q4_0(raw: Raw) -> Floats:
    return (_nibbles(raw[:, 2:]) - np.float32(8)) * _halves(raw[:, :2])


def _q4_1(raw: Raw) -> Floats:
    return _nibbles(raw[:, 4:]) * _halves(raw[:, :2]) + _halves(raw[:, 2:4])


def _q8_0(raw: Raw) -> Floats:
    return np.ascontiguousarray(raw[:, 2:]).view(np.int8).astype(np.float32) * _halves(raw[:, :2])


def _bf16(raw: Raw) -> Floats:
    return (np.ascontiguousarray(raw).view(np.uint16).astype(np.uint32) << 16).view(np.float32)


_READERS: dict[str, Callable[[Raw], Floats]] = {
    "F32": lambda raw: np.ascontiguousarray(raw).view(np.float32),
    "F16": _halves,
    "BF16": _bf16,
    "Q4_0": _q4_0,
    "Q4_1": _q4_1,
    "Q8_0": _q8_0,
}
