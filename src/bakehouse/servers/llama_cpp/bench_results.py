"""`llama-bench -o jsonl` (or `-o json`): a test in each object, with every repetition's rate in `samples_ts`."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import datetime
from pathlib import Path
from typing import Any

from bakehouse.history.imports.document import Origin, broken, rows, value
from bakehouse.model.history import Gpu, Hardware, Row
from bakehouse.model.report import Metric

_MEASURED = {"test_time", "avg_ns", "stddev_ns", "avg_ts", "stddev_ts", "samples_ns", "samples_ts"}
_VARIABLE = {"build_commit", "build_number"}
_MACHINE = {"cpu_info", "gpu_info"}
"""These say what was measured on; all other fields are settings."""


def recognizes(document: Any) -> bool:
    first = document[0] if isinstance(document, list) and document else document
    return isinstance(first, Mapping) and {"build_commit", "n_prompt", "n_gen"} <= set(first)


def read(path: Path, documents: list[tuple[int, Any]], origin: Origin) -> Iterator[Row]:
    for line, document in documents:
        for test in document if isinstance(document, list) else [document]:
            if not recognizes(test):
                raise broken(path, line, "is no test of llama-bench: build_commit, n_prompt or n_gen is missing")
            yield from _test(path, line, test, origin)


def _test(path: Path, line: int, test: Mapping[str, Any], origin: Origin) -> Iterator[Row]:
    rates = test.get("samples_ts")
    if not isinstance(rates, list) or not rates:
        raise broken(path, line, "has no samples_ts: write it with `llama-bench -o jsonl`, not as CSV or SQL")
    values = [value(rate, "tokens/s") for rate in rates]
    metric, workload = _workload(path, line, test)
    yield from rows(
        _with_machine(origin, test),
        client="llama-bench",
        workload=workload,
        settings={key: test[key] for key in sorted(set(test) - _MEASURED - _VARIABLE - _MACHINE)},
        repetitions=[{metric: said} for said in values if said],
        time=_time(test.get("test_time")),
        revision=str(test.get("build_commit", "")),
    )


def _workload(path: Path, line: int, test: Mapping[str, Any]) -> tuple[Metric, str]:
    """`pp512`, `tg128`, `pp512+tg128`, with `@d4096` where the cache held tokens before."""
    prompt, output, depth = (test.get(key, 0) for key in ("n_prompt", "n_gen", "n_depth"))
    if not all(isinstance(number, int) and number >= 0 for number in (prompt, output, depth)) or not prompt + output:
        raise broken(path, line, f"has n_prompt {prompt!r}, n_gen {output!r} and n_depth {depth!r}")
    name = "+".join([*([f"pp{prompt}"] if prompt else []), *([f"tg{output}"] if output else [])])
    metric: Metric = "system_rate" if prompt and output else "prompt_rate" if prompt else "decode_rate"
    return metric, f"{name}@d{depth}" if depth else name


def _with_machine(origin: Origin, test: Mapping[str, Any]) -> Origin:
    cpu, gpu = str(test.get("cpu_info", "")), str(test.get("gpu_info", ""))
    known: dict[str, Any] = {} if origin.hardware.cpu or not cpu else {"cpu": cpu}
    if gpu and not origin.hardware.gpus:
        known |= {"gpus": (Gpu(name=gpu),), "device": gpu}
    hardware: Hardware = origin.hardware.model_copy(update=known)
    return Origin(cell=origin.cell, run=origin.run, time=origin.time, hardware=hardware, image=origin.image)


def _time(text: Any) -> datetime | None:
    try:
        return datetime.fromisoformat(text)
    except (TypeError, ValueError):
        return None
