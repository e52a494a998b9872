"""Writes a model in the form of Nemotron 3 Nano with random weights: the same bytes anywhere, and no sense in them.
Pure.

Its 52 blocks stand in the real one's order: 23 of Mamba-2, 23 of experts, 6 of attention. A state has the real size, so
that each backend's own kernels run; all else is narrow. Names, shapes and keys are those that the reference loader
reads (ggml-org/llama.cpp, src/models/nemotron-h.cpp) and its converter writes (conversion/nemotron.py): `head_count` is
one number for all blocks, and which block is what follows from the lists of `head_count_kv` and `feed_forward_length`.

Sizes of the real one: https://huggingface.co/nvidia/NVIDIA-Nemotron-3-Nano-30B-A3B-BF16/blob/main/config.json
"""

from __future__ import annotations

import hashlib
import math
import struct
from collections.abc import Iterator

from bakehouse.model_files.gguf.writing import Type, Value, Weights, gguf

BLOCKS = "MEMEM*EMEMEM*EMEMEM*EMEMEM*EMEMEM*EMEMEMEM*EMEMEMEME"
MAMBA, EXPERTS, ATTENTION = "ME*"
WIDTH = 128
"""Of 2688."""
HEADS, HEADS_KV, HEAD = 4, 2, 128
"""Of 32, 2, 128."""
STATE, GROUPS, MAMBA_HEADS, MAMBA_HEAD, KERNEL = 128, 2, 4, 64, 4
"""Of 128, 8, 64, 64, 4."""
EXPERT_COUNT, EXPERTS_USED, EXPERT, SHARED = 16, 6, 64, 128
"""Of 128, 6, 1856, 3712."""
INNER = MAMBA_HEADS * MAMBA_HEAD
CONVOLVED = INNER + 2 * GROUPS * STATE
ARCHITECTURE = "nemotron_h_moe"
MARKS = ("<unk>", "<s>", "</s>", "<|im_start|>", "<|im_end|>")
MERGES = (("t", "h"), ("th", "e"), ("i", "n"), ("e", "r"))
TEMPLATE = (
    "{% for message in messages %}{{ '<|im_start|>' + message.role + '\\n' + message.content + '<|im_end|>\\n' }}"
    "{% endfor %}{% if add_generation_prompt %}{{ '<|im_start|>assistant\\n' }}{% endif %}"
)
_NORMAL, _CONTROL = 1, 3
"""Types of tokens."""


def nemotron_h_moe() -> Iterator[bytes]:
    """The file, piece by piece: about 30 MB."""
    tokens = words()
    yield from gguf(metadata(tokens), list(tensors(len(tokens))))


def words() -> list[str]:
    """Marks, all bytes, and a few pairs of them."""
    return [*MARKS, *_bytes(), *("".join(pair) for pair in MERGES)]


def _bytes() -> list[str]:
    """GPT-2's characters for bytes: those that can be seen stand for themselves, the others follow from 256 on."""
    seen = {*range(ord("!"), ord("~") + 1), *range(ord("\xa1"), ord("\xac") + 1), *range(ord("\xae"), ord("\xff") + 1)}
    others = [byte for byte in range(256) if byte not in seen]
    return [chr(byte if byte in seen else 256 + others.index(byte)) for byte in range(256)]


def metadata(tokens: list[str]) -> dict[str, Value]:
    of_model: dict[str, Value] = {
        "context_length": 262_144,
        "embedding_length": WIDTH,
        "block_count": len(BLOCKS),
        "vocab_size": len(tokens),
        "feed_forward_length": [EXPERT if kind == EXPERTS else 0 for kind in BLOCKS],
        "attention.head_count": HEADS,
        "attention.head_count_kv": [HEADS_KV if kind == ATTENTION else 0 for kind in BLOCKS],
        "attention.key_length": HEAD,
        "attention.value_length": HEAD,
        "attention.layer_norm_epsilon": 1e-5,
        "attention.layer_norm_rms_epsilon": 1e-5,
        "ssm.conv_kernel": KERNEL,
        "ssm.inner_size": INNER,
        "ssm.state_size": STATE,
        "ssm.time_step_rank": MAMBA_HEADS,
        "ssm.group_count": GROUPS,
        "expert_count": EXPERT_COUNT,
        "expert_used_count": EXPERTS_USED,
        "expert_feed_forward_length": EXPERT,
        "expert_shared_feed_forward_length": SHARED,
        "expert_shared_count": 1,
        "expert_group_count": 1,
        "expert_weights_norm": True,
        "expert_weights_scale": 2.5,
    }
    general: dict[str, Value] = {
        "general.architecture": ARCHITECTURE,
        "general.name": "Nemotron 3 Nano with random weights",
        "general.file_type": int(Type.F16),
    }
    return general | {f"{ARCHITECTURE}.{key}": value for key, value in of_model.items()} | _vocabulary(tokens)


def _vocabulary(tokens: list[str]) -> dict[str, Value]:
    found: dict[str, Value] = {
        "model": "gpt2",
        "pre": "gpt-2",
        "tokens": tokens,
        "token_type": [_CONTROL if token in MARKS else _NORMAL for token in tokens],
        "merges": [" ".join(pair) for pair in MERGES],
        "unknown_token_id": MARKS.index("<unk>"),
        "bos_token_id": MARKS.index("<s>"),
        "eos_token_id": MARKS.index("<|im_end|>"),
        "add_bos_token": False,
    }
    return {f"tokenizer.ggml.{key}": value for key, value in found.items()} | {"tokenizer.chat_template": TEMPLATE}


def tensors(vocabulary: int) -> Iterator[Weights]:
    yield _random("token_embd.weight", WIDTH, vocabulary)
    for number, kind in enumerate(BLOCKS):
        yield _same(f"blk.{number}.attn_norm.weight", 1.0, WIDTH)
        yield from _OF_KIND[kind](f"blk.{number}")
    yield _same("output_norm.weight", 1.0, WIDTH)
    yield _random("output.weight", WIDTH, vocabulary)


def _mamba(block: str) -> Iterator[Weights]:
    yield _random(f"{block}.ssm_in.weight", WIDTH, 2 * INNER + 2 * GROUPS * STATE + MAMBA_HEADS)
    yield _random(f"{block}.ssm_conv1d.weight", KERNEL, CONVOLVED, type=Type.F32)
    yield _same(f"{block}.ssm_conv1d.bias", 0.0, CONVOLVED)
    yield _same(f"{block}.ssm_dt.bias", -2.0, MAMBA_HEADS)
    yield _same(f"{block}.ssm_a", -1.0, 1, MAMBA_HEADS)
    yield _same(f"{block}.ssm_d", 1.0, 1, MAMBA_HEADS)
    yield _same(f"{block}.ssm_norm.weight", 1.0, INNER // GROUPS, GROUPS)
    yield _random(f"{block}.ssm_out.weight", INNER, WIDTH)


def _experts(block: str) -> Iterator[Weights]:
    yield _random(f"{block}.ffn_gate_inp.weight", WIDTH, EXPERT_COUNT, type=Type.F32)
    yield _same(f"{block}.exp_probs_b.bias", 0.0, EXPERT_COUNT)
    yield _random(f"{block}.ffn_down_exps.weight", EXPERT, WIDTH, EXPERT_COUNT)
    yield _random(f"{block}.ffn_up_exps.weight", WIDTH, EXPERT, EXPERT_COUNT)
    yield _random(f"{block}.ffn_down_shexp.weight", SHARED, WIDTH)
    yield _random(f"{block}.ffn_up_shexp.weight", WIDTH, SHARED)


def _attention(block: str) -> Iterator[Weights]:
    yield _random(f"{block}.attn_q.weight", WIDTH, HEADS * HEAD)
    yield _random(f"{block}.attn_k.weight", WIDTH, HEADS_KV * HEAD)
    yield _random(f"{block}.attn_v.weight", WIDTH, HEADS_KV * HEAD)
    yield _random(f"{block}.attn_output.weight", HEADS * HEAD, WIDTH)


_OF_KIND = {MAMBA: _mamba, EXPERTS: _experts, ATTENTION: _attention}


def _same(name: str, value: float, *shape: int) -> Weights:
    return Weights(name=name, shape=shape, type=Type.F32, data=struct.pack("<f", value) * math.prod(shape))


def _random(name: str, *shape: int, type: Type = Type.F16) -> Weights:  # noqa: A002 - as ggml calls it
    """Evenly between two bounds, so that sizes stay what they are. Each byte of a digest is one of 256 values."""
    bound = math.sqrt(3 / shape[0])
    letter = "f" if type is Type.F32 else "e"
    values = [struct.pack(f"<{letter}", bound * (number - 127.5) / 127.5) for number in range(256)]
    chance = hashlib.shake_128(name.encode()).digest(math.prod(shape))
    data = bytearray(len(chance) * type.size)
    for place in range(type.size):
        data[place :: type.size] = chance.translate(bytes(value[place] for value in values))
    return Weights(name=name, shape=shape, type=type, data=bytes(data))
