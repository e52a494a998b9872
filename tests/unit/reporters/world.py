"""A run of many cells on several accelerators, as a night's could be: what the page must stay readable with."""

from __future__ import annotations

import random
from collections.abc import Sequence
from datetime import timedelta
from typing import Any

from bakehouse.history.baseline import Baseline, Compared, Earlier
from bakehouse.history.collect import Run
from bakehouse.model.enums import Verdict
from bakehouse.model.report import Attempt, CellReport, Check, ExcludedRecord, Measurement, RunReport, Sample, Supplied
from bakehouse.reporters.comparison import RunComparison
from bakehouse.stats.changes import segments
from bakehouse.stats.judge import ChangeGates, Pair, Side, judge
from tests.unit.reporters.sample import MIB, STARTED, failed_cell, passed_cell, sample_exclusions, sample_run

NO_BASE = (
    "no base rocm-7.2 for linux/amd64 (tried: docker.io/rocm/dev-ubuntu-24.04:7.2.1-complete "
    "(the registry cannot be reached: no such host))"
)
BUSY = "other processes used {share} % of this machine's CPU meanwhile (more than 10 % voids a measurement)"


def world_run(*, cuda: Sequence[str] = ("cuda12.4", "cuda12.9", "cuda13.0"), blas: bool = True) -> RunReport:
    cells = [
        cell("cpu", seed=1, rates=(492, 156), starts=7),
        *([cell("cpu", seed=2, rates=(221, 147), flags="blas")] * blas),
    ]
    cells.append(cell("vulkan", seed=3, rates=(31.4, 22.9), device="lavapipe (computes on the CPU)"))
    cells += [
        unmeasured("cuda", toolkit=toolkit, arch=arch, archs=archs, platform=platform, seed=number)
        for number, toolkit in enumerate(cuda)
        for arch, archs in (("rtx", ["sm_75", "sm_86", "sm_89", "sm_120"]), ("sm_86", ["sm_86"]), ("sm_90", ["sm_90"]))
        for platform in ("linux/amd64", "linux/arm64")
    ]
    cells.append(with_its_promises(failed_cell(), ["sm_86"]))
    cells += [no_base(arch) for arch in ("gfx1100", "gfx942")]
    run = sample_run()
    return run.model_copy(
        update={
            "cells": cells,
            "supplies": [*run.supplies[:3], missing_base()],
            "excluded": exclusions(),
            "verdict": Verdict.FAILED,
        }
    )


def cell(
    accelerator: str,
    *,
    seed: int,
    rates: tuple[float, float],
    flags: str = "default",
    device: str = "cpu",
    starts: int = 3,
) -> CellReport:
    name = "-".join(["llama-server", accelerator, *([flags] if flags != "default" else []), "amd64"])
    found = passed_cell(name, flag_set=flags, seed=seed, decode=rates[1])
    chance = random.Random(seed)
    settings: dict[str, Any] = {
        "model_sha256": "b179c9523d0e6a0f98a330c7562b682750a6f8c8c15e5bc70ea373728110db53",
        "arguments": {"--parallel": "1", "--fit": "off", "--threads": "2"},
        "memory_limit": "4 GiB",
        "device": device,
    }
    measured = [
        *pp_and_tg(rates, settings, chance, starts=starts),
        *cold(rates[1], settings, chance, starts=starts),
        *sweep(rates[1], settings | {"kind": "sweep", "users": [1, 2, 4, 8]}, chance, starts=starts),
        *three_clocks(rates, settings, chance, starts=starts),
    ]
    return found.model_copy(
        update={"accelerator": accelerator, "measurements": measured, "checks": checks(), "size_budget": 260 * MIB}
    )


def unmeasured(accelerator: str, *, toolkit: str, arch: str, archs: list[str], platform: str, seed: int) -> CellReport:
    """Built and proved; this machine has no card to run it."""
    name = "-".join(["llama-server", toolkit, arch.replace("_", ""), platform.removeprefix("linux/")])
    found = passed_cell(name, flag_set="default", seed=seed, decode=1)
    message = f"libggml-cuda.so holds {', '.join(archs)} in each of its 184 parts, and nothing else (118.4 MiB)"
    image = found.image
    assert image
    image = image.model_copy(update={"bytes_unpacked": (180 + 90 * len(archs)) * MIB})
    return found.model_copy(
        update={
            "accelerator": accelerator,
            "toolkit": toolkit,
            "arch": arch,
            "archs": archs,
            "ptx": "sm_120" if arch == "rtx" else None,
            "driver_floor": "575.57.08",
            "driver_floor_minor": "525",
            "size_budget": 500 * MIB,
            "platform": platform,
            "image": image,
            "measurements": [],
            "checks": [*checks(), Check(name="native-code", verdict=Verdict.PASSED, message=message)],
            "tests": [
                test.model_copy(update={"verdict": Verdict.SKIPPED, "message": "no NVIDIA card is on this machine"})
                if test.probe != "smoke"
                else test
                for test in found.tests
            ],
        }
    )


def with_its_promises(found: CellReport, archs: list[str]) -> CellReport:
    floors = {"driver_floor": "550.54.15", "driver_floor_minor": "525"}
    return found.model_copy(update={"archs": archs, "flag_set": "fa-all-quants", **floors})


def no_base(arch: str) -> CellReport:
    return CellReport(
        name=f"llama-server-rocm7.2-{arch}-amd64",
        recipe="llama-server",
        accelerator="rocm",
        toolkit="rocm7.2",
        arch=arch,
        archs=[arch],
        flag_set="default",
        platform="linux/amd64",
        verdict=Verdict.ERRORED,
        reason=NO_BASE,
    )


def missing_base() -> Supplied:
    place = "docker.io/rocm/dev-ubuntu-24.04:7.2.1-complete"
    attempt = Attempt(place=f"registry {place}", ok=False, message="the registry cannot be reached: no such host")
    return Supplied(kind="base", name="rocm-7.2", attempts=[attempt], identity="", locked=False)


def exclusions() -> list[ExcludedRecord]:
    flags = [
        ExcludedRecord(
            name=f"llama-server-{toolkit}-{arch}-blas-amd64",
            reason="the flag set blas is for cpu, not for cuda",
            rule="flag-set-accelerator",
            nearest=f"llama-server-{toolkit}-{arch}-amd64",
        )
        for toolkit in ("cuda12.4", "cuda12.9", "cuda13.0")
        for arch in ("sm86", "sm89", "sm90", "rtx")
    ]
    return [*sample_exclusions(), *flags]


def checks() -> list[Check]:
    said = {
        "linkage": "all libraries, versions and symbols of 18 ELF files are there",
        "plugins": "8 plugins as promised",
        "symlinks": "10 symlinks in /app lead to files",
        "instructions": "18 ELF files keep to their CPU levels; plugins are scored with baseline code",
        "user": "65532:65532, and the product is read-only for it",
        "labels": "9 labels as promised",
        "port": "8080/tcp is exposed",
        "healthcheck": "/app/healthcheck",
        "entrypoint": "/app/llama-server",
        "privileges": "no file has setuid, setgid or capabilities",
        "secrets": "none in 6 layers and the configuration",
        "size": "101.9 MiB unpacked of 260.0 MiB, 40.2 MiB as stored",
    }
    passed = [Check(name=name, verdict=Verdict.PASSED, message=message) for name, message in said.items()]
    return [*passed, Check(name="ptx", verdict=Verdict.SKIPPED, message="only CUDA has PTX")]


# ---------------------------------------------------------------------------------------- measurements


def pp_and_tg(
    rates: tuple[float, float], settings: dict[str, Any], chance: random.Random, *, starts: int
) -> list[Measurement]:
    pp = noisy(rates[0], chance, starts=starts)
    tg = noisy(rates[1], chance, starts=starts)
    tg[7] = tg[7].model_copy(
        update={"value": rates[1] / 9, "verdict": Verdict.VOID, "reason": BUSY.format(share=chance.randint(20, 95))}
    )
    ttft = [sample.model_copy(update={"value": 512 / sample.value + 0.004}) for sample in pp]
    return [
        measured("pp512", "prompt_rate", "tokens/s", pp, settings),
        measured("pp512", "ttft", "seconds", ttft, settings),
        measured("tg128", "decode_rate", "tokens/s", tg, settings),
    ]


def cold(decode: float, settings: dict[str, Any], chance: random.Random, *, starts: int) -> list[Measurement]:
    moments = {
        "create": 0.045,
        "port_open": 0.31,
        "time_to_healthy": 0.62,
        "first_token": 0.62 + 20 / decode,
        "steady": 0.8 + 128 / decode,
    }
    found = [
        measured("start", metric, "seconds", noisy(moment, chance, starts=starts, repetitions=1), settings)
        for metric, moment in moments.items()
    ]
    memory = noisy(211e6, chance, starts=starts, repetitions=1)
    return [*found, measured("start", "memory", "bytes", memory, settings)]


def sweep(decode: float, settings: dict[str, Any], chance: random.Random, *, starts: int) -> list[Measurement]:
    found = []
    for users in (1, 2, 4, 8):
        system = decode * users / (1 + 0.35 * (users - 1))
        times = {
            "ttft": 0.09 * users,
            "ttft_p90": 0.12 * users**1.2,
            "itl": users / system,
            "itl_p90": 1.3 * users / system,
        }
        name = f"sweep-{users}u"
        found.append(measured(name, "system_rate", "tokens/s", noisy(system, chance, starts=starts), settings))
        found += [
            measured(name, metric, "seconds", noisy(time, chance, starts=starts), settings)
            for metric, time in times.items()
        ]
    return found


def three_clocks(
    rates: tuple[float, float], settings: dict[str, Any], chance: random.Random, *, starts: int
) -> list[Measurement]:
    asked = (
        ("tg128", "client_to_server", rates[1], 0.998, 0.01),
        ("tg128", "server_to_llama_bench", rates[1], 1.012, 0.03),
        ("pp512", "server_to_llama_bench", rates[0], 0.979, 0.05),
    )
    found = []
    for workload, metric, rate, ratio, gate in asked:
        ratios = noisy(ratio, chance, starts=starts, repetitions=1, noise=0.001)
        samples = [
            sample.model_copy(update={"raw": {"first": rate * sample.value, "second": rate}}) for sample in ratios
        ]
        found.append(measured(workload, metric, "ratio", samples, settings | {"gate": gate}))
    return found


def noisy(
    typical: float, chance: random.Random, *, starts: int = 3, repetitions: int = 5, noise: float = 0.008
) -> list[Sample]:
    effects = [chance.gauss(0, noise * 1.3) for _ in range(starts)]
    return [
        Sample(start=start, repetition=number, value=typical * (1 + effects[start] + chance.gauss(0, noise)))
        for start in range(starts)
        for number in range(repetitions)
    ]


def measured(workload: str, metric: str, unit: str, samples: list[Sample], settings: dict[str, Any]) -> Measurement:
    said = {"workload": workload, "metric": metric, "unit": unit, "samples": samples, "settings": settings}
    return Measurement.model_validate(said)


# ---------------------------------------------------------------------------------------- what it is compared with


def world_with_comparison() -> RunComparison:
    """A regression with a change point in its history, what did not change, and what cannot be compared."""
    chance = random.Random(7)
    decode = [156 * chance.gauss(1, 0.006) for _ in range(22)] + [166 * chance.gauss(1, 0.006) for _ in range(18)]
    prompt = [492 * chance.gauss(1, 0.008) for _ in range(40)]
    pairs = [
        pair(
            "llama-server-cpu-amd64",
            "tg128",
            "decode_rate",
            [156 * chance.gauss(1, 0.006) for _ in range(7)],
            decode[-8:],
        ),
        pair(
            "llama-server-cpu-amd64",
            "pp512",
            "prompt_rate",
            [492 * chance.gauss(1, 0.008) for _ in range(7)],
            prompt[-8:],
        ),
        pair("llama-server-vulkan-amd64", "tg128", "decode_rate", [22.9, 23.0, 22.8], []),
    ]
    judged = judge(pairs, ChangeGates())
    histories = (history(decode), history(prompt), Baseline(missing="the history has no earlier run of it"))
    return RunComparison(
        baseline="the history",
        compared=[Compared(judged=one, baseline=each) for one, each in zip(judged, histories, strict=True)],
    )


def pair(cell: str, workload: str, metric: str, ours: list[float], theirs: list[float]) -> Pair:
    missing = "" if theirs else "the history has no earlier run of it"
    sides = [Side(starts=tuple((value,) for value in values)) for values in (ours, theirs)]
    return Pair(
        cell=cell,
        workload=workload,
        metric=metric,  # type: ignore[arg-type]
        candidate=sides[0],
        baseline=sides[1],
        mad=0.004,
        missing=missing,
    )


def history(values: list[float]) -> Baseline:
    runs = tuple(
        Earlier(
            run=Run(name=f"run-{number}", time=STARTED - timedelta(days=len(values) - number), image="", revision=""),
            side=Side(starts=((value,),)),
            middle=value,
        )
        for number, value in enumerate(values)
    )
    return Baseline(runs=runs[-8:], history=runs, levels=tuple(segments(values)))
