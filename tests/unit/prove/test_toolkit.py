"""What a toolkit leaves behind, and libraries that nothing needs."""

from __future__ import annotations

from pathlib import Path

import pytest

from bakehouse.model.enums import Verdict
from bakehouse.prove.instructions import check_instructions
from bakehouse.prove.toolkit import check_toolkit_leftovers
from tests.unit.prove.builders import PROMISE, bake, file, promise, symlink
from tests.unit.prove.cards import CUDA_PROMISE, bake_cuda, promise_cuda
from tests.unit.prove.elves import AVX2, elf

BIG = bytes(2048)


@pytest.mark.parametrize(
    ("path", "kind"),
    [
        ("/usr/local/cuda/bin/nvcc", "of CUDA's compiler or tools"),
        ("/usr/local/cuda/nvvm/bin/cicc", "of CUDA's compiler or tools"),
        ("/opt/rocm/llvm/bin/clang-21", "of ROCm's compiler or tools"),
        ("/opt/intel/oneapi/compiler/2025.3/bin/icpx", "of oneAPI's compiler or tools"),
        ("/usr/bin/x86_64-linux-gnu-gcc-14", "a host compiler or build tool"),
        ("/usr/libexec/gcc/x86_64-linux-gnu/14/cc1plus", "a host compiler or build tool"),
        ("/usr/bin/cmake", "a host compiler or build tool"),
        ("/usr/bin/ld.bfd", "a host compiler or build tool"),
        ("/usr/bin/glslc", "a shader compiler"),
        ("/usr/lib/x86_64-linux-gnu/libc.a", "a static library"),
        ("/usr/local/cuda/nvvm/libdevice/libdevice.10.bc", "code that only a compiler reads"),
        ("/usr/local/cuda/lib64/libcudnn_ops.so.9", "a developers' library that nothing links to"),
        ("/usr/local/cuda/lib64/libcupti.so.12", "a developers' library that nothing links to"),
    ],
)
def test_a_toolkits_parts_are_named(tmp_path: Path, path: str, kind: str) -> None:
    image = bake(tmp_path, add=[file(path, BIG, mode=0o755)])
    check = check_toolkit_leftovers(image, PROMISE)
    assert (check.verdict, check.message) == (Verdict.FAILED, f"{path} is {kind} (2.0 KiB)")
    assert check_toolkit_leftovers(image, promise(allowed_leftovers=(path,))).verdict is Verdict.PASSED


@pytest.mark.parametrize(
    "item",
    [
        file("/usr/share/doc/gcc", b"about gcc"),
        file("/usr/share/bash-completion/completions/gcc", b"x", mode=0o755),
        file("/usr/bin/gcc-notes.txt", b"x", mode=0o755),
        file("/usr/bin/make-me-a-sandwich", b"x", mode=0o755),
        file("/usr/include/empty.h"),
        symlink("/usr/bin/cc", "/etc/alternatives/cc"),
    ],
)
def test_what_only_sounds_like_a_toolkit_is_none(tmp_path: Path, item: tuple[object, bytes]) -> None:
    check = check_toolkit_leftovers(bake(tmp_path, add=[item]), PROMISE)  # type: ignore[list-item]
    assert check.verdict is Verdict.PASSED


def test_headers_are_counted_once(tmp_path: Path) -> None:
    headers = [file(f"/usr/local/cuda/include/{name}", BIG) for name in ("cuda.h", "hip/hip_runtime.h", "x.cuh")]
    check = check_toolkit_leftovers(bake(tmp_path, add=headers), PROMISE)
    assert check.message == "3 header files (6.0 KiB), for example /usr/local/cuda/include/cuda.h"


def test_a_copied_library_that_nothing_needs_is_waste(tmp_path: Path) -> None:
    waste = file("/app/libcufft.so.11", elf(soname="libcufft.so.11"))
    image = bake_cuda(tmp_path, add=[waste])

    check = check_toolkit_leftovers(image, CUDA_PROMISE)
    assert check.verdict is Verdict.FAILED
    assert check.message == (
        "/app/libcufft.so.11 is needed by nothing (4.6 KiB): leave it out, or name it in the backend's "
        "runtime_files or loads if it is loaded by name"
    )
    named = promise_cuda(loaded_by_name=("/app/libcufft.so.*",))
    assert check_toolkit_leftovers(image, named).verdict is Verdict.PASSED


def test_a_library_of_a_library_is_needed(tmp_path: Path) -> None:
    chain = [
        file("/app/libnamed.so", elf(needed=("libdeep.so.1",), runpath="$ORIGIN")),
        file("/app/libdeep.so.1", elf(soname="libdeep.so.1")),
    ]
    check = check_toolkit_leftovers(bake_cuda(tmp_path, add=chain), promise_cuda(loaded_by_name=("/app/libnamed.so",)))
    assert check.verdict is Verdict.PASSED
    assert check.message == "no compiler, header or static library; 3 copied libraries (13.8 KiB), all needed"
    assert check.details[0] == "copied: /app/libcudart.so.12, 4.6 KiB"


SITE = "/app/env/lib/python3.13/site-packages"


@pytest.mark.parametrize(
    ("library", "named", "is_waste"),
    [
        ("libcublas.so.13", (), False),  # a provider links to it
        ("libcufft.so.12", (), True),
        ("libcufft.so.12", (f"{SITE}/nvidia/cu13/lib/libcufft.so.*",), False),
    ],
)
def test_of_wheels_only_the_vendors_libraries_are_waste(
    tmp_path: Path, library: str, named: tuple[str, ...], *, is_waste: bool
) -> None:
    folder = f"{SITE}/nvidia/cu13/lib"
    image = bake_cuda(
        tmp_path,
        add=[
            file(f"{SITE}/numpy/_umath.cpython-313-x86_64-linux-gnu.so", elf()),
            file(f"{SITE}/capi/libprovider.so", elf(needed=("libcublas.so.13",), runpath=folder)),
            file(f"{folder}/{library}", elf(soname=library)),
        ],
    )
    expected = promise_cuda(loaded_by_name=named, vendor_libraries=(f"{SITE}/nvidia/*",), foreign=("/app/env/*",))
    check = check_toolkit_leftovers(image, expected)
    assert (check.verdict is Verdict.FAILED) == is_waste
    assert (f"{folder}/{library} is needed by nothing" in check.message) == is_waste


def test_in_a_published_image_nothing_was_copied_by_us(tmp_path: Path) -> None:
    image = bake_cuda(tmp_path, add=[file("/app/libcufft.so.11", elf(soname="libcufft.so.11"))])
    assert check_toolkit_leftovers(image, promise_cuda(starts_published=True)).verdict is Verdict.PASSED


def test_what_a_base_brings_is_told_and_not_judged(tmp_path: Path) -> None:
    check = check_toolkit_leftovers(
        bake_cuda(tmp_path, add=[file("/usr/local/cuda-12.4/lib64/libnpp.so.12", BIG)]), CUDA_PROMISE
    )
    assert check.verdict is Verdict.PASSED
    assert check.details[1:] == [
        "the base brings 1 libraries that nothing links to (2.0 KiB), above all /usr/local/cuda-12.4/lib64/libnpp.so.12"
    ]


def test_copied_libraries_may_use_what_they_ask_the_cpu_for(tmp_path: Path) -> None:
    """cuBLAS has AVX code and chooses by itself. In an image without a backend nothing is copied: all is judged."""
    image = bake_cuda(tmp_path, add=[file("/app/libcublas.so.12", elf(soname="libcublas.so.12", code=AVX2))])
    check = check_instructions(image, CUDA_PROMISE)
    assert check.verdict is Verdict.PASSED
    assert "/app/libcublas.so.12: not judged, it was copied as it is" in check.details
    assert check_instructions(image, PROMISE).verdict is Verdict.FAILED
