"""Stages of the machine that builds, images of another one, and instructions that a platform does not have."""

from __future__ import annotations

import re
from collections.abc import Iterator

from bakehouse.lint.finding import Finding, Severity, finding
from bakehouse.lint.relations.view import Build, View, base_word
from bakehouse.lint.stages.stage import StageModel

_BUILD = re.compile(r"\$\{?BUILD(?:PLATFORM|OS|ARCH)\b")
_CROSS = re.compile(r"CMAKE_(?:TOOLCHAIN_FILE|SYSTEM_NAME|SYSTEM_PROCESSOR|CROSSCOMPILING)")
_ARM = re.compile(r"(?:^|[/:._-])(?:linux/)?(?:arm64|aarch64)(?:v8)?(?:[/:._-]|$)")
_X86 = re.compile(r"(?:^|[/:._-])(?:linux/)?(?:amd64|x86_64|x86-64)(?:[/:._-]|$)")
_OF_X86 = re.compile(r"GGML_(?:SSE42|AVX|AVX2|AVX_VNNI|AVX512(?:_[A-Z0-9]+)?|AMX_[A-Z0-9]+|BMI2|FMA|F16C)")
_OF_ARM = re.compile(r"GGML_CPU_ARM_ARCH")
_MARCH = re.compile(r"-march=(?P<name>[A-Za-z0-9._+-]+)")
_NAMES_OF_X86 = re.compile(
    r"x86-64|haswell|broadwell|skylake|cascadelake|cooperlake|icelake|sapphirerapids|alderlake|znver|core-?avx|nehalem|"
    r"westmere|sandybridge|ivybridge|bdver"
)
_NAMES_OF_ARM = re.compile(r"armv[78]|armv9")


def check_platforms(view: View) -> Iterator[Finding]:
    yield from _check_build_machine(view)
    yield from _check_folders(view)
    for build in view.builds:
        yield from _check_native(build)
        platform = _platform(build.stage)
        if platform and not _crosses(build):
            yield from _check_instructions(build, platform)


def _check_native(build: Build) -> Iterator[Finding]:
    """-march=native does what GGML_NATIVE=ON does, whatever that says."""
    if build.is_on("GGML_NATIVE"):
        return
    for name in ("CMAKE_C_FLAGS", "CMAKE_CXX_FLAGS", "CFLAGS", "CXXFLAGS"):
        if re.search(r"-m(?:arch|cpu)=native\b", build.value(name)):
            word = build.word(name) if name in build.options else build.command.words[0]
            yield finding(
                word,
                "compiles for the machine that builds",
                f"-march=native in {name} wins over GGML_NATIVE=OFF: the code ends with an illegal instruction on "
                "other machines.",
                "leave it out: GGML_CPU_ALL_VARIANTS=ON with GGML_BACKEND_DL=ON chooses where it runs",
                severity=Severity.WARNING,
            )
            return


_FOLDER = re.compile(r"/(?P<arch>x86_64|aarch64)-linux-(?:gnu|musl)")


def _check_folders(view: View) -> Iterator[Finding]:
    """Debian's folders of libraries are named after the processor: one of another kind is not there."""
    for stage in view.sources:
        there = _platform(stage)
        for copy in stage.copies:
            source = _platform(view.stage_named(copy.source)) if copy.source else None
            for word in copy.words:
                platform = source or there
                found = _FOLDER.search(word.text)
                if found and platform and _PLATFORMS[found["arch"]] != platform:
                    yield finding(
                        word,
                        f"is a folder that {platform} does not have",
                        "Debian and Ubuntu name it after the processor: COPY finds nothing there, and the build stops.",
                        word.text.replace(found["arch"], _ARCHS[platform]),
                    )


_PLATFORMS = {"x86_64": "amd64", "aarch64": "arm64"}
_ARCHS = {"amd64": "x86_64", "arm64": "aarch64"}


def _platform(stage: StageModel | None) -> str | None:
    """What a stage is built for, where its FROM line says so."""
    if stage is None:
        return None
    lowest = stage.chain[0]
    for text in (lowest.stage.platform or "", lowest.image):
        if _ARM.search(text) and not _X86.search(text):
            return "arm64"
        if _X86.search(text) and not _ARM.search(text):
            return "amd64"
    return None


def _check_instructions(build: Build, platform: str) -> Iterator[Finding]:
    other, names = (_OF_X86, _NAMES_OF_X86) if platform == "arm64" else (_OF_ARM, _NAMES_OF_ARM)
    kind = "x86" if platform == "arm64" else "Arm"
    for name, setting in build.options.items():
        march = _MARCH.search(setting.value) if name.endswith("_FLAGS") or "_FLAGS_" in name else None
        if other.fullmatch(name) and not build.is_off(name):
            yield finding(
                build.word(name),
                f"has no effect on {platform}",
                f"These are instructions of {kind} processors, and this stage is built for {platform}: ggml passes the "
                "option over there.",
                "GGML_CPU_ARM_ARCH, or GGML_CPU_ALL_VARIANTS=ON with GGML_BACKEND_DL=ON"
                if platform == "arm64"
                else "leave it out",
                severity=Severity.WARNING,
            )
        elif march and names.match(march["name"]):
            yield finding(
                build.word(name),
                f"names a processor that {platform} does not have",
                f"{march['name']} is one of {kind}, and this stage is built for {platform}: the compiler stops with "
                '"unknown value for -march".',
                "leave it out: GGML_CPU_ALL_VARIANTS=ON with GGML_BACKEND_DL=ON chooses where it runs",
            )


def _check_build_machine(view: View) -> Iterator[Finding]:
    """A compiler that runs on the build machine compiles for it, unless it is told otherwise."""
    runs_on = _platform(view.image)
    for build in view.builds_elsewhere:
        built_for = _platform(build.stage)
        if built_for and runs_on and built_for != runs_on and not _crosses(build):
            yield finding(
                base_word(view.image),
                f"is for {runs_on}, and the build for {built_for}",
                'Its programs are for another processor: "exec format error".',
                f"{built_for} for both, or a cross compiler (CMAKE_TOOLCHAIN_FILE)",
            )
            continue
        built, runs = build.stage.chain[0].stage.platform, view.image.chain[0].stage.platform
        if built and _BUILD.search(built) and not (runs and _BUILD.search(runs)) and not _crosses(build):
            yield finding(
                base_word(build.stage),
                "compiles for the platform of the build, not for that of the image",
                f"FROM --platform={built} runs on the machine that builds; in an image for another platform its server "
                'does not start: "exec format error".',
                "FROM without --platform, or a cross compiler (CMAKE_TOOLCHAIN_FILE)",
            )


def _crosses(build: Build) -> bool:
    compilers = build.value("CMAKE_C_COMPILER", "CC") + build.value("CMAKE_CXX_COMPILER", "CXX")
    return any(_CROSS.fullmatch(name) for name in build.options) or "-linux-" in compilers or "--target" in build.flags
