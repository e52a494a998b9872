"""guidellm's `benchmarks.json`: {metadata, config or args, benchmarks: [...]}, a workload in each benchmark.

Fields as in guidellm 0.8 (benchmark/schemas/metrics.py); times end in `_ms` or are seconds. Its inter_token_latency is
(last - first token) / (n - 1) of each request: what is called TPOT here. Its time_per_output_token divides
(last token - start) by n, so that it holds the prompt's time, too: it is left out, never taken for TPOT.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from bakehouse.history.imports.document import Origin, broken, rows, value, void
from bakehouse.model.history import Row, Value
from bakehouse.model.report import Metric

_MEDIAN, _MEAN = ("median",), ("mean",)
_FIELDS: tuple[tuple[Metric, str, tuple[str, ...], str], ...] = (
    ("ttft", "time_to_first_token_ms", _MEDIAN, "ms"),
    ("ttft_p90", "time_to_first_token_ms", ("percentiles", "p90"), "ms"),
    ("ttft_p99", "time_to_first_token_ms", ("percentiles", "p99"), "ms"),
    ("tpot", "inter_token_latency_ms", _MEDIAN, "ms"),
    ("tpot_p90", "inter_token_latency_ms", ("percentiles", "p90"), "ms"),
    ("tpot_p99", "inter_token_latency_ms", ("percentiles", "p99"), "ms"),
    ("latency", "request_latency", _MEDIAN, "s"),
    ("latency_p90", "request_latency", ("percentiles", "p90"), "s"),
    ("latency_p99", "request_latency", ("percentiles", "p99"), "s"),
    ("system_rate", "output_tokens_per_second", _MEAN, "tokens/s"),
    ("system_prompt_rate", "prompt_tokens_per_second", _MEAN, "tokens/s"),
    ("request_rate", "requests_per_second", _MEAN, "requests/s"),
)


def recognizes(document: Any) -> bool:
    return isinstance(document, Mapping) and isinstance(document.get("benchmarks"), list)


def read(path: Path, documents: list[tuple[int, Any]], origin: Origin) -> Iterator[Row]:
    for line, document in documents:
        if not recognizes(document):
            raise broken(path, line, "is no report of guidellm: benchmarks is missing")
        about = document.get("metadata")
        version = about.get("guidellm_version") if isinstance(about, Mapping) else ""
        for number, benchmark in enumerate(document["benchmarks"]):
            metrics = benchmark.get("metrics") if isinstance(benchmark, Mapping) else None
            if not isinstance(metrics, Mapping):
                raise broken(path, line, f"benchmarks[{number}] has no metrics")
            values = _values(metrics)
            if not values:
                raise broken(path, line, f"benchmarks[{number}] has none of the metrics that are imported")
            yield from rows(
                origin,
                client=f"guidellm {version or ''}".strip(),
                workload=_workload(benchmark),
                settings=_settings(benchmark),
                repetitions=[values],
            )


def _values(metrics: Mapping[str, Any]) -> dict[Metric, Value]:
    found = {
        metric: said
        for metric, name, path, unit in _FIELDS
        if (said := value(_at(metrics, name, "successful", *path), unit))
    }
    if (each := found.get("tpot")) and each.value:
        found["decode_rate"] = Value(value=1 / each.value, unit="tokens/s")
    failed = [(_at(metrics, "request_totals", kind) or 0, kind) for kind in ("errored", "incomplete")]
    if why := ", ".join(f"{number} requests {kind}" for number, kind in failed if number):
        return {metric: void(why, said.unit) for metric, said in found.items()}
    return found


def _workload(benchmark: Mapping[str, Any]) -> str:
    """`guidellm-concurrent-4`: its strategy, with the users or the rate where it has some."""
    strategy = _at(benchmark, "config", "strategy") or {}
    if not isinstance(strategy, Mapping):
        return "guidellm"
    level = next((strategy[key] for key in ("streams", "rate") if isinstance(strategy.get(key), int | float)), None)
    return "-".join(str(part) for part in ("guidellm", strategy.get("type_"), level) if part is not None)


def _settings(benchmark: Mapping[str, Any]) -> dict[str, Any]:
    """What was asked; not the names that a run gave itself."""
    config = benchmark.get("config")
    if not isinstance(config, Mapping):
        return {}
    return {key: config[key] for key in ("requests", "constraints", "warmup", "cooldown") if key in config}


def _at(value_: Any, *path: str) -> Any:
    for key in path:
        value_ = value_.get(key) if isinstance(value_, Mapping) else None
    return value_
