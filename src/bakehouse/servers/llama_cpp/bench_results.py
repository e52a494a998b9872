"""`llama-bench -o jsonl` (or `-o json`): a test in each object, with every repetition's rate in `samples_ts`."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import datetime
from typing import Any

from bakehouse.servers.reference import Recorded

_MEASURED = {"test_time", "avg_ns", "stddev_ns", "avg_ts", "stddev_ts", "samples_ns", "samples_ts"}
_VARIABLE = {"build_commit", "build_number"}
_MACHINE = {"cpu_info", "gpu_info"}
"""These say what was measured on; all other fields are settings."""
_TOKENS = ("n_prompt", "n_gen", "n_depth")


def is_of(document: Any) -> bool:
    first = document[0] if isinstance(document, list) and document else document
    return isinstance(first, Mapping) and {"build_commit", "n_prompt", "n_gen"} <= set(first)


def recorded(document: Any) -> Iterator[Recorded]:
    for test in document if isinstance(document, list) else [document]:
        if not is_of(test):
            raise ValueError("is no test of llama-bench: build_commit, n_prompt or n_gen is missing")
        yield _recorded(test)


def _recorded(test: Mapping[str, Any]) -> Recorded:
    rates = test.get("samples_ts")
    if not isinstance(rates, list) or not rates:
        raise ValueError("has no samples_ts: write it with `llama-bench -o jsonl`, not as CSV or SQL")
    prompt, output, depth = (test.get(key, 0) for key in _TOKENS)
    if not all(isinstance(number, int) and number >= 0 for number in (prompt, output, depth)) or not prompt + output:
        raise ValueError(f"has n_prompt {prompt!r}, n_gen {output!r} and n_depth {depth!r}")
    return Recorded(
        prompt_tokens=prompt,
        output_tokens=output,
        depth=depth,
        rates=tuple(rates),
        settings={key: test[key] for key in sorted(set(test) - _MEASURED - _VARIABLE - _MACHINE)},
        cpu=str(test.get("cpu_info", "")),
        gpu=str(test.get("gpu_info", "")),
        time=_time(test.get("test_time")),
        revision=str(test.get("build_commit", "")),
    )


def _time(text: Any) -> datetime | None:
    try:
        return datetime.fromisoformat(text)
    except (TypeError, ValueError):
        return None
