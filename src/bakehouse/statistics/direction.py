"""Which way is better."""

from __future__ import annotations

from bakehouse.model.report import Metric

HIGHER_IS_BETTER: frozenset[Metric] = frozenset(
    (
        "prompt_rate",
        "decode_rate",
        "system_rate",
        "system_prompt_rate",
        "request_rate",
        "goodput",
        "client_prompt_rate",
        "client_decode_rate",
        "llama_bench_prompt_rate",
        "llama_bench_decode_rate",
    )
)
"""Rates. Of times and sizes less is better."""


def higher_is_better(metric: Metric) -> bool:
    return metric in HIGHER_IS_BETTER
