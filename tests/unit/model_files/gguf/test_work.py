"""Held against calculations by hand. The figures of `llama-roofline inspect` for three files are in docs/limits.md."""

from __future__ import annotations

from pathlib import Path

import pytest

from bakehouse.model_files.gguf.header import read_header
from bakehouse.model_files.gguf.tensor_types import BY_NAME
from bakehouse.model_files.gguf.work import Work, context, depths, kv_type
from tests.unit.model_files.gguf.build import Value, eight_billion, llama, write_gguf

Q8_0 = BY_NAME["q8_0"]


def work(path: Path) -> Work:
    return Work(read_header(path))


def test_a_dense_model_with_grouped_queries(tmp_path: Path) -> None:
    """Llama 3 8B as Q4_K throughout: 0.5625 bytes a weight."""
    found = work(eight_billion(tmp_path / "8b.gguf", vocabulary=128256))
    layer = 2 * 4096 * 4096 + 2 * 4096 * 1024 + 3 * 4096 * 14336
    head = 4096 * 128256
    norms = (2 * 32 + 1) * 4096 * 4
    assert found.products == 32 * layer
    assert found.output == head
    assert found.weights == pytest.approx(0.5625 * (32 * layer + head + 4096) + norms, abs=1)
    assert found.cache(1000) == 1000 * 32 * 2 * 8 * 128 * 2
    assert found.cache(1000, Q8_0, Q8_0) == 1000 * 32 * 2 * 8 * 128 * 34 / 32
    assert found.operations(0) == 2 * (32 * layer + head)
    assert found.operations(100) - found.operations(0) == 100 * 32 * 2 * 32 * 2 * 128
    assert found.prompt_operations(512) == 2 * 32 * layer * 512 + 2 * head + 32 * 4 * 32 * 128 * 512 * 513 / 2
    assert found.state == 0


@pytest.mark.parametrize(
    ("trained", "memory", "tokens"),
    [
        (131072, 24 << 30, 16640),
        (8192, 24 << 30, 4352),
        (1024, 24 << 30, 0),
        (131072, 8 << 30, 4352),
        (131072, 4 << 30, 0),
        (131072, None, 1280),
    ],
)
def test_a_context_is_one_that_the_model_knows_and_the_card_holds(
    tmp_path: Path, trained: int, memory: int | None, tokens: int
) -> None:
    """An 8B model of 4.2 GiB, which keeps 128 KiB of each token."""
    found = work(
        llama(
            tmp_path / "8b.gguf",
            layers=32,
            width=4096,
            heads=32,
            kv_heads=8,
            feed_forward=14336,
            vocabulary=128256,
            kind="q4_k",
            more={"llama.context_length": trained},
        )
    )
    assert context(found, memory) == tokens


def test_a_small_model_as_it_is_published(tmp_path: Path) -> None:
    """SmolLM2-135M-Instruct.Q4_1.gguf, by the shapes and types of its tensor list; docs/limits.md adds them up."""
    shapes: dict[str, tuple[str, tuple[int, ...]]] = {
        "attn_q": ("q4_1", (576, 576)),
        "attn_k": ("q4_1", (576, 192)),
        "attn_v": ("q4_1", (576, 192)),
        "attn_output": ("q4_1", (576, 576)),
        "ffn_gate": ("q4_1", (576, 1536)),
        "ffn_up": ("q4_1", (576, 1536)),
        "ffn_down": ("q4_1", (1536, 576)),
        "attn_norm": ("f32", (576,)),
        "ffn_norm": ("f32", (576,)),
    }
    tensors = {f"blk.{layer}.{name}.weight": shape for layer in range(30) for name, shape in shapes.items()}
    tensors |= {"token_embd.weight": ("q8_0", (576, 49152)), "output_norm.weight": ("f32", (576,))}
    metadata: dict[str, Value] = {
        "general.architecture": "llama",
        "llama.block_count": 30,
        "llama.embedding_length": 576,
        "llama.attention.head_count": 9,
        "llama.attention.head_count_kv": 3,
    }
    found = work(write_gguf(tmp_path / "a.gguf", metadata, tensors))
    layers = 30 * (2 * 576 * 576 + 2 * 576 * 192 + 3 * 576 * 1536) * 20 // 32
    table = 576 * 49152 * 34 // 32
    norms = 61 * 576 * 4
    assert (layers, table, norms) == (66_355_200, 30_081_024, 140_544)
    assert found.weights == layers + table + norms == 96_576_768
    assert found.cache(1) == 30 * 2 * 3 * 64 * 2


def test_a_tied_table_is_read_once_as_the_output(tmp_path: Path) -> None:
    tied = work(llama(tmp_path / "a.gguf", tied=True))
    free = work(llama(tmp_path / "b.gguf", tied=False))
    assert tied.weights == free.weights - 64 * 2, "of a table beside an output only one row is read"
    assert (tied.output, tied.products) == (free.output, free.products)
    assert free.parameters - tied.parameters == 64 * 100


def test_of_experts_those_that_are_used(tmp_path: Path) -> None:
    """Qwen3 30B A3B's shape: 8 of 128 experts."""
    found = work(
        llama(
            tmp_path / "moe.gguf",
            layers=48,
            width=2048,
            heads=32,
            kv_heads=4,
            feed_forward=768,
            vocabulary=151936,
            kind="q4_k",
            experts=128,
            used=8,
            name="qwen3moe",
        )
    )
    attention = 2 * 2048 * 2048 + 2 * 2048 * 256
    experts = 8 * 3 * 2048 * 768
    router = 2048 * 128
    assert found.products == 48 * (attention + experts + router)
    quantised = 48 * (attention + experts) + 2048 * 151936 + 2048
    assert found.weights == pytest.approx(0.5625 * quantised + 48 * 4 * (router + 2 * 2048) + 4 * 2048, rel=1e-6)
    assert found.weights < 0.1 * (tmp_path / "moe.gguf").stat().st_size
    all_experts = 0.5625 * 48 * 128 * 3 * 2048 * 768
    assert found.prompt_bytes(512, 512) > 0.99 * all_experts, "a batch touches nearly every expert"
    assert found.prompt_bytes(2048, 512) == pytest.approx(4 * found.prompt_bytes(512, 512))
    assert found.prompt_bytes(1, 512) == pytest.approx(found.weights)


def test_a_window_ends_what_a_layer_sees(tmp_path: Path) -> None:
    """Gemma 3: five layers with a window, then one without."""
    window: dict[str, Value] = {"gemma3.attention.sliding_window": 512}
    found = work(llama(tmp_path / "a.gguf", layers=12, name="gemma3", more=window))
    row = 2 * 2 * 16 * 2
    assert found.cache(400) == 12 * row * 400
    assert found.cache(10_000) == row * (10 * 512 + 2 * 10_000)
    seen = 512 * 513 / 2 + (1000 - 512) * 512
    back = found.prompt_operations(1000) - 2.0 * found.products * 1000 - 2.0 * found.output
    assert back == 4 * 4 * 16 * (10 * seen + 2 * 1000 * 1001 / 2)


@pytest.mark.parametrize(
    ("name", "more", "windows"),
    [
        ("gemma3", {"attention.sliding_window": 8, "attention.sliding_window_pattern": 2}, 3),
        ("gemma3", {"attention.sliding_window": 8, "attention.sliding_window_pattern": [1, 1, 1, 0, 0, 1]}, 4),
        ("gemma3", {}, 0),
        ("gemma2", {"attention.sliding_window": 8}, 3),
        ("smallthinker", {"attention.sliding_window": 8}, 4),
        ("llama4", {}, 5),
        ("llama4", {"attention.sliding_window": 0}, 0),
        ("phi3", {"attention.sliding_window": 8}, 0),
    ],
)
def test_which_layers_have_a_window(tmp_path: Path, name: str, more: dict[str, int | list[int]], windows: int) -> None:
    named: dict[str, Value] = {f"{name}.{key}": value for key, value in more.items()}
    found = work(llama(tmp_path / "a.gguf", layers=6, name=name, more=named))
    row = 2 * 2 * 16 * 2
    far = 1_000_000
    growing = (found.cache(far + 1) - found.cache(far)) / row
    assert 6 - growing == windows


def test_heads_may_differ_from_layer_to_layer(tmp_path: Path) -> None:
    more: dict[str, Value] = {
        "llama.attention.head_count_kv": [4, 0],
        "llama.attention.key_length": 8,
        "llama.attention.value_length": 4,
    }
    found = work(llama(tmp_path / "a.gguf", more=more))
    assert found.cache(10) == 10 * 4 * (8 + 4) * 2, "the second layer keeps nothing"


def test_a_latent_cache_is_one_row_for_all_heads(tmp_path: Path) -> None:
    """DeepSeek: 512 latent and 64 rotated elements, no values of their own."""
    name = "deepseek2"
    metadata: dict[str, Value] = {
        "general.architecture": name,
        f"{name}.block_count": 2,
        f"{name}.embedding_length": 256,
        f"{name}.attention.head_count": 16,
        f"{name}.attention.head_count_kv": 1,
        f"{name}.attention.kv_lora_rank": 512,
        f"{name}.attention.key_length": 576,
        f"{name}.attention.value_length": 512,
        f"{name}.attention.key_length_mla": 192,
        f"{name}.attention.value_length_mla": 128,
        f"{name}.rope.dimension_count": 64,
    }
    tensors = {f"blk.{layer}.attn_q_b.weight": ("f16", (64, 64)) for layer in range(2)}
    found = work(write_gguf(tmp_path / "a.gguf", metadata, tensors))
    assert found.cache(100) == 100 * 2 * 576 * 2


def test_a_hybrid_keeps_a_state_where_it_does_not_look_back(tmp_path: Path) -> None:
    """Three layers of Mamba 2 and one of attention."""
    name = "granitehybrid"
    metadata: dict[str, Value] = {
        "general.architecture": name,
        f"{name}.block_count": 4,
        f"{name}.embedding_length": 64,
        f"{name}.attention.head_count": 4,
        f"{name}.attention.head_count_kv": [0, 0, 2, 0],
        f"{name}.ssm.inner_size": 128,
        f"{name}.ssm.state_size": 16,
        f"{name}.ssm.conv_kernel": 4,
        f"{name}.ssm.group_count": 1,
    }
    tensors = {f"blk.{layer}.ssm_in.weight": ("f16", (64, 128)) for layer in (0, 1, 3)}
    tensors["blk.2.attn_q.weight"] = ("f16", (64, 64))
    found = work(write_gguf(tmp_path / "a.gguf", metadata, tensors))
    assert found.cache(100) == 100 * 2 * 2 * 16 * 2
    assert found.state == 3 * 2 * 4 * (16 * 128 + 3 * (128 + 2 * 16))


def test_layers_that_guess_ahead_and_encoders_are_not_read(tmp_path: Path) -> None:
    plain = work(llama(tmp_path / "a.gguf", layers=2))
    guessing = work(llama(tmp_path / "b.gguf", layers=3, more={"llama.nextn_predict_layers": 1}))
    assert guessing.weights == plain.weights
    encoder: dict[str, Value] = {"general.architecture": "t5", "t5.block_count": 1}
    tensors = {"enc.blk.0.attn_q.weight": ("f16", (64, 64)), "dec.blk.0.attn_q.weight": ("f16", (64, 64))}
    assert work(write_gguf(tmp_path / "c.gguf", encoder, tensors)).weights == 64 * 64 * 2


def test_a_type_that_is_not_known_is_as_long_as_its_place(tmp_path: Path) -> None:
    path = llama(tmp_path / "a.gguf", kind="q8_0")
    known = work(path).weights
    data = bytearray(path.read_bytes())
    at = data.index(b"blk.0.ffn_up.weight") + len(b"blk.0.ffn_up.weight") + 4 + 2 * 8
    data[at : at + 4] = (200).to_bytes(4, "little")
    path.write_bytes(data)
    assert abs(work(path).weights - known) < 32


def test_words_for_the_cache() -> None:
    assert (kv_type("q8_0").name, kv_type("F16").name, kv_type("what").name) == ("Q8_0", "F16", "F16")
    assert depths(40960) == [512, 4096, 32768]
    assert depths(256) == [512]
