"""How long a history of a million rows takes: reading it all, and comparing a run with it, in a process of its own.

    python benchmarks/history_scale.py [--rows 1000000]

Targets: seconds, and less than 500 MB. The rows are those of nightly runs of 20 cells: 7 starts x 5 repetitions of
pp512, tg128 and a sweep, a quarter of them from another machine. Writes 1.1 GB to a temporary folder.
"""

from __future__ import annotations

import argparse
import json
import random
import resource
import subprocess  # noqa: TID251 - a benchmark measures whole processes
import sys
import tempfile
import time
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from bakehouse.history.baseline import compare
from bakehouse.history.collect import collect
from bakehouse.model.history import HISTORY_SCHEMA, Hardware, Row, Terms, Value

ROWS = 1_000_000
CELLS, STARTS, REPETITIONS = 20, 7, 5
WORKLOADS: dict[str, tuple[str, ...]] = {
    "pp512": ("prompt_rate", "ttft"),
    "tg128": ("decode_rate",),
    "sweep-4u": ("system_rate", "ttft", "tpot", "latency", "request_rate"),
}
LAST = "last"
"""Name of the run that is compared."""


def write(folder: Path, count: int) -> int:
    """Rows as `keep` writes them, without waiting for the disk after each."""
    chance = random.Random(1)
    nights = count // (CELLS * STARTS * REPETITIONS * len(WORKLOADS))
    written = 0
    for cell in range(CELLS):
        path = folder / f"server-{cell}-amd64"
        path.mkdir(parents=True)
        for night in range(nights):
            moment = datetime(2024, 1, 1, tzinfo=UTC) + timedelta(days=night)
            name = LAST if night == nights - 1 else f"{moment:%Y%m%d}-000000-abcdef"
            with (path / f"{moment:%Y-%m}.jsonl").open("ab") as file:
                for workload, metrics in WORKLOADS.items():
                    line = _line(path.name, name, moment, workload, metrics, host=int(night % 4 == 1))
                    for start in range(STARTS):
                        for repetition in range(REPETITIONS):
                            said = line.replace(
                                b'"start":0,"repetition":0', b'"start":%d,"repetition":%d' % (start, repetition)
                            )
                            file.write(said.replace(b"99.5", b"%.3f" % chance.gauss(100, 1)))
                            written += 1
    return written


def _line(cell: str, run: str, moment: datetime, workload: str, metrics: tuple[str, ...], *, host: int) -> bytes:
    arguments = {f"--argument-{number}": str(number) for number in range(11)}
    row = Row(
        schema_version=HISTORY_SCHEMA,
        cell=cell,
        workload=workload,
        run=run,
        time=moment,
        image="sha256:" + "0" * 64,
        revision="0" * 40,
        coordinates={"recipe": "server", "accelerator": "cpu", "flag_set": "default", "platform": "linux/amd64"},
        start=0,
        repetition=0,
        values={metric: Value(value=99.5, unit="tokens/s") for metric in metrics},
        raw={"timings": dict.fromkeys(("cache_n", "prompt_n", "prompt_ms", "predicted_n", "predicted_ms"), 1.2345)},
        terms=Terms(
            client="bakehouse 0.1.0",
            definitions=1,
            hardware=Hardware(host=f"box-{host}", platform="linux/amd64", cpu="EPYC", cores=16, memory_bytes=2**36),
            settings={"model_sha256": "0" * 64, "arguments": arguments, "memory_limit": "4 GiB", "device": "cpu"},
        ),
    )
    text = row.model_dump_json(exclude_defaults=True).encode()
    return text + b"\n"


def measure(folder: Path) -> dict[str, Any]:
    began, used = time.perf_counter(), time.process_time()
    history = collect(folder)
    read = time.perf_counter()
    found = compare(history, history, run=LAST)
    return {
        "read s": read - began,
        "compare s": time.perf_counter() - read,
        "cpu s": time.process_time() - used,
        "peak MB": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024,
        "samples": sum(len(column.values) for column in history.columns.values()),
        "compared": len(found),
        "problems": history.problems.count,
        "verdicts": sorted({str(one.judged.verdict) for one in found}),
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--rows", type=int, default=ROWS, help=f"how many, about (default: {ROWS})")
    parser.add_argument("--read", type=Path, help=argparse.SUPPRESS)
    given = parser.parse_args()
    if given.read:
        print(json.dumps(measure(given.read)))
        return
    with tempfile.TemporaryDirectory() as name:
        written = write(Path(name), given.rows)
        size = sum(path.stat().st_size for path in Path(name).rglob("*.jsonl")) / 2**20
        print(f"{written:,} rows, {size:,.0f} MiB")
        said = subprocess.check_output([sys.executable, __file__, "--read", name])
        for key, value in json.loads(said).items():
            print(f"{key}: {value:.3g}" if isinstance(value, float) else f"{key}: {value}")


if __name__ == "__main__":
    main()
