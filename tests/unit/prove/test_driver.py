from __future__ import annotations

from pathlib import Path

import pytest

from bakehouse.model.enums import Verdict
from bakehouse.prove.driver import check_driver_floor, of_driver
from tests.unit.prove.builders import GOOD_CONFIG, bake, file, symlink
from tests.unit.prove.cards import CUDA_PROMISE, FLOORS, ROCM_PROMISE, bake_cuda, promise_cuda
from tests.unit.prove.elves import elf


def test_the_floor_and_what_the_driver_brings_are_told(tmp_path: Path) -> None:
    check = check_driver_floor(bake_cuda(tmp_path), CUDA_PROMISE)
    assert (check.verdict, check.message) == (
        Verdict.PASSED,
        "driver 550.54.14 (native code from 525.60.13 on), which brings libcuda.so.1",
    )


@pytest.mark.parametrize(
    ("labels", "said"),
    [
        ({}, "label io.bakehouse.driver-floor is missing; cuda 12.4 needs a driver from 550.54.14 on (and 1 more)"),
        (
            FLOORS | {"io.bakehouse.driver-floor": "525.60.13"},
            "label io.bakehouse.driver-floor says '525.60.13', but cuda 12.4 needs 550.54.14",
        ),
        (
            {"io.bakehouse.driver-floor": "550.54.14"},
            "label io.bakehouse.driver-floor-minor is missing; cuda 12.4 needs a driver from 525.60.13 on",
        ),
    ],
)
def test_a_label_that_is_missing_or_wrong_is_named(tmp_path: Path, labels: dict[str, str], said: str) -> None:
    image = bake_cuda(tmp_path, config={"Labels": GOOD_CONFIG["Labels"] | labels})
    check = check_driver_floor(image, CUDA_PROMISE)
    assert (check.verdict, check.message) == (Verdict.FAILED, said)


def test_a_floor_that_nobody_knows_is_no_promise(tmp_path: Path) -> None:
    check = check_driver_floor(bake_cuda(tmp_path), promise_cuda(driver_floor=None, driver_floor_minor=None))
    assert check.message.startswith("cuda 12.4 has no driver_floor in matrix.yaml, so it is unknown which driver runs")
    assert "label io.bakehouse.driver-floor says '550.54.14', which matrix.yaml does not" in check.details


@pytest.mark.parametrize(
    ("item", "why"),
    [
        (
            file("/usr/local/cuda/lib64/stubs/libcuda.so.1", elf()),
            "a stub to link against, which would hide the host's driver and fail every call",
        ),
        (
            file("/usr/local/cuda/compat/libcuda.so.1", elf()),
            "a forward-compatibility copy, which fails on GeForce cards (error 804) and leaves the server on the CPU",
        ),
        (
            file("/app/libcuda.so.1", elf()),
            "a part of a driver, which does not fit the host's kernel module",
        ),
        (
            symlink("/usr/lib/x86_64-linux-gnu/libcuda.so.1", "/somewhere"),
            "a part of a driver, which does not fit the host's kernel module",
        ),
        (
            file("/usr/lib/libnvidia-ptxjitcompiler.so.550.54.14", elf()),
            "a part of a driver, which does not fit the host's kernel module",
        ),
    ],
)
def test_nothing_may_hide_the_hosts_driver(tmp_path: Path, item: tuple[object, bytes], why: str) -> None:
    check = check_driver_floor(bake_cuda(tmp_path, add=[item]), CUDA_PROMISE)  # type: ignore[list-item]
    path = f"/{item[0].name}"  # type: ignore[attr-defined]
    assert (check.verdict, check.message) == (
        Verdict.FAILED,
        f"{path} is {why}: leave it out, the host's driver brings its own",
    )


def test_an_image_that_brings_its_own_driver_is_skipped(tmp_path: Path) -> None:
    assert check_driver_floor(bake(tmp_path), ROCM_PROMISE).verdict is Verdict.SKIPPED


def test_the_drivers_symbols_are_known_by_name() -> None:
    assert of_driver("cuMemCreate", "libcuda.so.1")
    assert not of_driver("cudaMalloc", "libcuda.so.1")
    assert not of_driver("cublasCreate_v2", "libcuda.so.1")
    assert not of_driver("anything", "libother.so")


@pytest.mark.parametrize(
    ("name", "minor", "verdict", "said"),
    [
        ("cuda12-sm_86", "525.60.13", Verdict.PASSED, "which brings libcuda.so.1"),
        ("cuda12-sm_86-lz4", "525.60.13", Verdict.PASSED, "device code is compressed with LZ4"),
        ("cuda13-sm_86-zstd", "525.60.13", Verdict.FAILED, "and 525.60.13 is promised: build it with"),
        ("cuda13-sm_86-zstd", "550.54.13", Verdict.FAILED, "compressed with Zstandard, which drivers read from"),
        ("cuda13-sm_86-zstd", "550.54.14", Verdict.PASSED, "device code is compressed with Zstandard"),
        ("cuda13-sm_86-zstd", "580", Verdict.PASSED, "device code is compressed with Zstandard"),
        ("cuda13-sm_86", "525", Verdict.PASSED, "which brings libcuda.so.1"),
    ],
)
def test_code_that_the_oldest_promised_driver_cannot_unpack(
    tmp_path: Path, name: str, minor: str, verdict: Verdict, said: str
) -> None:
    labels = {"io.bakehouse.driver-floor": "610", "io.bakehouse.driver-floor-minor": minor}
    image = bake_cuda(tmp_path, name, config={"Labels": GOOD_CONFIG["Labels"] | labels})
    check = check_driver_floor(image, promise_cuda(driver_floor="610", driver_floor_minor=minor))
    assert check.verdict is verdict, check
    assert said in check.message
    assert check.message.endswith("libcuda.so.1") or "compressed" in check.message
