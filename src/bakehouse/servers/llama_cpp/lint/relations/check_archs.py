"""The archs of a configure step against the compiler of its stage, and against what the image's libraries have."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from bakehouse.lint.finding import Finding, Severity, finding
from bakehouse.lint.relations.versions import is_older, minor
from bakehouse.lint.relations.view import Build, View, base_word, cuda_version
from bakehouse.lint.settings import Setting, Word
from bakehouse.model.matrix import Matrix
from bakehouse.servers.llama_cpp.lint.relations.compilers import ArchFacts, load_compilers

AMD_OPTIONS = ("GPU_TARGETS", "AMDGPU_TARGETS", "CMAKE_HIP_ARCHITECTURES")
"""In the order in which ggml-hip takes them."""
_AMD_VARIABLES = (*AMD_OPTIONS, "HIP_ARCHITECTURES", "PYTORCH_ROCM_ARCH", "ROCM_ARCH", "GFX_ARCH", "HCC_AMDGPU_TARGET")
_NVIDIA = re.compile(r"(?P<number>[0-9]{2,3})[af]?(?:-real|-virtual)?")
_AMD = re.compile(r"(?P<name>gfx[0-9a-f]+)(?::[a-z+:-]+)?")
_DOCS = "https://github.com/ggml-org/llama.cpp/blob/master/docs/build.md#hip"


def check_archs(view: View) -> Iterator[Finding]:
    for build in view.builds:
        yield from _check_nvidia(build, view.matrix)
        yield from _check_amd(build, view.matrix)


_EXTENSIONS = re.compile(r"setup\.py|\bpip3?\b.*\binstall\b|\buv\b|\bbuild\b")


def check_extensions(view: View) -> Iterator[Finding]:
    """What extensions of PyTorch are compiled for: TORCH_CUDA_ARCH_LIST against the stage's nvcc."""
    for stage in view.stages:
        setting, found = stage.environment.get("TORCH_CUDA_ARCH_LIST"), cuda_version(stage)
        own = {id(one) for one in stage.contents.variables}
        if setting is None or found is None or id(setting) not in own or not stage.fills(_EXTENSIONS):
            continue
        numbers = [re.match(r"([0-9]+)\.([0-9])", one.strip()) for one in re.split(r"[;,\s]+", setting.value)]
        names = [f"sm_{number[1]}{number[2]}" for number in numbers if number]
        archs = {name: facts for name in names if (facts := _nvidia_facts(name, view.matrix))}
        word = Word(text=setting.as_variable, where=setting.where)
        yield from _refused(word, archs, Compiler(title="CUDA", version=found[0], said_by=found[1]))


# ---------------------------------------------------------------------------------------------- NVIDIA


def _check_nvidia(build: Build, matrix: Matrix) -> Iterator[Finding]:
    setting, found = build.options.get("CMAKE_CUDA_ARCHITECTURES"), cuda_version(build.stage)
    if setting is None or found is None:
        return
    archs = {}
    for arch in re.split(r"[;,]", setting.value):
        number = _NVIDIA.fullmatch(arch.strip())
        facts = _nvidia_facts(f"sm_{number['number']}", matrix) if number else None
        if number and facts:
            archs[f"sm_{number['number']}"] = facts
    yield from _refused(setting, archs, Compiler(title="CUDA", version=found[0], said_by=found[1]))


def _nvidia_facts(name: str, matrix: Matrix) -> ArchFacts | None:
    """The matrix's row; what the lint knows beside it comes first."""
    own, row = load_compilers().archs.get(name), matrix.archs.get(name)
    if row is None:
        return own
    facts = ArchFacts(first=row.first_toolkit, last=row.last_toolkit)
    return facts.model_copy(update=own.model_dump(exclude_none=True)) if own else facts


@dataclass(frozen=True, kw_only=True, slots=True)
class Compiler:
    title: str
    version: str
    said_by: Word

    def refuses(self, arch: str, facts: ArchFacts) -> tuple[str, str] | None:
        """Why it does not compile an arch, and what to write instead."""
        if facts.first and is_older(self.version, facts.first):
            reason = f"{self.title} {self.version} cannot compile {arch}; {facts.first} is the first that can."
            return reason, facts.instead or f"a newer image ({self.title} {minor(facts.first)} or newer)"
        if facts.last and is_older(minor(facts.last), minor(self.version)):
            reason = f"{self.title} {self.version} no longer compiles {arch}; {facts.last} is the last that does."
            return reason, facts.instead or f"an older image ({self.title} {minor(facts.last)})"
        return None


def _refused(at: Setting | Word, archs: Mapping[str, ArchFacts], compiler: Compiler) -> Iterator[Finding]:
    """One finding for all archs of an option."""
    refused = {arch: said for arch, facts in archs.items() if (said := compiler.refuses(arch, facts))}
    if not refused:
        return
    yield finding(
        at,
        f"cannot be compiled with {compiler.said_by.text} of line {compiler.said_by.where.line}",
        " ".join(reason for reason, _ in refused.values()),
        "; ".join(dict.fromkeys(instead for _, instead in refused.values()))
        + f", or without {', '.join(refused)}; `bakehouse plan --gpu CARD` says what suits a card",
        link=_RELEASES[compiler.title],
    )


_RELEASES = {
    "CUDA": "https://docs.nvidia.com/cuda/cuda-toolkit-release-notes/",
    "ROCm": "https://llvm.org/docs/AMDGPUUsage.html",
}


# ---------------------------------------------------------------------------------------------- AMD


def _check_amd(build: Build, matrix: Matrix) -> Iterator[Finding]:
    if not build.is_on("GGML_HIP") or "offload-arch" in build.flags:
        return
    setting = next((build.options[name] for name in AMD_OPTIONS if name in build.options), None)
    if setting is None:
        yield from _no_targets(build)
        return
    version = _rocm_version(build)
    if version is None:
        return
    compiler = Compiler(title="ROCm", version=version[0], said_by=version[1])
    archs = {}
    for arch in re.split(r"[;,\s]+", setting.value):
        found = _AMD.fullmatch(arch)
        facts = _amd_facts(found["name"], matrix) if found else None
        if found and facts:
            archs[found["name"]] = facts
    yield from _refused(setting, archs, compiler)
    compiled = {arch: facts for arch, facts in archs.items() if compiler.refuses(arch, facts) is None}
    yield from _check_kernels(setting, compiled, compiler.version)


def _amd_facts(name: str, matrix: Matrix) -> ArchFacts | None:
    """The lint's own, with the matrix's first toolkit where it names one."""
    own, row = load_compilers().archs.get(name), matrix.archs.get(name)
    if row is None or row.first_toolkit is None:
        return own
    return (own or ArchFacts()).model_copy(update={"first": row.first_toolkit})


def _rocm_version(build: Build) -> tuple[str, Word] | None:
    base = build.stage.base
    if base.image is None or base.image.toolkit != "rocm" or base.toolkit_version is None:
        return None
    return base.toolkit_version, base_word(build.stage)


def _no_targets(build: Build) -> Iterator[Finding]:
    """ggml-hip reads CMake variables only; without one, CMake asks for the cards of the build."""
    given = [
        one for name in _AMD_VARIABLES for one in (build.stage.environment.get(name), _assigned(build, name)) if one
    ]
    if given:
        one = given[0]
        yield finding(
            Word(text=one.as_variable, where=one.where),
            "has no effect",
            "ggml reads the archs of AMD's cards from CMake's options, never from the environment.",
            f"-DGPU_TARGETS={_quoted(one.value)} on CMake's command line",
            link=_DOCS,
        )
        return
    yield finding(
        build.word("GGML_HIP"),
        "does not say for which cards",
        "CMake asks for the cards of the machine that builds, and a build of an image sees none: it takes a default "
        "that few cards run.",
        '-DGPU_TARGETS="gfx1100;gfx1201", with the archs of your cards',
        severity=Severity.WARNING,
        link=_DOCS,
    )


def _assigned(build: Build, name: str) -> Setting | None:
    return next((one for one in build.command.assigned if one.name == name), None)


def _quoted(value: str) -> str:
    return f'"{value}"' if ";" in value else value


def _check_kernels(setting: Setting, archs: Mapping[str, ArchFacts], version: str) -> Iterator[Finding]:
    """RocBLAS has kernels for some archs only: without them the server ends at the first large multiplication."""
    without = {arch: said for arch, facts in archs.items() if (said := _lacks_kernels(facts, version))}
    if not without:
        return
    names = ", ".join(without)
    reasons = "; ".join(f"{arch}: {said}" for arch, said in without.items())
    yield finding(
        Word(text=setting.as_option, where=setting.where),
        f"compiles code for {names} beside a library without it",
        f'The rocBLAS of ROCm {version} lacks kernels ({reasons}): "Cannot read TensileLibrary.dat" where it is asked.',
        "another ROCm, or a rocBLAS that was built for it",
        severity=Severity.WARNING,
        link="https://rocm.docs.amd.com/projects/install-on-linux/en/latest/reference/system-requirements.html",
    )


def _lacks_kernels(facts: ArchFacts, version: str) -> str | None:
    """Since when, or until when, it has them."""
    if facts.rocblas == "none":
        return "never in AMD's packages"
    if facts.rocblas and is_older(version, facts.rocblas):
        return f"from {facts.rocblas} on"
    if facts.rocblas_last and is_older(facts.rocblas_last, version):
        return f"up to {facts.rocblas_last}"
    return None
