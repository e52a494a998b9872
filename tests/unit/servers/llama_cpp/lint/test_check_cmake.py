"""Build options against what the source and CMake read."""

from __future__ import annotations

import pytest

from bakehouse.lint.finding import Finding
from bakehouse.lint.settings import Setting
from bakehouse.servers.llama_cpp.lint.check_cmake import check_backends, check_step
from tests.unit.servers.llama_cpp.lint.facts import KNOWLEDGE, OPTIONS, setting, told


def step(*options: str) -> dict[str, Setting]:
    return {one.name: one for one in (setting(text, line=line) for line, text in enumerate(options, start=1))}


def check(*options: str) -> list[Finding]:
    return list(check_step(step(*options), OPTIONS, KNOWLEDGE))


@pytest.mark.parametrize(
    "option",
    [
        "GGML_CUDA=ON",
        "GPU_TARGETS=gfx1100",
        "CMAKE_BUILD_TYPE=Release",
        "CMAKE_CUDA_FLAGS_RELEASE=-O3",
        "CMAKE_HIP_COMPILER=clang",
        "BUILD_SHARED_LIBS=ON",
        "CUDAToolkit_ROOT=/usr/local/cuda",
        "OPENSSL_ROOT_DIR=/opt/ssl",
        "OpenSSL_DIR=/opt/ssl",
        "GGML_MODE=none",
        "GGML_COPIES=2",
        "GGML_NATIVE=off",
        "CMAKE_CUDA_ARCHITECTURES=86-real;120a-real;90-virtual",
    ],
)
def test_what_is_read_is_right(option: str) -> None:
    assert check(option) == []


@pytest.mark.parametrize(
    ("option", "what"),
    [
        ("GGML_CUDA_F16=ON", "error -DGGML_CUDA_F16=ON: no longer exists since August 2025"),
        ("GGML_KUDA=ON", "error -DGGML_KUDA=ON: is not an option of this revision"),
        ("CMAKE_BUILD_TPYE=Release", "error -DCMAKE_BUILD_TPYE=Release: is not an option of this revision"),
        ("LLAMA_CUBLAS=ON", "error -DLLAMA_CUBLAS=ON: stops CMake"),
        ("LLAMA_CUDA=ON", "warning -DLLAMA_CUDA=ON: is deprecated"),
        ("GGML_NATIVE=ON", "warning -DGGML_NATIVE=ON: does harm in an image"),
        ("GGML_CUDA=Offf", "error -DGGML_CUDA=Offf: is neither ON nor OFF"),
        ("GGML_MODE=fast", "error -DGGML_MODE=fast: cannot be 'fast'"),
        ("GGML_COPIES=four", "error -DGGML_COPIES=four: must be a number"),
        ("CMAKE_CUDA_ARCHITECTURES=sm_86", "error -DCMAKE_CUDA_ARCHITECTURES=sm_86: 'sm_86' is no arch for CMake"),
        (
            "CMAKE_CUDA_ARCHITECTURES=86;120",
            "warning -DCMAKE_CUDA_ARCHITECTURES=86;120: becomes 120a, which runs on sm_120 alone",
        ),
        (
            "CMAKE_CUDA_ARCHITECTURES=native",
            "error -DCMAKE_CUDA_ARCHITECTURES=native: asks for the cards of the machine that builds",
        ),
    ],
)
def test_what_is_wrong(option: str, what: str) -> None:
    assert told(check(option)) == [what]


def test_the_nearest_name_is_offered() -> None:
    assert check("GGML_CUDA_GRAPH=ON")[0].instead == "GGML_CUDA_GRAPHS, if that is what was meant"
    assert check("CMAKE_BUILD_TPYE=Release")[0].instead == "CMAKE_BUILD_TYPE, if that is what was meant"
    assert check("SOMETHING_ELSE=1")[0].instead == "leave it out"


def test_a_fact_about_a_gone_option_is_silent_where_the_tree_has_it() -> None:
    assert check("GGML_CUDA_GRAPHS=ON") == []


def test_values_with_holes_are_not_judged() -> None:
    unknown = Setting(name="GGML_MODE", value="$MODE", where=setting("x=").where, complete=False)
    assert list(check_step({"GGML_MODE": unknown}, OPTIONS, KNOWLEDGE)) == []


def test_plugins_refuse_native_code_and_static_libraries() -> None:
    found = told(check("GGML_BACKEND_DL=ON", "GGML_NATIVE=ON", "BUILD_SHARED_LIBS=OFF"))
    assert "error -DGGML_NATIVE=ON: stops CMake" in found
    assert "error -DBUILD_SHARED_LIBS=OFF: stops CMake" in found
    assert told(check("GGML_BACKEND_DL=OFF", "BUILD_SHARED_LIBS=OFF")) == []


def test_options_of_a_backend_that_no_step_switches_on() -> None:
    option = "GGML_CUDA_FORCE_MMQ=ON"
    assert told(check_backends([step(option)], OPTIONS.cmake)) == [f"note -D{option}: has no effect here"]
    assert told(check_backends([step(option, "GGML_CUDA=OFF")], OPTIONS.cmake)) == [
        f"note -D{option}: has no effect here"
    ]
    assert told(check_backends([step(option), step(option, "GGML_CUDA=ON")], OPTIONS.cmake)) == [], "one step is enough"
    assert told(check_backends([step(option, "GGML_HIP=ON")], OPTIONS.cmake)) == [], "HIP compiles the same code"
