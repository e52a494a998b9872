"""A GGUF as a folder of transformers, compared with the package gguf: it wrote it, and reads blocks by its own code."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import gguf
import numpy as np
import numpy.typing as npt
import pytest

from bakehouse.model_files.gguf.conversion import converted
from bakehouse.model_files.gguf.conversion.weights import bfloat16, floats
from bakehouse.model_files.gguf.header import GgufError, Tensor

HEADS, KV_HEADS, WIDTH, FEED, WORDS = 4, 2, 64, 96, ["a", "b", "ab", "<|im_start|>"]
Types = gguf.GGMLQuantizationType


def model(path: Path, *, architecture: str = "llama", pre: str = "smollm", extra: str = "") -> Path:
    """Written with blocks of four types."""
    writer = gguf.GGUFWriter(path, architecture)
    writer.add_block_count(1)
    writer.add_context_length(256)
    writer.add_embedding_length(WIDTH)
    writer.add_feed_forward_length(FEED)
    writer.add_head_count(HEADS)
    writer.add_head_count_kv(KV_HEADS)
    writer.add_vocab_size(len(WORDS))
    writer.add_rope_dimension_count(WIDTH // HEADS)
    writer.add_layer_norm_rms_eps(1e-5)
    writer.add_tokenizer_model("gpt2")
    writer.add_tokenizer_pre(pre)
    writer.add_token_list(WORDS)
    writer.add_token_types([1, 1, 1, 3])
    writer.add_token_merges(["a b"])
    writer.add_eos_token_id(3)
    writer.add_chat_template("{{ messages }}")
    for name, (shape, kind) in shapes().items():
        values = weights(name, shape)
        raw = values if kind is Types.F32 else gguf.quants.quantize(values, kind)
        writer.add_tensor(f"{name}.weight", raw, raw_dtype=None if kind is Types.F32 else kind)
    if extra:
        writer.add_tensor(extra, np.zeros(4, dtype=np.float32))
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()
    return path


def shapes() -> dict[str, tuple[tuple[int, ...], Any]]:
    narrow = WIDTH // HEADS * KV_HEADS
    return {
        "token_embd": ((len(WORDS), WIDTH), Types.Q8_0),
        "output_norm": ((WIDTH,), Types.F32),
        "blk.0.attn_norm": ((WIDTH,), Types.F32),
        "blk.0.attn_q": ((WIDTH, WIDTH), Types.Q4_1),
        "blk.0.attn_k": ((narrow, WIDTH), Types.Q4_0),
        "blk.0.attn_v": ((narrow, WIDTH), Types.F16),
        "blk.0.attn_output": ((WIDTH, WIDTH), Types.BF16),
        "blk.0.ffn_norm": ((WIDTH,), Types.F32),
        "blk.0.ffn_gate": ((FEED, WIDTH), Types.Q4_1),
        "blk.0.ffn_up": ((FEED, WIDTH), Types.Q4_1),
        "blk.0.ffn_down": ((WIDTH, FEED), Types.Q4_1),
    }


def weights(name: str, shape: tuple[int, ...]) -> npt.NDArray[np.float32]:
    return np.random.default_rng(len(name)).normal(size=shape).astype(np.float32)


def tensors(path: Path) -> dict[str, npt.NDArray[np.float32]]:
    """What is in a safetensors file, read by its own description."""
    raw = b"".join(converted(path, "model.safetensors"))
    end = 8 + int.from_bytes(raw[:8], "little")
    assert end % 8 == 0
    found = {}
    for name, row in json.loads(raw[8:end]).items():
        if name != "__metadata__":
            begin, after = row["data_offsets"]
            half = np.frombuffer(raw[end + begin : end + after], dtype=np.uint16).astype(np.uint32)
            found[name] = (half << 16).view(np.float32).reshape(row["shape"])
    assert end + max(row["data_offsets"][1] for row in json.loads(raw[8:end]).values() if "shape" in row) == len(raw)
    return found


def test_every_tensor_has_its_name_shape_and_values(tmp_path: Path) -> None:
    found = tensors(model(tmp_path / "a.gguf"))

    assert len(found) == len(shapes())
    assert found["model.embed_tokens.weight"].shape == (len(WORDS), WIDTH)
    up = found["model.layers.0.mlp.up_proj.weight"]
    quantised = gguf.quants.quantize(weights("blk.0.ffn_up", (FEED, WIDTH)), Types.Q4_1)
    np.testing.assert_allclose(up, gguf.quants.dequantize(quantised, Types.Q4_1), rtol=2**-8)


def test_rows_of_queries_and_keys_go_back_to_halves(tmp_path: Path) -> None:
    """llama.cpp's converter takes halves for pairs: its `permute` in convert_hf_to_gguf.py, undone here."""
    found = tensors(model(tmp_path / "a.gguf"))

    for name, heads in (("q", HEADS), ("k", KV_HEADS)):
        ours = found[f"model.layers.0.self_attn.{name}_proj.weight"]
        rows = ours.shape[0]
        theirs = ours.reshape(heads, 2, rows // heads // 2, WIDTH).swapaxes(1, 2).reshape(ours.shape)
        shape, kind = shapes()[f"blk.0.attn_{name}"]
        there = gguf.quants.dequantize(gguf.quants.quantize(weights(f"blk.0.attn_{name}", shape), kind), kind)
        np.testing.assert_allclose(theirs, there, rtol=2**-8)


@pytest.mark.parametrize("kind", [Types.Q4_0, Types.Q4_1, Types.Q8_0, Types.F16, Types.BF16])
def test_blocks_are_read_as_the_package_gguf_reads_them(kind: Any) -> None:
    values = weights("x", (8, 64))
    raw = gguf.quants.quantize(values, kind)
    tensor = Tensor(name="x", type=int(kind), shape=(64, 8), offset=0)

    ours = floats(np.frombuffer(raw.tobytes(), dtype=np.uint8), tensor)

    assert np.array_equal(ours.reshape(8, 64), gguf.quants.dequantize(raw, kind))


def test_halfway_between_two_values_the_even_one_is_taken() -> None:
    one = np.array([0x3F808000, 0x3F818000, 0x3F80C000, 0x3F804000], dtype=np.uint32).view(np.float32)

    assert bfloat16(one).tolist() == [0x3F80, 0x3F82, 0x3F81, 0x3F80]


def test_the_shape_in_transformers_words(tmp_path: Path) -> None:
    found = json.loads(b"".join(converted(model(tmp_path / "a.gguf"), "config.json")))

    assert found["architectures"] == ["LlamaForCausalLM"]
    assert (found["num_attention_heads"], found["num_key_value_heads"], found["head_dim"]) == (4, 2, 16)
    assert found["tie_word_embeddings"] is True
    assert found["eos_token_id"] == 3


def test_the_tokenizer_with_its_words_merges_and_control_tokens(tmp_path: Path) -> None:
    path = model(tmp_path / "a.gguf")
    found = json.loads(b"".join(converted(path, "tokenizer.json")))
    more = json.loads(b"".join(converted(path, "tokenizer_config.json")))

    assert found["model"]["vocab"] == {"a": 0, "b": 1, "ab": 2, "<|im_start|>": 3}
    assert found["model"]["merges"] == ["a b"]
    assert [(one["id"], one["special"]) for one in found["added_tokens"]] == [(3, True)]
    assert (more["eos_token"], more["chat_template"]) == ("<|im_start|>", "{{ messages }}")


def test_what_cannot_be_told_is_refused(tmp_path: Path) -> None:
    with pytest.raises(GgufError, match="architecture llama can be converted, and this is 'qwen3moe'"):
        list(converted(model(tmp_path / "a.gguf", architecture="qwen3moe"), "config.json"))
    with pytest.raises(GgufError, match="cut like gpt-2, smollm can be converted, not gpt2 like qwen2"):
        list(converted(model(tmp_path / "b.gguf", pre="qwen2"), "tokenizer.json"))
    with pytest.raises(GgufError, match=r"the tensor blk\.0\.ssm_in\.weight has no place"):
        list(converted(model(tmp_path / "c.gguf", extra="blk.0.ssm_in.weight"), "model.safetensors"))
