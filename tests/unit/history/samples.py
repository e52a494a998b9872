"""Rows as a run writes them."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import numpy as np

from bakehouse.history.collect import Collected
from bakehouse.model.enums import Verdict
from bakehouse.model.history import HISTORY_SCHEMA, GpuFacts, Hardware, Row, Terms, Value

BEGAN = datetime(2026, 3, 1, 2, tzinfo=UTC)
HARDWARE = Hardware(
    host="box",
    platform="linux/amd64",
    cpu="AMD EPYC",
    cores=16,
    memory_bytes=2**36,
    kernel="6.18",
    device="NVIDIA GeForce RTX 5090",
    gpus=(GpuFacts(name="NVIDIA GeForce RTX 5090", memory_bytes=2**35, driver="580.95", power_limit_watts=575.0),),
)
TERMS = Terms(
    client="bakehouse 0.1.0",
    definitions=1,
    hardware=HARDWARE,
    settings={"model_sha256": "a" * 64, "arguments": {"--threads": "8"}, "device": HARDWARE.device},
)
CELL = "llama-server-cuda12.9-sm120-amd64"


def name(night: int) -> str:
    return f"{BEGAN + timedelta(days=night):%Y%m%d-%H%M%S}-abcdef"


def row(*, night: int = 0, start: int = 0, repetition: int = 0, value: float = 100.0, **changes: Any) -> Row:
    facts: dict[str, Any] = {
        "schema_version": HISTORY_SCHEMA,
        "cell": CELL,
        "workload": "tg128",
        "run": name(night),
        "time": BEGAN + timedelta(days=night),
        "image": f"sha256:{night:064x}",
        "start": start,
        "repetition": repetition,
        "values": {"decode_rate": Value(value=value, unit="tokens/s")},
        "terms": TERMS,
    }
    return Row(**(facts | changes))


def void(reason: str = "other processes used 31% of this machine's CPU meanwhile") -> dict[str, Value]:
    return {"decode_rate": Value(value=0.0, unit="tokens/s", verdict=Verdict.VOID, reason=reason)}


def night_of(
    night: int, level: float = 100.0, *, starts: int = 3, seed: int | None = None, **changes: Any
) -> list[Row]:
    """A run of `starts` x 5 with one or two percent of noise."""
    chance = np.random.default_rng(night if seed is None else seed)
    return [
        row(night=night, start=start, repetition=repetition, value=level * shift * jitter, **changes)
        for start, shift in enumerate(np.exp(chance.normal(0, 0.005, starts)).tolist())
        for repetition, jitter in enumerate(np.exp(chance.normal(0, 0.01, 5)).tolist())
    ]


def collected(rows: list[Row]) -> Collected:
    found = Collected()
    for each in rows:
        found.add(each.model_dump(mode="json"))
    return found
