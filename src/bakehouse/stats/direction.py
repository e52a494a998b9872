"""Which way is better."""

from __future__ import annotations

from bakehouse.model.report import REFERENCE_DECODE_RATE, REFERENCE_PROMPT_RATE, SERVER_TO_REFERENCE, Metric

HIGHER_IS_BETTER: frozenset[Metric] = frozenset(
    ("prompt_rate", "decode_rate", "system_rate", "system_prompt_rate", "request_rate", "goodput", "work_rate")
)
"""Rates. Of times, sizes and energy less is better."""
CONTROLS: frozenset[Metric] = frozenset(
    (
        *(
            "client_prompt_rate",
            "client_decode_rate",
            "unstreamed_decode_rate",
            REFERENCE_PROMPT_RATE,
            REFERENCE_DECODE_RATE,
        ),
        *("client_to_server", SERVER_TO_REFERENCE, "request_overhead"),
    )
)
"""They check the measurement itself, and say nothing more of the image: they get no verdict."""
FOLLOWS: frozenset[Metric] = frozenset(
    (
        *("system_prompt_rate", "request_rate", "goodput"),
        *("latency", "latency_p90", "latency_p99", "added_latency"),
        *("tpot", "tpot_p90", "tpot_p99", "itl", "itl_p90", "itl_p99"),
        *("ttft_p90", "ttft_p99", "create", "port_open"),
    )
)
"""They follow from system_rate, work_rate, decode_rate, ttft and time_to_healthy, or are the tail of few requests. They
are recorded, drawn and not judged: the more metrics are judged together, the more must be shown of each, and among the
76 of six workloads 7 starts beside 7 can show nothing at all."""
RATES: frozenset[Metric] = frozenset(("prompt_rate", "decode_rate", "work_rate"))
"""What a cell is known by."""
EXACT: frozenset[Metric] = frozenset(("image_size",))
"""Without noise: any two values can be compared."""


def higher_is_better(metric: Metric) -> bool:
    return metric in HIGHER_IS_BETTER


def is_of_image(metric: str) -> bool:
    return metric not in CONTROLS


def is_judged(metric: str) -> bool:
    return metric not in CONTROLS and metric not in FOLLOWS
