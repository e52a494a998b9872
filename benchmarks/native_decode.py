"""How fast our CPU image computes, against a build for exactly this processor.

    python benchmarks/native_decode.py

Ours chooses one of its CPU plugins when it starts; the other one is the same revision from the same source tree, with
the same compiler on the same base, as one static program with GGML_NATIVE=ON (`-march=native`). Both run llama-bench
with one thread a core on the same cores: reading 512 tokens (pp512) and writing 128 (tg128). Runs alternate (the
native image twice, to see the noise), and the machine's CPU lease is held, so that no other bakehouse works meanwhile.
Target: at least 0.97 of the native rate.
"""

from __future__ import annotations

import json
import statistics
from collections.abc import Callable
from functools import partial
from pathlib import Path

from harness import (
    ROOT,
    Comparison,
    ImageBuilder,
    Record,
    alternate,
    arguments,
    build_on_our_base,
    docker,
    lease,
    our_context,
    our_engine,
    prepare,
    remove_images,
    say,
    workspace,
)

from bakehouse.measure.cpu_usage import physical_cores
from bakehouse.model.cell import Cell
from bakehouse.pipeline.context import Context

LIMIT = 0.97
"""Of the native build's rate."""
WORKLOADS = {"pp512": ("-p", "512", "-n", "0"), "tg128": ("-p", "0", "-n", "128")}

NATIVE = """\
FROM {base} AS build
RUN apt-get update && apt-get install -y --no-install-recommends {packages}
RUN --mount=type=bind,target=/src cmake -S /src -B /build -G Ninja {options} && cmake --build /build -t llama-bench

FROM {runtime_base}
RUN apt-get update && apt-get install -y --no-install-recommends {runtime_packages} && rm -rf /var/lib/apt/lists/*
COPY --from=build /build/bin/llama-bench /app/llama-bench
"""


def native_dockerfile(cell: Cell) -> str:
    recipe = cell.recipe
    cmake = recipe.compiled.cmake | recipe.compiled.host_cmake
    cmake |= {
        "GGML_NATIVE": "ON",
        "GGML_CPU": "ON",
        "GGML_BACKEND_DL": "OFF",
        "BUILD_SHARED_LIBS": "OFF",
        "GGML_CCACHE": "OFF",
    }
    return NATIVE.format(
        base=cell.build_base,
        runtime_base=cell.runtime_base,
        packages=" ".join(name for name in recipe.compiled.packages if name != "ccache"),
        runtime_packages=" ".join(recipe.runtime.packages),
        options=" ".join(f"-D{name}='{value}'" for name, value in cmake.items()),
    )


def rate(builder: ImageBuilder, image: str, workload: str, model: Path) -> float:
    """Tokens per second of one repetition in a container of its own, after llama-bench's warm-up."""
    threads = physical_cores()
    said = docker(
        builder.engine, "run", "--rm", "--network", "none", "--label", "io.bakehouse.benchmark=native_decode",
        "--cpuset-cpus", f"0-{threads - 1}" if threads > 1 else "0", "--volume", f"{model.parent}:/models:ro",
        "--entrypoint", "/app/llama-bench", image,
        "-m", f"/models/{model.name}", "-t", str(threads), "-r", "1", "-o", "json", *WORKLOADS[workload],
    )  # fmt: skip
    return float(json.loads(said)[0]["avg_ts"])


def compare(record: Record, builder: ImageBuilder, images: dict[str, str], model: Path, *, runs: int) -> None:
    """Three in turn: native, ours, native again. The native image against itself says what the noise is."""
    images |= {"again": images["native"]}
    for workload in WORKLOADS:
        measured: dict[str, Callable[[], float]] = {
            name: partial(rate, builder, image, workload, model) for name, image in images.items()
        }
        alternate(1, **measured)
        record.look(f"before {workload}")
        found = alternate(runs, **measured)
        noise = statistics.median(found["again"]) / statistics.median(found["native"])
        record.details[workload] = found
        record.add(
            Comparison(
                what=workload,
                ours=found["ours"],
                theirs=found["native"],
                unit="tok/s",
                limit=LIMIT,
                higher_is_better=True,
                note=f"native against itself, in the same run: {noise:.3f}",
            )
        )


def main() -> None:
    parser = arguments(__doc__, runs=7)
    parser.add_argument("--build-only", action="store_true", help="build the images and end")
    asked = parser.parse_args()
    context: Context = our_context(ROOT)
    record = Record(name="native_decode")
    with our_engine(context) as engine, workspace(context, keep=asked.keep) as folder:
        builder = prepare(context, engine, folder / "bake")
        cell = next(cell for cell in builder.cells if cell.at.flag_set == "default")
        throughput = cell.recipe.probes.throughput
        assert throughput is not None
        model = builder.gathered.models[throughput.model]
        builder.bake(cell.target)
        say("building native")
        source = builder.supplies.sources[cell.recipe.compiled.source].context
        native = build_on_our_base(builder, folder, name="native", dockerfile=native_dockerfile(cell), context=source)
        try:
            if asked.build_only:
                return
            with lease(context, alone=True):
                compare(record, builder, {"native": native, "ours": cell.image}, model, runs=asked.runs)
        finally:
            if not asked.keep:
                remove_images(engine, native)
    record.show()
    record.write(asked.json)


if __name__ == "__main__":
    main()
