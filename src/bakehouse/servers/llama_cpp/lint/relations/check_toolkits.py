"""Toolkits against each other and against the compilers beside them."""

from __future__ import annotations

import fnmatch
import re
from collections.abc import Iterator

from bakehouse.lint.finding import Finding, Severity, finding
from bakehouse.lint.relations.versions import is_older
from bakehouse.lint.relations.view import Build, View, base_word, cuda_version
from bakehouse.lint.settings import Word
from bakehouse.lint.stages.components import load_components
from bakehouse.lint.stages.stage import StageModel
from bakehouse.model.matrix import Matrix
from bakehouse.servers.llama_cpp.lint.relations.compilers import load_compilers

_HOST_COMPILER = re.compile(r"(?:gcc|g\+\+|c\+\+)-(?P<version>[0-9]+)")
_OTHER_ARCHIVE = re.compile(r"add-apt-repository|sources\.list|\.sources\b|keyring|apt-key|ppa:|\.gpg|\.asc|backports")


def check_toolkits(view: View) -> Iterator[Finding]:
    for build in view.builds:
        yield from _check_host_compiler(build)
        yield from _check_cmake(build, view.matrix)
        yield from _check_sycl(build)
        yield from _check_toolkit(build)
    for build in view.builds_elsewhere:
        yield from _check_versions(build, view)
    for stage in view.sources:
        yield from _check_absent(stage)


# ---------------------------------------------------------------------------------------------- in the build


def _check_host_compiler(build: Build) -> Iterator[Finding]:
    """Nvcc refuses a GCC that is newer than it knows."""
    found = cuda_version(build.stage)
    if not build.is_on("GGML_CUDA") or found is None or "allow-unsupported-compiler" in build.flags:
        return
    newest = load_compilers().newest_gcc_of(found[0])
    host = _HOST_COMPILER.search(build.value("CMAKE_CUDA_HOST_COMPILER", "CUDAHOSTCXX", "NVCC_CCBIN"))
    host = host or _HOST_COMPILER.search(" ".join(re.findall(r"-ccbin[ =]\S+", build.flags)))
    gcc = int(host["version"]) if host else _default_gcc(build, found[1])
    if newest is None or gcc is None or gcc <= newest:
        return
    word = next(
        (one for name in ("CMAKE_CUDA_HOST_COMPILER",) if name in build.options for one in [build.word(name)]), None
    )
    setting = build.stage.environment.get("CUDAHOSTCXX") or build.stage.environment.get("NVCC_CCBIN")
    if word is None and host and setting:
        word = Word(text=setting.as_variable, where=setting.where)
    yield finding(
        word or build.word("GGML_CUDA"),
        f"compiles with GCC {gcc}, which CUDA {found[0]} refuses",
        f'The newest that its nvcc takes is GCC {newest}: "unsupported GNU version".',
        f"g++-{newest} and CUDAHOSTCXX=g++-{newest}, or a newer CUDA",
        link="https://docs.nvidia.com/cuda/cuda-installation-guide-linux/#host-compiler-support-policy",
    )


def _default_gcc(build: Build, said_by: Word) -> int | None:
    """What nvcc finds as g++; Debian's nvcc finds one by itself that suits it."""
    if said_by.text.startswith("nvidia-cuda-toolkit"):
        return None
    if any(command.program in ("update-alternatives", "ln") for command in build.stage.commands):
        return None
    return build.stage.base.gcc


def _check_sycl(build: Build) -> Iterator[Finding]:
    """GCC, which CMake finds first, compiles no SYCL, and nothing of oneAPI's environment names another compiler."""
    if not build.is_on("GGML_SYCL") or build.is_python or build.stage.unseen:
        return
    if build.value("CMAKE_CXX_COMPILER", "CXX") or "CMAKE_TOOLCHAIN_FILE" in build.options or build.has_presets:
        return
    yield finding(
        build.word("GGML_SYCL"),
        "is compiled by the default compiler",
        'CMake takes g++, which knows no SYCL: "C++ compiler lacks SYCL support", or "unrecognized option -fsycl".',
        "-DCMAKE_C_COMPILER=icx -DCMAKE_CXX_COMPILER=icpx beside it",
        link="https://github.com/ggml-org/llama.cpp/blob/master/docs/backend/SYCL.md",
    )


def _check_cmake(build: Build, matrix: Matrix) -> Iterator[Finding]:
    """The CMake of a distribution, where it is too old for a backend."""
    stage = build.stage
    cmake = stage.base.facts.cmake
    if cmake is None or stage.unseen or stage.fills(_OTHER_ARCHIVE):
        return
    package = next((one for one in stage.packages.installed if one.name == "cmake"), None)
    if package is None or any(command.program.startswith("pip") for command in stage.commands):
        return
    for option, oldest in load_compilers().cmake.items():
        if build.is_on(option) and is_older(cmake, oldest):
            yield finding(
                package.word,
                f"is too old for {option}=ON",
                f"It is {cmake} in {stage.base.title}, and the backend wants {oldest}.",
                "pip install cmake, or a newer release",
            )
    archs = build.value("CMAKE_CUDA_ARCHITECTURES")
    for arch in dict.fromkeys(re.findall(r"\b[0-9]{2,3}f\b", archs)):
        row = matrix.archs.get(f"sm_{arch}")
        oldest = (row and row.first_cmake) or load_compilers().cmake_of_families
        if is_older(cmake, oldest):
            yield finding(
                package.word,
                f"is too old for {arch}",
                f"It is {cmake} in {stage.base.title}, and {oldest} is the first that knows archs of a family.",
                f"pip install cmake, or the archs one by one: {arch[:-1]}a-real",
                link="https://cmake.org/cmake/help/latest/prop_tgt/CUDA_ARCHITECTURES.html",
            )


def _check_toolkit(build: Build) -> Iterator[Finding]:
    image = build.stage.base.image
    version = build.stage.base.toolkit_version
    oldest = load_compilers().toolkit["GGML_HIP"]
    if build.is_on("GGML_HIP") and image and image.toolkit == "rocm" and version and is_older(version, oldest):
        yield finding(
            base_word(build.stage),
            f"is too old for GGML_HIP=ON (ROCm {version})",
            f'CMake stops: "At least ROCM/HIP V{oldest} is required".',
            "a newer image of rocm/dev-ubuntu",
            link="https://github.com/ggml-org/llama.cpp/blob/master/ggml/src/ggml-hip/CMakeLists.txt",
        )


# ---------------------------------------------------------------------------------------------- build and image


def _check_versions(build: Build, view: View) -> Iterator[Finding]:
    for option, toolkit, title in (("GGML_CUDA", "cuda", "CUDA"), ("GGML_HIP", "rocm", "ROCm")):
        if build.is_on(option) and not build.is_static:
            built, runs = _version(build.stage, toolkit), _version(view.image, toolkit)
            if built and runs:
                yield from _compare(built[0], runs, title)


def _version(stage: StageModel, toolkit: str) -> tuple[str, Word] | None:
    if toolkit == "cuda":
        return cuda_version(stage)
    image = stage.base.image
    if image and image.toolkit == toolkit and stage.base.toolkit_version:
        return stage.base.toolkit_version, base_word(stage)
    return None


def _compare(built: str, runs: tuple[str, Word], title: str) -> Iterator[Finding]:
    version, word = runs
    if version.split(".")[0] != built.split(".", maxsplit=1)[0]:
        yield finding(
            word,
            f"has {title} {version}, and the build {built}",
            "Libraries of another major version have other names, so that none is found: the server does not start, or "
            "uses the CPU.",
            f"{title} {built} for both",
        )
    elif is_older(".".join(version.split(".")[:2]), ".".join(built.split(".")[:2])):
        yield finding(
            word,
            f"has {title} {version}, older than the build's {built}",
            "The libraries may lack what the build asks them for.",
            f"{title} {built} for both",
            severity=Severity.WARNING,
        )


# ---------------------------------------------------------------------------------------------- packages and releases


_PROGRAMS = {"apt": ("apt",), "apk": ("apk",), "dnf": ("dnf", "microdnf", "yum", "tdnf"), "zypper": ("zypper",)}
"""How the names of a package manager's programs begin."""


def _check_absent(stage: StageModel) -> Iterator[Finding]:
    """Packages that the release of a stage does not have."""
    absent = load_compilers().absent_packages
    patterns = (
        *absent.get(f"{stage.base.distribution_name} {stage.base.release}", ()),
        *absent.get(stage.base.distribution_name or "", ()),
    )
    if not patterns or stage.fills(_OTHER_ARCHIVE):
        return
    own = {
        id(word)
        for command in stage.contents.commands
        if command.program.startswith(_PROGRAMS.get(stage.base.manager or "", ()))
        for word in command.words
    }
    for one in stage.packages.installed:
        is_file = "/" in one.word.text or one.word.text.endswith((".deb", ".rpm", ".apk"))
        if id(one.word) in own and not is_file and any(fnmatch.fnmatchcase(one.name, pattern) for pattern in patterns):
            ours = stage.base.distribution_name in ("debian", "ubuntu")
            yield finding(
                one.word,
                f"is no package of {stage.base.title}",
                "The build stops: nothing has this name there.",
                _named(one.name, stage) or "a newer release, or the archive that has it",
                link=f"https://packages.{stage.base.distribution_name}.org/{one.name}" if ours else None,
            )


def _named(package: str, stage: StageModel) -> str | None:
    """What the distribution calls it, where another one's name stands for something that is known."""
    if package.startswith(("g++-", "gcc-", "libze")):
        return None
    manager = stage.base.manager
    for component in load_components().values():
        if manager and package in " ".join(component.install.values()).split() and manager in component.install:
            return component.install[manager]
    return None
