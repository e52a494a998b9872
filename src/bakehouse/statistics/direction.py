"""Which way is better."""

from __future__ import annotations

from bakehouse.model.report import Metric

HIGHER_IS_BETTER: frozenset[Metric] = frozenset(
    ("prompt_rate", "decode_rate", "system_rate", "system_prompt_rate", "request_rate", "goodput")
)
"""Rates. Of times, sizes and energy less is better."""
WITNESSES: frozenset[Metric] = frozenset(
    (
        *(
            "client_prompt_rate",
            "client_decode_rate",
            "unstreamed_decode_rate",
            "llama_bench_prompt_rate",
            "llama_bench_decode_rate",
        ),
        *("client_to_server", "server_to_llama_bench"),
    )
)
"""They say whether the measurement is right, and nothing of the image that others do not: they get no verdict."""
EXACT: frozenset[Metric] = frozenset(("image_size",))
"""Without noise: any two values can be compared."""


def higher_is_better(metric: Metric) -> bool:
    return metric in HIGHER_IS_BETTER


def is_judged(metric: str) -> bool:
    return metric not in WITNESSES
