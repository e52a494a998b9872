"""The lies that an image can tell about its device code, each with what is said about it."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from bakehouse.model.enums import AcceleratorName, Verdict
from bakehouse.prove.image.at_rest import ImageAtRest
from bakehouse.prove.native_code import check_native_code, check_ptx
from tests.unit.prove.builders import PROMISE, bake, file
from tests.unit.prove.cards import (
    CUDA_PROMISE,
    ROCM_PROMISE,
    SPIRV,
    VULKAN_PROMISE,
    bake_cuda,
    bundle,
    fatbin,
    plugin,
    promise_cuda,
)


def test_the_promised_archs_and_no_others_pass(tmp_path: Path) -> None:
    image = bake_cuda(tmp_path, "cuda13-sm_86-sm_120a-sm_121a", "cuda13-sm_86-sm_120a-sm_121a")
    check = check_native_code(image, promise_cuda(codes=("sm_86", "sm_120a", "sm_121a")))

    assert check.verdict is Verdict.PASSED
    assert check.message == (
        "libggml-cuda.so holds sm_86, sm_120a, sm_121a in each of its 2 parts, and nothing else (5.9 KiB)"
    )
    assert check.details == [
        "libggml-cuda.so: sm_120a, 2.2 KiB",
        "libggml-cuda.so: sm_121a, 2.2 KiB",
        "libggml-cuda.so: sm_86, 1.5 KiB",
    ]


@pytest.mark.parametrize("name", ["cuda12-sm_86", "cuda12-sm_86-lz4", "cuda13-sm_86", "cuda13-sm_86-zstd"])
def test_compressed_code_counts_like_any_other(tmp_path: Path, name: str) -> None:
    assert check_native_code(bake_cuda(tmp_path, name), CUDA_PROMISE).verdict is Verdict.PASSED


@pytest.mark.parametrize(
    ("names", "codes", "said"),
    [
        pytest.param(
            ["cuda13-sm_86"],
            ["sm_120a"],
            [
                "libggml-cuda.so has no native code for sm_120a, which is promised; it holds sm_86",
                "libggml-cuda.so holds native code for sm_86, which was not promised (2.9 KiB)",
            ],
            id="labelled sm_120, holds sm_86",
        ),
        pytest.param(
            ["cuda13-sm_86"],
            ["sm_86", "sm_120a"],
            ["libggml-cuda.so has no native code for sm_120a, which is promised; it holds sm_86"],
            id="one of two is missing",
        ),
        pytest.param(
            ["cuda13-sm_86-sm_120a"],
            ["sm_86"],
            ["libggml-cuda.so holds native code for sm_120a, which was not promised (1.1 KiB)"],
            id="one too many",
        ),
        pytest.param(
            ["cuda13-sm_86-sm_120a", "cuda13-sm_86", "cuda13-sm_86"],
            ["sm_86", "sm_120a"],
            ["libggml-cuda.so has native code for sm_120a in only 1 of its 3 parts"],
            id="missing in some source files",
        ),
        pytest.param(
            ["cuda13-sm_120"],
            ["sm_120a"],
            [
                "libggml-cuda.so has no native code for sm_120a, which is promised; it holds sm_120",
                "libggml-cuda.so holds native code for sm_120, which was not promised (1.1 KiB)",
            ],
            id="sm_120 is not sm_120a",
        ),
        pytest.param(
            ["cuda13-ptx_90"],
            ["sm_90"],
            ["libggml-cuda.so has no native code for sm_90, which is promised; it holds none"],
            id="PTX is not native code",
        ),
    ],
)
def test_a_lie_about_archs_is_named(tmp_path: Path, names: list[str], codes: list[str], said: list[str]) -> None:
    check = check_native_code(bake_cuda(tmp_path, *names), promise_cuda(codes=tuple(codes)))

    assert check.verdict is Verdict.FAILED
    assert [check.message.removesuffix(" (and 1 more)"), *check.details[1 : len(said)]] == said


def test_a_vendors_library_may_add_code_with_an_archs_own_instructions(tmp_path: Path) -> None:
    """Torch has `sm_120a` beside sm_120. For what is compiled here that would be another arch."""
    image = bake_cuda(tmp_path, "cuda13-sm_120", "cuda13-sm_86-sm_120a")
    ours = promise_cuda(codes=("sm_86", "sm_120"))
    theirs = replace(ours, foreign=("*",))

    check = check_native_code(image, theirs)
    assert check.verdict is Verdict.PASSED
    assert any("sm_86 in 1 of 2 parts" in line for line in check.details), "how much of it holds each code is told"
    assert check_native_code(image, ours).verdict is Verdict.FAILED
    assert check_native_code(image, replace(theirs, codes=("sm_86",))).verdict is Verdict.FAILED


def test_a_vendors_library_for_xpu_may_have_its_kernels_as_text(tmp_path: Path) -> None:
    """OpenVINO's GPU plugin, which gives them to Intel's compiler. What is compiled here is SYCL, as SPIR-V."""
    image = bake(tmp_path, add=[plugin("vulkan", {".rodata": b"\0__kernel void add(__global float *to) {"})])
    ours = replace(VULKAN_PROMISE, accelerator=AcceleratorName.XPU)
    theirs = replace(ours, foreign=("*",))

    assert check_native_code(image, theirs).verdict is Verdict.PASSED
    assert "holds no SPIR-V module" in check_native_code(image, ours).message
    vulkan = replace(VULKAN_PROMISE, foreign=("*",))
    assert check_native_code(image, vulkan).verdict is Verdict.FAILED, "which has no compiler for OpenCL C"


def test_a_plugin_without_any_device_code_is_named(tmp_path: Path) -> None:
    image = bake_cuda(tmp_path, add=[plugin("cuda", {".rodata": b"nothing"})])
    check = check_native_code(image, CUDA_PROMISE)
    assert check.message == "libggml-cuda.so holds no code for a GPU at all"


def test_a_plugin_that_is_not_there_hides_nothing(tmp_path: Path) -> None:
    image = bake_cuda(tmp_path, without=["/app/libggml-cuda.so"], add=[file("/app/libggml-cuda.so", b"\x7fELF broken")])
    for check in (check_native_code(image, CUDA_PROMISE), check_ptx(image, CUDA_PROMISE)):
        assert (check.verdict, check.message) == (
            Verdict.FAILED,
            "libggml-cuda.so is not in /app, or is no whole ELF file",
        )


def test_nothing_promised_is_not_kept_by_anything(tmp_path: Path) -> None:
    nobody = check_native_code(bake_cuda(tmp_path), promise_cuda(backend_plugins=()))
    assert nobody.message == "no plugin is promised to hold code for cuda"
    nothing = check_native_code(bake_cuda(tmp_path), promise_cuda(codes=()))
    assert nothing.message.startswith("no arch is promised, and a plugin for cuda runs on none without")


def test_a_container_that_is_cut_off_fails_in_words(tmp_path: Path) -> None:
    image = bake_cuda(tmp_path, add=[plugin("cuda", {".nv_fatbin": fatbin("cuda13-sm_86")[:500]})])
    said = ".nv_fatbin+0x0: a container of 3048 bytes is cut off after 484"

    check = check_native_code(image, CUDA_PROMISE)
    assert (check.verdict, check.message) == (Verdict.FAILED, f"libggml-cuda.so is damaged: {said}")
    check = check_ptx(image, CUDA_PROMISE)
    assert (check.verdict, check.message) == (Verdict.FAILED, said)


def test_a_form_from_the_future_is_errored_and_never_passed(tmp_path: Path) -> None:
    content = bytearray(fatbin("cuda13-sm_86"))
    content[4] = 9
    image = bake_cuda(tmp_path, add=[plugin("cuda", {".nv_fatbin": bytes(content)})])

    check = check_native_code(image, CUDA_PROMISE)
    assert check.verdict is Verdict.ERRORED
    assert check.message == (
        "libggml-cuda.so: .nv_fatbin+0x0: containers of version 9 are not known; "
        "this bakehouse is older than the toolkit: update it, or look with the vendor's own tool"
    )
    assert check_ptx(image, CUDA_PROMISE).verdict is Verdict.ERRORED


def test_no_ptx_is_a_promise_too(tmp_path: Path) -> None:
    passed = check_ptx(bake_cuda(tmp_path), CUDA_PROMISE)
    assert (passed.verdict, passed.message) == (
        Verdict.PASSED,
        "none, as promised: a card without native code is refused at once, and none compiles at its first start",
    )
    failed = check_ptx(bake_cuda(tmp_path, "cuda12-sm_86-ptx_86"), CUDA_PROMISE)
    assert (failed.verdict, failed.message) == (
        Verdict.FAILED,
        (
            "libggml-cuda.so holds PTX of sm_86, which was not promised: a card without native code compiles it for "
            "minutes at its first start and needs a driver from 550.54.14 on, instead of being refused; "
            "ask the compiler for `-real` archs only"
        ),
    )


def test_promised_ptx_is_there_in_each_part(tmp_path: Path) -> None:
    promised = promise_cuda(ptx="sm_90")

    passed = check_ptx(bake_cuda(tmp_path, "cuda13-sm_86-ptx_90"), promised)
    assert (passed.verdict, passed.message) == (
        Verdict.PASSED,
        (
            "PTX of sm_90 as promised: cards newer than the native code compile it at their first start, "
            "with a full-feature driver from 550.54.14 on"
        ),
    )
    about = "PTX of sm_90 is promised for cards newer than libggml-cuda.so's native code, and"
    assert check_ptx(bake_cuda(tmp_path), promised).message == f"{about} missing"
    some = bake_cuda(tmp_path, "cuda13-sm_86-ptx_90", "cuda13-sm_86")
    assert check_ptx(some, promised).message == f"{about} is in only 1 of its 2 parts"
    other = check_ptx(bake_cuda(tmp_path, "cuda12-sm_86-ptx_86"), promised)
    assert other.message == f"{about} missing (and 1 more)"


def hip(tmp_path: Path, content: bytes) -> ImageAtRest:
    return bake(tmp_path, add=[plugin("hip", {".hip_fatbin": content})])


@pytest.mark.parametrize("name", ["gfx1100", "gfx1100-zstd"])
def test_amds_code_is_found(tmp_path: Path, name: str) -> None:
    check = check_native_code(hip(tmp_path, bundle(name)), ROCM_PROMISE)
    assert (check.verdict, check.message) == (
        Verdict.PASSED,
        "libggml-hip.so holds gfx1100 in each of its 1 parts, and nothing else (3.6 KiB)",
    )
    assert check_ptx(hip(tmp_path, b""), ROCM_PROMISE).message == "only CUDA has PTX"


@pytest.mark.parametrize(
    ("name", "codes", "said"),
    [
        ("gfx1100", ("gfx1201",), "has no native code for gfx1201, which is promised; it holds gfx1100 (and 1 more)"),
        ("gfx1100-gfx942-zstd", ("gfx1100",), "holds native code for gfx942, which was not promised (4.1 KiB)"),
        (
            "gfx90a-xnack-off-zstd",
            ("gfx90a",),
            "has no native code for gfx90a, which is promised; it holds gfx90a:xnack- (and 1 more)",
        ),
    ],
)
def test_a_lie_about_amds_archs_is_named(tmp_path: Path, name: str, codes: tuple[str, ...], said: str) -> None:
    check = check_native_code(hip(tmp_path, bundle(name)), replace(ROCM_PROMISE, codes=codes))
    assert (check.verdict, check.message) == (Verdict.FAILED, f"libggml-hip.so {said}")


def test_a_bundle_that_is_cut_off_fails_in_words(tmp_path: Path) -> None:
    check = check_native_code(hip(tmp_path, bundle("gfx1100-zstd")[:700]), ROCM_PROMISE)
    assert (check.verdict, check.message) == (
        Verdict.FAILED,
        "libggml-hip.so is damaged: .hip_fatbin+0x0: a compressed bundle of 1179 bytes is cut off after 700",
    )


def test_vulkan_needs_modules_that_a_driver_can_compile(tmp_path: Path) -> None:
    good = bake(tmp_path, add=[plugin("vulkan", {".rodata": b"\0" * 8 + SPIRV * 3})])
    check = check_native_code(good, VULKAN_PROMISE)
    assert (check.verdict, check.message) == (
        Verdict.PASSED,
        "libggml-vulkan.so holds 3 SPIR-V modules (3 of version 1.5), which the driver compiles",
    )
    empty = bake(tmp_path, add=[plugin("vulkan", {".rodata": b"shaders were left out"})])
    check = check_native_code(empty, VULKAN_PROMISE)
    assert (check.verdict, check.message) == (
        Verdict.FAILED,
        "libggml-vulkan.so holds no SPIR-V module, so no driver can compile it for any card",
    )


def test_native_code_for_sycl_cannot_be_read_and_does_not_pass(tmp_path: Path) -> None:
    promised = replace(VULKAN_PROMISE, accelerator=AcceleratorName.XPU, codes=("bmg-g21",))
    check = check_native_code(bake(tmp_path, add=[plugin("vulkan", {".rodata": SPIRV})]), promised)
    assert check.verdict is Verdict.ERRORED
    assert check.message.startswith("native code for bmg-g21 is in a form that is not known")


def test_only_a_cpu_image_is_skipped(tmp_path: Path) -> None:
    assert check_native_code(bake(tmp_path), PROMISE).verdict is Verdict.SKIPPED
