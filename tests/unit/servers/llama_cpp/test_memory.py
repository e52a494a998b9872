"""What llama-server allocates, as it said (`-lv 5`, b11312 on a processor with AMX) for models of these shapes."""

from __future__ import annotations

from dataclasses import replace

import pytest

from bakehouse.model_files.gguf.header import Header, Tensor, Value
from bakehouse.servers.llama_cpp.memory import allocation, kept

MIB = 2**20


def model(layers: int, width: int, heads: tuple[int, int], forward: int, context: int, **more: Value) -> Header:
    """A llama of 16-bit weights with a vocabulary of 262 words."""
    asking, kv = heads
    said: dict[str, Value] = {
        "block_count": layers,
        "embedding_length": width,
        "attention.head_count": asking,
        "attention.head_count_kv": kv,
        "feed_forward_length": forward,
        "context_length": context,
        **more,
    }
    narrow = width // asking * kv
    shapes = {"attn_q": width * width, "attn_k": width * narrow, "attn_v": width * narrow, "attn_output": width * width}
    shapes |= dict.fromkeys(("ffn_gate", "ffn_up", "ffn_down"), width * forward)
    found = {"token_embd.weight": 262 * width, "output.weight": 262 * width}
    found |= {f"blk.{layer}.{name}.weight": size for layer in range(layers) for name, size in shapes.items()}
    offset = 0
    tensors = []
    for name, size in found.items():
        tensors.append(Tensor(name=name, type=1, shape=(size,), offset=offset))
        offset += 2 * size
    metadata: dict[str, Value] = {"general.architecture": "llama", **{f"llama.{key}": one for key, one in said.items()}}
    return Header(metadata=metadata, tensors=tuple(tensors), file_bytes=offset, weights_at=0)


MID = model(12, 768, (12, 4), 2048, 8192)
WIDE = model(6, 2048, (16, 8), 5632, 4096)


@pytest.mark.parametrize(
    ("header", "arguments", "weights", "cache", "compute"),
    [
        (MID, "--ctx-size 8192", 144.8, 96.0, 26.01),
        (WIDE, "--ctx-size 4096 --parallel 1", 542.1, 96.0, 53.01),
    ],
)
def test_as_the_server_said(header: Header, arguments: str, weights: float, cache: float, compute: float) -> None:
    found = allocation(header, arguments.split(), {}, False)

    assert found.weights / MIB == pytest.approx(weights, rel=0.001)
    assert found.cache / MIB == cache
    assert found.compute / MIB == pytest.approx(compute, rel=0.01)


def test_without_arguments_the_context_is_the_models() -> None:
    assert allocation(MID, [], {}, False).cells == 8192
    assert allocation(MID, [], {"LLAMA_ARG_CTX_SIZE": "1024"}, False).cells == 1024
    assert allocation(MID, ["-c", "512"], {"LLAMA_ARG_CTX_SIZE": "1024"}, False).cells == 512


def test_slots_divide_a_context_and_do_not_multiply_it() -> None:
    one, four = (allocation(MID, ["-c", "8192", "-np", count], {}, False).cache for count in ("1", "4"))

    assert one == four
    assert allocation(MID, ["-c", "1000", "-np", "4"], {}, False).cache == 4 * 256 * one // 8192


def test_types_of_the_cache() -> None:
    plain = allocation(MID, [], {}, False).cache
    smaller = allocation(MID, ["-ctk", "q8_0", "--cache-type-v", "q8_0"], {}, False).cache

    assert smaller / plain == 34 / 64


def test_on_a_card_the_table_of_tokens_stays_outside_unless_it_is_the_output() -> None:
    whole = allocation(MID, [], {}, False).weights
    tied = replace(MID, tensors=tuple(one for one in MID.tensors if one.name != "output.weight"))
    table = 2 * 262 * 768

    assert allocation(MID, [], {}, True).weights == whole - table
    assert allocation(tied, [], {}, True).weights == whole - table
    assert allocation(tied, [], {}, False).weights == whole


def test_a_window_needs_room_for_itself_and_a_batch() -> None:
    pattern = tuple(layer % 2 == 0 for layer in range(12))
    said: dict[str, Value] = {"attention.sliding_window": 512, "attention.sliding_window_pattern": pattern}
    windowed = model(12, 768, (12, 4), 2048, 8192, **said)
    found = allocation(windowed, ["-c", "8192", "-np", "1"], {}, False).cache

    assert found == allocation(MID, [], {}, False).cache * (8192 + 1024) // (2 * 8192)


def test_how_the_cache_is_kept_is_read_from_the_arguments() -> None:
    told = kept({"--cache-type-k": "q8_0", "--ubatch-size": "2048"})
    assert (told.key.name.lower(), told.value.name.lower(), told.batch) == ("q8_0", "f16", 2048)
    assert kept({}).batch == 512
