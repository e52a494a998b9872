"""llama-bench, which lies beside llama-server. This module is a `ReferenceTool`."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Any

from bakehouse.servers.llama_cpp.bench_export import record
from bakehouse.servers.llama_cpp.bench_results import is_of, recorded
from bakehouse.servers.reference import Timed

__all__ = ["arguments", "is_of", "program", "record", "recorded", "timed"]

program = "llama-bench"

_SAME = {
    "--threads": "--threads",
    "--batch-size": "--batch-size",
    "--ubatch-size": "--ubatch-size",
    "--flash-attn": "--flash-attn",
    "--cache-type-k": "--cache-type-k",
    "--cache-type-v": "--cache-type-v",
    "--n-gpu-layers": "--n-gpu-layers",
}
"""llama-server's word to llama-bench's. Its --fit is off, it has one slot, --threads is that of batches, too, and its
context is as long as the test (tools/llama-bench/llama-bench.cpp)."""


def arguments(
    model: str, *, prompts: Sequence[int], answers: Sequence[int], pinned: Mapping[str, str], repetitions: int
) -> tuple[str, ...]:
    same = [word for ours, theirs in _SAME.items() if ours in pinned for word in (theirs, pinned[ours])]
    return (
        *("--model", model),
        *("--n-prompt", ",".join(map(str, prompts))),
        *("--n-gen", ",".join(map(str, answers))),
        *("--repetitions", str(repetitions)),
        *same,
        *("--output", "jsonl"),
    )


def timed(output: str) -> list[Timed]:
    """From its JSON lines among what else was printed, which is what its backends say."""
    return [
        Timed(
            prompt_tokens=row["n_prompt"],
            output_tokens=row["n_gen"],
            rates=_rates(row),
            about={key: value for key, value in row.items() if not key.startswith("samples_")},
        )
        for row in _rows(output)
    ]


def _rows(output: str) -> list[dict[str, Any]]:
    rows = []
    for line in output.splitlines():
        if not line.startswith("{"):
            continue
        try:
            row = json.loads(line)
        except ValueError:
            continue
        if isinstance(row, dict) and all(isinstance(row.get(key), int) for key in ("n_prompt", "n_gen")):
            rows.append(row)
    return rows


def _rates(row: dict[str, Any]) -> tuple[float, ...]:
    """Tokens per second of each repetition, from its nanoseconds: samples_ts is the same, rounded."""
    tokens, times = row["n_prompt"] + row["n_gen"], row.get("samples_ns")
    if not isinstance(times, list):
        return ()
    return tuple(tokens * 1e9 / time for time in times if isinstance(time, int | float) and time > 0)
