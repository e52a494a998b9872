"""What each layer of a model keeps of the tokens before it: keys and values, or a state. Pure.

Facts of llama.cpp, b11312: src/llama-hparams.cpp, src/llama-kv-cache.cpp and src/models/.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from bakehouse.model_files.gguf.header import Header

_PERIODS = {
    "gemma2": 2,
    "gpt-oss": 2,
    "gemma3n": 5,
    "gemma3": 6,
    "gemma-embedding": 6,
    "plamo3": 8,
    **dict.fromkeys(("afmoe", "cohere2", "exaone4", "exaone-moe", "llama4", "mellum", "olmo2"), 4),
}
"""Every how many layers one sees all tokens, where the file does not say: the last of each period."""
_DENSE_FIRST = {"cohere2moe": 4, "smallthinker": 4, "modern-bert": 3}
"""The same where it is the first of each."""
_CHUNKED = {"llama4": 8192}
"""Architectures whose window the file does not say."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Attention:
    """One layer that looks back."""

    heads: int
    key: int
    value: int
    """Length of a head's key and value."""
    cached_key: int
    cached_value: int
    """Elements that the cache keeps of each token."""
    window: int | None = None
    """Tokens that it sees at most."""

    def seen(self, depth: float) -> float:
        return depth if self.window is None else min(depth, self.window)


def attention_of(header: Header, blocks: Mapping[int, set[str]], recurrent: Sequence[int]) -> Iterator[Attention]:
    """Layers that look back. `blocks`: names of each layer's tensors; `recurrent`: layers that keep a state."""
    width = header.number("embedding_length") or 0
    lora, rope = header.number("attention.kv_lora_rank"), header.number("rope.dimension_count") or 0
    latent = lora if lora and header.number("attention.key_length_mla") else None
    for layer, names in sorted(blocks.items()):
        asks = {"attn_q.weight", "attn_q_a.weight", "attn_q_b.weight"} & names
        asks |= {"attn_qkv.weight"} & names if layer not in recurrent else set()
        heads = of_layer(header, "attention.head_count", layer)
        kv_heads = of_layer(header, "attention.head_count_kv", layer)
        kv_heads = heads if kv_heads is None else kv_heads
        if not asks or not heads or not kv_heads:
            continue
        window = _window(header, layer)
        key, value = (_head_length(header, word, width // heads, window) for word in ("key_length", "value_length"))
        if latent:  # each head sees the same latent row, which is key and value at once
            kept = latent + rope
            yield Attention(heads=heads, key=kept, value=latent, cached_key=kept, cached_value=0, window=window)
        else:
            yield Attention(
                heads=heads,
                key=key,
                value=value,
                cached_key=key * kv_heads,
                cached_value=value * kv_heads,
                window=window,
            )


def _head_length(header: Header, word: str, default: int, window: int | None) -> int:
    ours = header.number(f"attention.{word}_swa") if window is not None else None
    return ours or header.number(f"attention.{word}") or default


def of_layer(header: Header, key: str, layer: int) -> int | None:
    value = header.of(key)
    if isinstance(value, tuple):
        return int(value[layer]) if layer < len(value) else None
    return value if isinstance(value, int) else None


def _window(header: Header, layer: int) -> int | None:
    """Tokens that a layer sees at most; None: all."""
    architecture = header.architecture
    said = header.number("attention.sliding_window")
    window = _CHUNKED.get(architecture, said) if said != 0 else 0
    if not window:
        return None
    pattern = header.of("attention.sliding_window_pattern")
    if isinstance(pattern, tuple):
        return window if layer < len(pattern) and pattern[layer] else None
    if architecture in _DENSE_FIRST:
        period = pattern if isinstance(pattern, int) else _DENSE_FIRST[architecture]
        return window if period == 0 or layer % period != 0 else None
    if not isinstance(pattern, int) and architecture not in _PERIODS:
        return None  # phi3, mistral: the file says a window and llama.cpp uses none
    period = pattern if isinstance(pattern, int) else _PERIODS[architecture]
    return window if period == 0 or layer % period < period - 1 else None


def state_elements(header: Header) -> int:
    """Of one recurrent layer: the convolution's last inputs and the state proper."""
    width, head = _number(header, "embedding_length"), _number(header, "wkv.head_size")
    if head:
        return width * head + (_number(header, "token_shift_count") or 2) * width
    if kernel := _number(header, "shortconv.l_cache"):
        return width * (kernel - 1)
    if kda := _number(header, "kda.head_dim"):
        heads = of_layer(header, "attention.head_count", 0) or 0
        return kda * kda * heads + 3 * (max(1, _number(header, "ssm.conv_kernel")) - 1) * heads * kda
    inner, state = _number(header, "ssm.inner_size"), _number(header, "ssm.state_size")
    conv = max(0, _number(header, "ssm.conv_kernel") - 1) * (inner + 2 * _number(header, "ssm.group_count") * state)
    return state * inner + conv


def _number(header: Header, key: str) -> int:
    """0 where the header does not say."""
    return header.number(key) or 0
