"""A model of the kind that Nemotron 3 Nano is (Mamba 2, attention and experts by turns) loads and answers.

The weights are random: what is tried is that the image has the code for each part, not what it says. Shapes as
llama.cpp's src/models/nemotron-h.cpp wants them; the real one has 52 layers and 128 experts.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import requests

from bakehouse.engine.container import Container, Launch
from bakehouse.engine.devices import Devices
from bakehouse.model.suite import Subject, Suite
from bakehouse.probes.health import wait_serving
from bakehouse.probes.serving import serving

gguf = pytest.importorskip("gguf", reason="the package gguf, which writes the model, is not installed")

ARCHITECTURE = "nemotron_h_moe"
LAYERS = "MEM*EME"
"""M: Mamba 2, E: experts, *: attention; the real one begins MEMEM*EMEMEM*E."""
WIDTH, HEADS, KV_HEADS, HEAD = 256, 8, 2, 32
EXPERTS, USED, EXPERT_WIDTH, SHARED_WIDTH = 16, 4, 96, 192
STATE, GROUPS, CONVOLUTION, SSM_HEADS, INNER = 32, 4, 4, 16, 512
WORDS = [*(chr(code) for code in range(0x21, 0x7F)), "Ġ", "Ċ", "ab", "<s>", "</s>"]


@pytest.fixture(scope="module")
def model(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("random") / "nemotron-h-moe-random.gguf"
    writer = gguf.GGUFWriter(path, ARCHITECTURE)
    _describe(writer)
    random = np.random.default_rng(1)
    for name, shape in tensors():
        scale = 0.02 if len(shape) > 1 else 0.0
        values = random.normal(scale=scale, size=shape) if scale else np.ones(shape)
        writer.add_tensor(name, values.astype(np.float32))
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()
    path.chmod(0o644)
    path.parent.chmod(0o755)
    return path


def _describe(writer: Any) -> None:
    writer.add_block_count(len(LAYERS))
    writer.add_context_length(4096)
    writer.add_embedding_length(WIDTH)
    writer.add_vocab_size(len(WORDS))
    writer.add_head_count([HEADS if kind == "*" else 0 for kind in LAYERS])
    writer.add_head_count_kv([KV_HEADS if kind == "*" else 0 for kind in LAYERS])
    writer.add_feed_forward_length([EXPERT_WIDTH * USED if kind == "E" else 0 for kind in LAYERS])
    writer.add_key_length(HEAD)
    writer.add_value_length(HEAD)
    writer.add_rope_dimension_count(HEAD)
    writer.add_layer_norm_eps(1e-5)
    writer.add_layer_norm_rms_eps(1e-5)
    writer.add_expert_count(EXPERTS)
    writer.add_expert_used_count(USED)
    writer.add_expert_feed_forward_length(EXPERT_WIDTH)
    writer.add_expert_shared_feed_forward_length(SHARED_WIDTH)
    writer.add_expert_shared_count(1)
    writer.add_expert_weights_norm(True)
    writer.add_expert_weights_scale(2.5)
    writer.add_ssm_conv_kernel(CONVOLUTION)
    writer.add_ssm_inner_size(INNER)
    writer.add_ssm_state_size(STATE)
    writer.add_ssm_time_step_rank(SSM_HEADS)
    writer.add_ssm_group_count(GROUPS)
    writer.add_tokenizer_model("gpt2")
    writer.add_tokenizer_pre("gpt-2")
    writer.add_token_list(WORDS)
    writer.add_token_types([1] * (len(WORDS) - 2) + [3, 3])
    writer.add_token_merges(["a b"])
    writer.add_bos_token_id(len(WORDS) - 2)
    writer.add_eos_token_id(len(WORDS) - 1)


def tensors() -> Iterator[tuple[str, tuple[int, ...]]]:
    """Names and shapes, rows first."""
    yield from (("token_embd.weight", (len(WORDS), WIDTH)), ("output_norm.weight", (WIDTH,)))
    yield "output.weight", (len(WORDS), WIDTH)
    for number, kind in enumerate(LAYERS):
        yield f"blk.{number}.attn_norm.weight", (WIDTH,)
        yield from ((f"blk.{number}.{name}", shape) for name, shape in _OF_A_LAYER[kind])


_STREAM = INNER + 2 * GROUPS * STATE
_OF_A_LAYER: dict[str, tuple[tuple[str, tuple[int, ...]], ...]] = {
    "M": (
        ("ssm_in.weight", (INNER + _STREAM + SSM_HEADS, WIDTH)),
        ("ssm_conv1d.weight", (_STREAM, CONVOLUTION)),
        ("ssm_conv1d.bias", (_STREAM,)),
        ("ssm_dt.bias", (SSM_HEADS,)),
        ("ssm_a", (SSM_HEADS, 1)),
        ("ssm_d", (SSM_HEADS, 1)),
        ("ssm_norm.weight", (GROUPS, INNER // GROUPS)),
        ("ssm_out.weight", (WIDTH, INNER)),
    ),
    "*": (
        ("attn_q.weight", (HEADS * HEAD, WIDTH)),
        ("attn_k.weight", (KV_HEADS * HEAD, WIDTH)),
        ("attn_v.weight", (KV_HEADS * HEAD, WIDTH)),
        ("attn_output.weight", (WIDTH, HEADS * HEAD)),
    ),
    "E": (
        ("ffn_gate_inp.weight", (EXPERTS, WIDTH)),
        ("exp_probs_b.bias", (EXPERTS,)),
        ("ffn_up_exps.weight", (EXPERTS, EXPERT_WIDTH, WIDTH)),
        ("ffn_down_exps.weight", (EXPERTS, WIDTH, EXPERT_WIDTH)),
        ("ffn_up_shexp.weight", (SHARED_WIDTH, WIDTH)),
        ("ffn_down_shexp.weight", (WIDTH, SHARED_WIDTH)),
    ),
}


def test_loads_and_answers(
    subject: Subject,
    suite: Suite,
    devices: Devices,
    model: Path,
    start_container: Callable[[Launch], Container],
) -> None:
    with_model = subject.model_copy(update={"model_path": str(model), "models_beside": []})
    container = start_container(serving(with_model, run=suite.run, devices=devices, args=("--parallel", "2")))
    wait_serving(container, subject.health, memory_limit=subject.memory_limit)

    body = {"prompt": "abc" * 40, "n_predict": 8, "ignore_eos": True, "cache_prompt": False}
    answers = [requests.post(f"{container.url}/completion", json=body, timeout=120).json() for _ in range(2)]

    assert [one["tokens_predicted"] for one in answers] == [8, 8]
    assert ARCHITECTURE in container.logs()
