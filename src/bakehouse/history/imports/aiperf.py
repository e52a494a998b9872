"""aiperf's `profile_export.jsonl` (a request in each line) and `profile_export_aiperf.json` (the run's summary).

https://docs.nvidia.com/aiperf/reference/json-export-schema; schema 1.0 to 1.5. Units stand beside the values.
Its inter_token_latency is (latency - time to first token) / (tokens - those of the first chunk), for each request:
what is called TPOT here. Its inter_chunk_latency is left out: a chunk is not a token.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from bakehouse.history.imports.document import Origin, broken, rows, value, void
from bakehouse.model.history import Row, Value
from bakehouse.model.report import Metric

_OF_A_REQUEST: dict[str, Metric] = {
    "time_to_first_token": "ttft",
    "request_latency": "latency",
    "inter_token_latency": "tpot",
    "output_token_throughput_per_user": "decode_rate",
}
_OF_A_RUN: dict[tuple[str, str], Metric] = {
    ("time_to_first_token", "p50"): "ttft",
    ("time_to_first_token", "p90"): "ttft_p90",
    ("time_to_first_token", "p99"): "ttft_p99",
    ("request_latency", "p50"): "latency",
    ("request_latency", "p90"): "latency_p90",
    ("request_latency", "p99"): "latency_p99",
    ("inter_token_latency", "p50"): "tpot",
    ("inter_token_latency", "p90"): "tpot_p90",
    ("inter_token_latency", "p99"): "tpot_p99",
    ("output_token_throughput_per_user", "p50"): "decode_rate",
    ("output_token_throughput", "avg"): "system_rate",
    ("request_throughput", "avg"): "request_rate",
    ("goodput", "avg"): "goodput",
}


def recognizes(document: Any) -> bool:
    return isinstance(document, Mapping) and (_is_request(document) or _is_summary(document))


def read(path: Path, documents: list[tuple[int, Any]], origin: Origin) -> Iterator[Row]:
    (line, first), *others = documents
    if _is_summary(first):
        if others:
            raise broken(path, others[0][0], "stands after aiperf's summary, which is a single object")
        yield from _summary(path, line, first, origin)
        return
    repetitions = [_request(path, line, document) for line, document in documents]
    yield from rows(
        origin,
        client="aiperf",
        workload="aiperf",
        settings={},
        repetitions=[values for values in repetitions if values is not None],
    )


def _is_request(document: Mapping[str, Any]) -> bool:
    return {"metadata", "metrics"} <= set(document) and "benchmarks" not in document


def _is_summary(document: Any) -> bool:
    return isinstance(document, Mapping) and "request_latency" in document and "metrics" not in document


def _request(path: Path, line: int, document: Any) -> dict[Metric, Value] | None:
    """None: of another phase than the one that counts."""
    if not isinstance(document, Mapping) or not isinstance(document.get("metrics"), Mapping | None):
        raise broken(path, line, "is no request of aiperf: metadata or metrics is missing")
    if is_warm_up(document):
        return None
    if said := failure(document):
        return {"latency": void(f"the request failed: {said}")}
    return _values((metric, (document["metrics"] or {}).get(tag), "value") for tag, metric in _OF_A_REQUEST.items())


def _summary(path: Path, line: int, document: Mapping[str, Any], origin: Origin) -> Iterator[Row]:
    values = summary(document)
    if not values:
        raise broken(path, line, "has none of the metrics that are imported")
    config = document.get("input_config")
    yield from rows(
        origin,
        client=client(document),
        workload="aiperf",
        settings={"input_config": config} if isinstance(config, Mapping) else {},
        repetitions=[values],
    )


def client(document: Mapping[str, Any]) -> str:
    """What wrote a summary: `aiperf 0.13.0`; older ones do not say their version."""
    return f"aiperf {document.get('aiperf_version') or ''}".strip()


def summary(document: Mapping[str, Any]) -> dict[Metric, Value]:
    """What a summary says; void where requests failed or the run did not finish."""
    values = _values((metric, document.get(tag), key) for (tag, key), metric in _OF_A_RUN.items())
    if why := _incomplete(document):
        return {metric: void(why, said.unit) for metric, said in values.items()}
    return values


def is_warm_up(request: Mapping[str, Any]) -> bool:
    about = request.get("metadata")
    return isinstance(about, Mapping) and about.get("benchmark_phase", "profiling") != "profiling"


def failure(request: Mapping[str, Any]) -> str:
    """Why a request failed, or nothing."""
    error = request.get("error")
    if isinstance(error, Mapping):
        return str(error.get("message") or error.get("type") or "it does not say why")
    return "" if error is None else str(error)


def _incomplete(document: Mapping[str, Any]) -> str:
    if document.get("was_cancelled"):
        return "aiperf was interrupted"
    if document.get("is_complete") is False:
        return f"aiperf did not finish: {document.get('incomplete_reason')}"
    failed = document.get("error_request_count")
    number = failed.get("avg") if isinstance(failed, Mapping) else 0
    return f"{number:g} requests failed" if isinstance(number, int | float) and number else ""


def _values(found: Iterator[tuple[Metric, Any, str]]) -> dict[Metric, Value]:
    taken = {}
    for metric, block, key in found:
        if isinstance(block, Mapping) and (said := value(block.get(key), str(block.get("unit", "")))):
            taken[metric] = said
    return taken
