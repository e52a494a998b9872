"""GGUF files of any shape: the header is real, the weights are a hole in the file."""

from __future__ import annotations

import struct
from collections.abc import Mapping, Sequence
from pathlib import Path

from bakehouse.model_files.gguf.tensor_types import BY_NAME, TENSOR_TYPES

Value = str | int | float | bool | Sequence[int] | Sequence[str]
NUMBERS = {number: one.name for number, one in TENSOR_TYPES.items()}


def write_gguf(
    path: Path,
    metadata: Mapping[str, Value],
    tensors: Mapping[str, tuple[str, Sequence[int]]],
    *,
    order: str = "<",
    version: int = 3,
    missing: int = 0,
) -> Path:
    """`tensors`: name to type and shape. `missing`: bytes that the file lacks at its end."""
    header, offset = b"GGUF" + struct.pack(f"{order}IQQ", version, len(tensors), len(metadata)), 0
    for key, value in metadata.items():
        header += _text(key, order) + _value(value, order)
    for name, (kind, shape) in tensors.items():
        known = BY_NAME[kind.lower()]
        number = next(number for number, text in NUMBERS.items() if text == known.name)
        header += _text(name, order) + struct.pack(f"{order}I{len(shape)}QIQ", len(shape), *shape, number, offset)
        elements = 1
        for length in shape:
            elements *= length
        offset += -(-known.size(elements) // 32) * 32
    begin = -(-len(header) // 32) * 32
    with path.open("wb") as file:
        file.write(header)
        file.truncate(max(len(header), begin + offset - missing))
    return path


def eight_billion(path: Path, *, vocabulary: int) -> Path:
    """The shape of Llama 3 8B in Q4_K throughout, with a vocabulary of so many words."""
    return llama(
        path,
        layers=32,
        width=4096,
        heads=32,
        kv_heads=8,
        feed_forward=14336,
        vocabulary=vocabulary,
        kind="q4_k",
    )


def llama(
    path: Path,
    *,
    layers: int = 2,
    width: int = 64,
    heads: int = 4,
    kv_heads: int = 2,
    feed_forward: int = 128,
    vocabulary: int = 100,
    kind: str = "f16",
    tied: bool = False,
    experts: int = 0,
    used: int = 0,
    name: str = "llama",
    more: Mapping[str, Value] | None = None,
) -> Path:
    """A transformer as llama.cpp lays it out; with experts, each layer has so many and uses `used` of them."""
    head = width // heads
    tensors: dict[str, tuple[str, Sequence[int]]] = {"token_embd.weight": (kind, (width, vocabulary))}
    if not tied:
        tensors["output.weight"] = (kind, (width, vocabulary))
    tensors["output_norm.weight"] = ("f32", (width,))
    for layer in range(layers):
        block = f"blk.{layer}."
        tensors |= {
            f"{block}attn_norm.weight": ("f32", (width,)),
            f"{block}attn_q.weight": (kind, (width, width)),
            f"{block}attn_k.weight": (kind, (width, head * kv_heads)),
            f"{block}attn_v.weight": (kind, (width, head * kv_heads)),
            f"{block}attn_output.weight": (kind, (width, width)),
            f"{block}ffn_norm.weight": ("f32", (width,)),
        }
        if experts:
            tensors |= {
                f"{block}ffn_gate_inp.weight": ("f32", (width, experts)),
                f"{block}ffn_gate_exps.weight": (kind, (width, feed_forward, experts)),
                f"{block}ffn_up_exps.weight": (kind, (width, feed_forward, experts)),
                f"{block}ffn_down_exps.weight": (kind, (feed_forward, width, experts)),
            }
        else:
            tensors |= {
                f"{block}ffn_gate.weight": (kind, (width, feed_forward)),
                f"{block}ffn_up.weight": (kind, (width, feed_forward)),
                f"{block}ffn_down.weight": (kind, (feed_forward, width)),
            }
    metadata: dict[str, Value] = {
        "general.architecture": name,
        "general.type": "model",
        f"{name}.block_count": layers,
        f"{name}.embedding_length": width,
        f"{name}.attention.head_count": heads,
        f"{name}.attention.head_count_kv": kv_heads,
        "tokenizer.ggml.tokens": ["a", "b"],
    }
    if experts:
        metadata |= {f"{name}.expert_count": experts, f"{name}.expert_used_count": used}
    return write_gguf(path, {**metadata, **(more or {})}, tensors)


def _text(text: str, order: str) -> bytes:
    data = text.encode()
    return struct.pack(f"{order}Q", len(data)) + data


def _value(value: Value, order: str) -> bytes:
    match value:
        case bool():
            return struct.pack(f"{order}I?", 7, value)
        case int():
            return struct.pack(f"{order}II", 4, value)
        case float():
            return struct.pack(f"{order}If", 6, value)
        case str():
            return struct.pack(f"{order}I", 8) + _text(value, order)
        case _:
            words = [one for one in value if isinstance(one, str)]
            if words:
                return struct.pack(f"{order}IIQ", 9, 8, len(words)) + b"".join(_text(word, order) for word in words)
            return struct.pack(f"{order}IIQ{len(value)}i", 9, 5, len(value), *value)
