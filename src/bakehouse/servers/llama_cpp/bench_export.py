"""A measurement as `llama-bench -o jsonl` writes it.

Fields and their order are those of llama-bench (test::get_fields in tools/llama-bench/llama-bench.cpp); there are no
others, since readers make database columns of them.
"""

from __future__ import annotations

import statistics
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:  # a plan asks families of servers, and needs no reports
    from bakehouse.model.report import CellReport, Measurement, Metric, RunReport

TOKENS: dict[Metric, str] = {"prompt_rate": "prompt_tokens", "decode_rate": "output_tokens"}
"""Metrics that llama-bench has, and the setting that says how many tokens they are of."""
_BACKENDS = {"cpu": "CPU", "cuda": "CUDA", "rocm": "ROCm", "xpu": "SYCL", "vulkan": "Vulkan"}
_NANO = 10**9


def _kind(measurement: Measurement) -> str:
    return {"prompt_rate": "pp", "decode_rate": "tg"}.get(measurement.metric, "")


def _tokens(measurement: Measurement) -> int:
    tokens = measurement.settings.get(TOKENS.get(measurement.metric, ""), 0)
    return tokens if isinstance(tokens, int) else 0


def record(run: RunReport, cell: CellReport, measurement: Measurement) -> dict[str, Any] | None:
    """A measurement of one prompt's or one answer's rate; None of any other."""
    if measurement.workload != f"{_kind(measurement)}{_tokens(measurement)}":
        return None
    rates, tokens = measurement.counted, _tokens(measurement)
    times = [round(tokens * _NANO / rate) if rate else 0 for rate in rates]
    return _about(run, cell, measurement) | {
        "n_prompt": tokens if measurement.metric == "prompt_rate" else 0,
        "n_gen": tokens if measurement.metric == "decode_rate" else 0,
        "n_depth": 0,
        "test_time": f"{run.started:%Y-%m-%dT%H:%M:%SZ}",
        "avg_ns": round(statistics.fmean(times)),
        "stddev_ns": round(_deviation(times)),
        "avg_ts": statistics.fmean(rates),
        "stddev_ts": _deviation(rates),
        "samples_ns": times,
        "samples_ts": rates,
    }


def _about(run: RunReport, cell: CellReport, measurement: Measurement) -> dict[str, Any]:
    arguments: Mapping[str, Any] = measurement.settings.get("arguments") or {}
    labels = cell.image.labels if cell.image else {}
    number = labels.get("org.opencontainers.image.version", "").removeprefix("b")
    device = measurement.settings.get("device", "cpu")
    return {
        "build_commit": labels.get("org.opencontainers.image.revision", "")[:8],
        "build_number": int(number) if number.isascii() and number.isdigit() else 0,
        "cpu_info": run.host_of(cell).cpu,
        "gpu_info": "" if device == "cpu" else str(device),
        "backends": _BACKENDS.get(cell.accelerator, cell.accelerator),
        "model_filename": next((one.name for one in run.supplies_of(cell) if one.kind == "model"), ""),
        "model_type": "",
        "model_size": 0,
        "model_n_params": 0,
        "n_batch": _whole(arguments, "--batch-size"),
        "n_ubatch": _whole(arguments, "--ubatch-size"),
        "n_threads": _whole(arguments, "--threads"),
        "type_k": arguments.get("--cache-type-k", ""),
        "type_v": arguments.get("--cache-type-v", ""),
        "n_gpu_layers": _whole(arguments, "--n-gpu-layers"),
        "flash_attn": {"on": 1, "off": 0}.get(str(arguments.get("--flash-attn")), -1),
    }


def _whole(arguments: Mapping[str, Any], name: str) -> int:
    text = str(arguments.get(name, ""))
    return int(text) if text.isascii() and text.isdigit() else 0


def _deviation(values: list[int] | list[float]) -> float:
    return statistics.stdev(values) if len(values) > 1 else 0.0
