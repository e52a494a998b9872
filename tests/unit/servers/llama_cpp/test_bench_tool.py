from __future__ import annotations

import json
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from bakehouse.servers import SERVERS
from bakehouse.servers.llama_cpp import bench_tool


def row(prompt: int, output: int, *seconds: float) -> dict[str, Any]:
    """As llama-bench writes it, shortened."""
    return {
        "build_commit": "0c1e57098",
        "n_threads": 2,
        "n_prompt": prompt,
        "n_gen": output,
        "samples_ns": [round(one * 1e9) for one in seconds],
        "samples_ts": [(prompt + output) / one for one in seconds],
    }


def test_it_is_told_what_the_server_is_told() -> None:
    pinned = SERVERS["llama.cpp"].pinned_arguments(slots=1, context=768, threads=4, offloads=True)

    told = bench_tool.arguments("/models/m.gguf", prompts=[512], answers=[128], pinned=pinned, repetitions=3)

    assert " ".join(told) == (
        "--model /models/m.gguf --n-prompt 512 --n-gen 128 --repetitions 3 --threads 4 --batch-size 2048 "
        "--ubatch-size 512 --flash-attn auto --cache-type-k f16 --cache-type-v f16 --n-gpu-layers 999 --output jsonl"
    )


def test_rates_are_from_nanoseconds_and_what_else_it_said_is_kept() -> None:
    said = "load_backend: loaded CPU backend from /app/libggml-cpu-zen4.so\n"

    (one,) = bench_tool.timed(said + json.dumps(row(512, 0, 2.0, 2.56)))

    assert (one.prompt_tokens, one.output_tokens, one.rates) == (512, 0, (256.0, 200.0))
    assert one.about["n_threads"] == 2
    assert "samples_ns" not in one.about


@given(st.text())
def test_other_output_is_passed_over(said: str) -> None:
    lines = json.dumps(row(0, 128, 1.0))

    assert bench_tool.timed(f"{said}\n{lines}\n")[-1].output_tokens == 128
