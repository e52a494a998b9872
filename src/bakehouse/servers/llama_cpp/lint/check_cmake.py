"""The options of one configure step, checked against what the source's CMake files and CMake itself read."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from functools import partial

from bakehouse.lint.cmake_names import is_false, is_of_cmake, is_true, names_of_cmake
from bakehouse.lint.finding import Finding, Severity, finding
from bakehouse.lint.nearest import nearest
from bakehouse.lint.options import CMake, CMakeOption, SourceOptions
from bakehouse.lint.settings import Setting
from bakehouse.servers.llama_cpp.lint.known_options import ABSENT, Fact, Knowledge
from bakehouse.servers.llama_cpp.lint.old_names import meant_option

NO_BACKENDS = frozenset({"GGML_CPU"})
"""Switches that are on without being asked for."""
ALSO_READ_BY = {"GGML_CUDA": ("GGML_HIP", "GGML_MUSA")}
"""HIP and MUSA compile the CUDA backend's code and take some of its options."""

RENAMED_BUILD = 3400
"""From this build on `LLAMA_X` of ggml is `GGML_X` for certain (June 2024, ggml-org/llama.cpp#8006)."""

OF_PYTHON_PACKAGE = frozenset({"LLAMA_BUILD", "LLAVA_BUILD", "MTMD_BUILD"})
"""Options that llama-cpp-python's own CMakeLists.txt adds."""
ARCHS_OF_AMD = frozenset({"GPU_TARGETS", "AMDGPU_TARGETS", "CMAKE_HIP_ARCHITECTURES"})
"""Each tells the compiler for AMD cards the archs."""

_OF_TOOLCHAINS = re.compile(
    r"ANDROID_\w+|CMAKE_ANDROID_\w+|CMAKE_XCODE_ATTRIBUTE_\w+|IOS|VCPKG_\w+|CONAN_\w+|EMSCRIPTEN\w*"
)
"""Read by toolchain files and generators, which are no part of the tree."""

_OWN = re.compile("GGML_|LLAMA_")
_CUDA_ARCH = re.compile(r"[0-9]{2,3}[af]?(?:-real|-virtual)?|native|all|all-major")
_AMD_ARCH = re.compile(r"gfx[0-9a-f]{3,5}(?::(?:xnack|sramecc)[+-])*|gfx[0-9]+(?:-[0-9]+)?-generic|native|all")
_PATH = re.compile(r"_(?:ROOT|DIR|PATH)$")
"""Options that are declared as switches and take a folder."""
_INSTRUCTIONS = re.compile(
    r"GGML_(?:SSE42|AVX|BMI2|FMA|F16C|AMX|CPU_ARM_ARCH|CPU_POWERPC|LASX|LSX|RVV|CPU$)|CMAKE_(?:SYSTEM|TOOLCHAIN)"
)
_NO_SYCL = re.compile(r"(?:^|[/-])(?:g\+\+|c\+\+|gcc|cc)(?:-[0-9.]+)?$")
_PLAIN_BLACKWELL = re.compile(r"12[0-9](?:-real|-virtual)?")


def check_step(
    step: Mapping[str, Setting], options: SourceOptions, knowledge: Knowledge, *, for_image: bool = True
) -> Iterator[Finding]:
    """What is wrong with one configure step, whose options are given by name; the last value of an option counts.

    `for_image` says whether other machines run what is built.
    """
    return check_steps([step], options, knowledge, for_image=for_image)


def check_steps(
    steps: Sequence[Mapping[str, Setting]], options: SourceOptions, knowledge: Knowledge, *, for_image: bool = True
) -> Iterator[Finding]:
    """The same of several steps, which have most of their options in common: each is looked at once."""
    for setting in dict.fromkeys(setting for step in steps for setting in step.values()):
        yield from check_option(setting, options, knowledge, for_image=for_image)
    for step in steps:
        yield from _check_together(step)
        yield from _check_compiler(step)


def check_option(
    setting: Setting, options: SourceOptions, knowledge: Knowledge, *, for_image: bool = True
) -> Iterator[Finding]:
    cmake = options.cmake
    facts = [fact for fact in knowledge.cmake if fact.concerns(setting.name, setting.value)]
    if not exists(setting.name, cmake):
        yield _absent(setting, options, knowledge, facts)
        return
    for fact in facts:
        if fact.problem not in ABSENT and (for_image or fact.where != "image"):
            yield fact.told(setting.where, setting.as_option)
    if setting.complete:
        option = cmake.options.get(setting.name)
        if option is not None:
            yield from _check_value(setting, option)
        if setting.name == "CMAKE_CUDA_ARCHITECTURES":
            yield from _check_cuda_archs(setting, for_image=for_image)
        if setting.name in ARCHS_OF_AMD:
            yield from _check_amd_archs(setting)


def exists(name: str, cmake: CMake) -> bool:
    """Whether anything reads it, llama-cpp-python's own files included.

    What begins with a package's name is its find module's: CUDAToolkit_ROOT.
    """
    if name in cmake.options or name in cmake.variables or name in OF_PYTHON_PACKAGE or is_of_cmake(name):
        return True
    if _OF_TOOLCHAINS.fullmatch(name):
        return True
    return not _OWN.match(name) and any(name.startswith((f"{one}_", f"{one.upper()}_")) for one in cmake.packages)


def check_doubles(step: Sequence[Setting]) -> Iterator[Finding]:
    """Options that are listed twice in one configure step."""
    first: dict[str, Setting] = {}
    for setting in step:
        before = first.setdefault(setting.name, setting)
        if before is not setting:
            line = before.where.line
            yield finding(
                setting,
                "is listed twice" if line is None else f"is listed twice; it is first on line {line}",
                "Only the last one counts.",
                "one of them",
                severity=Severity.WARNING,
            )


def check_backends(steps: Sequence[Mapping[str, Setting]], cmake: CMake) -> Iterator[Finding]:
    """Options of a backend that no configure step they stand in switches on."""
    switches = [name for name in cmake.switches if name not in NO_BACKENDS]
    for setting in {one.where: one for step in steps for one in step.values()}.values():
        switch = next((name for name in switches if setting.name.startswith(f"{name}_")), None)
        if switch is None or any(_is_on(step, switch) for step in steps if step.get(setting.name) == setting):
            continue
        if not exists(setting.name, cmake):
            continue
        yield finding(
            setting,
            "has no effect here",
            f"It is an option of a backend that is not built: nothing sets {switch}=ON beside it.",
            f"leave it out, or set {switch}=ON",
            severity=Severity.NOTE,
        )


def _is_on(step: Mapping[str, Setting], switch: str) -> bool:
    switches = (step.get(name) for name in (switch, *ALSO_READ_BY.get(switch, ())))
    return any(one is not None and (is_true(one.value) or not one.complete) for one in switches)


_RENAMED = 3400
"""The build that surely has the options of ggml under its own prefix (July 2024)."""
_RENAMED_LATER = frozenset({"LLAMA_CURL"})


def _absent(setting: Setting, options: SourceOptions, knowledge: Knowledge, facts: Iterable[Fact]) -> Finding:
    deprecated = options.cmake.deprecated.get(setting.name)
    if fact := next(iter(facts), None):
        return fact.told(setting.where, setting.as_option)
    if deprecated is not None:
        return finding(
            setting,
            "stops CMake" if deprecated.fatal else "is deprecated",
            "The source knows the name only to complain about it.",
            f"{deprecated.instead}={setting.value}" if deprecated.instead else "leave it out",
            severity=Severity.ERROR if deprecated.fatal else Severity.WARNING,
            since_build=None if setting.name in _RENAMED_LATER else _RENAMED,
            by_revision=True,
        )
    meant = meant_option(setting.name, setting.value, options, knowledge)
    renamed = meant is not None and meant.certain and setting.name.startswith("LLAMA_")
    return finding(
        setting,
        meant.what if meant else "is not an option of this revision",
        meant.why if meant else "CMake takes it without a word and nothing reads it.",
        meant.instead if meant else _without_advice(setting, options.cmake),
        by_revision=True,
        since_build=RENAMED_BUILD if renamed else None,
    )


def _without_advice(setting: Setting, cmake: CMake) -> str:
    """Nothing is like it. What switches something on may be a backend, which must not just be left out."""
    built = setting.name.replace("LLAMA_", "LLAMA_BUILD_", 1)  # LLAMA_SERVER, LLAMA_TESTS
    if built in cmake.options:
        return f"{built}={setting.value}"
    if near := nearest(setting.name, names_of_cmake()):
        return near
    if _OWN.match(setting.name) and setting.name.count("_") == 1 and is_true(setting.value):
        backends = ", ".join(name for name in cmake.switches if name not in NO_BACKENDS)
        return f"if a backend was meant, one of {backends}; else leave it out" if backends else "leave it out"
    return "leave it out"


_wrong = partial(finding, by_revision=True)


def _check_value(setting: Setting, option: CMakeOption) -> Iterator[Finding]:
    value = setting.value
    if setting.name == "CMAKE_BUILD_TYPE":  # its case does not matter, and what is listed are proposals
        if option.choices and value.lower() not in {one.lower() for one in option.choices}:
            yield _wrong(setting, f"cannot be {value!r}", "Nothing has flags for it.", ", ".join(option.choices))
    elif option.kind == "BOOL" and (value in option.choices or _PATH.search(setting.name)):
        pass
    elif option.kind == "BOOL" and not is_true(value) and not is_false(value):
        yield _wrong(setting, "is neither ON nor OFF", "CMake takes any other text for ON.", "ON or OFF")
    elif option.kind != "BOOL" and option.choices and value not in option.choices:
        yield _wrong(
            setting, f"cannot be {value!r}", "The source names the values it knows.", ", ".join(option.choices)
        )
    elif option.kind == "STRING" and (option.default or "").isdigit() and not value.isdigit():
        yield _wrong(setting, "must be a number", f"Its default is {option.default}.", f"{option.default}")


def _check_cuda_archs(setting: Setting, *, for_image: bool) -> Iterator[Finding]:
    archs = [one for one in setting.value.split(";") if one]
    link = "https://cmake.org/cmake/help/latest/prop_tgt/CUDA_ARCHITECTURES.html"
    for arch in archs:
        if not _CUDA_ARCH.fullmatch(arch):
            number = arch.removeprefix("sm_").removeprefix("compute_").replace(".", "")
            instead = (
                f"{number}-real" if number.rstrip("af").isdigit() else "numbers like 86-real, with ';' between them"
            )
            yield _wrong(
                setting, f"{arch!r} is no arch for CMake", "CMake wants the bare number.", instead, by_revision=False
            )
    plain = [arch for arch in archs if _PLAIN_BLACKWELL.fullmatch(arch)]
    if plain:
        number = plain[0].partition("-")[0]
        yield finding(
            setting,
            f"becomes {number}a, which runs on sm_{number} alone",
            "ggml rewrites a plain 12X. Code for 120a does not run on a GB10 (sm_121), nor 121a on an RTX 50.",
            f"{number}a-real; or 120a-real;121a-real for both (CUDA 12.9 or newer)",
            severity=Severity.WARNING,
            link="https://github.com/ggml-org/llama.cpp/blob/master/ggml/src/ggml-cuda/CMakeLists.txt",
        )
    if for_image and "native" in archs:
        yield finding(
            setting,
            "asks for the cards of the machine that builds",
            "A build of an image sees no card.",
            "the archs by number, like 86-real;120a-real",
            link=link,
        )


def _check_compiler(step: Mapping[str, Setting]) -> Iterator[Finding]:
    """A compiler that is told, and that cannot compile what the backend is written in."""
    compiler, sycl = step.get("CMAKE_CXX_COMPILER"), step.get("GGML_SYCL")
    if compiler is not None and sycl is not None and is_true(sycl.value) and _NO_SYCL.search(compiler.value):
        yield _wrong(
            compiler,
            "compiles no SYCL",
            'CMake stops: "C++ compiler lacks SYCL support".',
            "CMAKE_C_COMPILER=icx and CMAKE_CXX_COMPILER=icpx",
        )


def check_cpu_plugin(step: Mapping[str, Setting]) -> Iterator[Finding]:
    """Backends are plugins, and that of the CPU is one for a single kind of processor."""
    plugins, native, variants = (step.get(one) for one in ("GGML_BACKEND_DL", "GGML_NATIVE", "GGML_CPU_ALL_VARIANTS"))
    if plugins is None or native is None or not is_true(plugins.value) or not is_false(native.value):
        return
    if (variants is None or is_false(variants.value)) and not _names_instructions(step):
        yield finding(
            plugins,
            "makes one plugin for the CPU, with AVX2",
            "It ends with an illegal instruction on processors without, and leaves AVX-512 and AMX of others unused.",
            "GGML_CPU_ALL_VARIANTS=ON beside it: the server takes the best one where it starts",
            severity=Severity.WARNING,
            by_revision=True,
        )


def _names_instructions(step: Mapping[str, Setting]) -> bool:
    """Whether it says itself for which processors it is."""
    return any(_INSTRUCTIONS.match(name) for name in step) or any(
        "-march" in setting.value or "-mcpu" in setting.value for setting in step.values()
    )


def _check_amd_archs(setting: Setting) -> Iterator[Finding]:
    wrong = next((one for one in re.split("[;,]", setting.value) if one and not _AMD_ARCH.fullmatch(one)), None)
    if wrong is not None:
        found = re.findall(r"gfx[0-9a-f]+|(?<![0-9a-f])[0-9]{3,4}[a-f]?(?![0-9a-z])", wrong)
        names = ";".join(one if one.startswith("gfx") else f"gfx{one}" for one in found)
        yield finding(
            setting,
            f"{wrong!r} is no arch for the compiler",
            "It stops: its archs are called like gfx1100, with ';' between them.",
            f"{setting.name}={names or 'gfx1100;gfx1201'}",
            link="https://rocm.docs.amd.com/en/latest/reference/gpu-arch-specs.html",
        )


def _check_together(step: Mapping[str, Setting]) -> Iterator[Finding]:
    native, plugins, shared = (step.get(name) for name in ("GGML_NATIVE", "GGML_BACKEND_DL", "BUILD_SHARED_LIBS"))
    variants = step.get("GGML_CPU_ALL_VARIANTS")
    if variants is not None and is_true(variants.value) and (plugins is None or is_false(plugins.value)):
        yield _wrong(variants, "stops CMake", "The variants are plugins.", "GGML_BACKEND_DL=ON beside it")
    if plugins is None or not is_true(plugins.value):
        return
    if native is not None and is_true(native.value):
        yield _wrong(
            native, "stops CMake", "With GGML_BACKEND_DL=ON, x86 builds refuse it.", "GGML_CPU_ALL_VARIANTS=ON"
        )
    if shared is not None and is_false(shared.value):
        yield _wrong(shared, "stops CMake", "GGML_BACKEND_DL=ON needs shared libraries.", "BUILD_SHARED_LIBS=ON")
