"""Whether the plugins run on the promised cards as they are: native code for exactly these archs, PTX as promised."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence

from bakehouse.model.enums import AcceleratorName, Verdict
from bakehouse.model.report import Check
from bakehouse.prove.device_code.parts import BrokenDeviceCodeError, Form, Part, UnknownDeviceCodeError, codes, sizes
from bakehouse.prove.device_code.plugin_code import (
    Plugin,
    backend_plugins,
    bundles,
    fatbins,
    holds_opencl,
    spirv_modules,
)
from bakehouse.prove.expect import Expectation
from bakehouse.prove.finding import judge, size_text, skip
from bakehouse.prove.image.at_rest import ImageAtRest
from bakehouse.prove.image.elf import Elf

NATIVE, PTX = "native-code", "ptx"

Reader = Callable[[ImageAtRest, Elf], list[Part]]

_READERS: dict[AcceleratorName, Reader] = {AcceleratorName.CUDA: fatbins, AcceleratorName.ROCM: bundles}
"""Accelerators whose plugins hold code for named archs. The others' hold SPIR-V."""


def check_native_code(image: ImageAtRest, expectation: Expectation) -> Check:
    """Each part of each backend plugin holds native code for the promised archs, and no part for any other.

    What came compiled (a wheel's library) holds the same codes, in as many parts as its maker chose. Where the driver
    compiles (Vulkan, SYCL), there is SPIR-V for it to compile; in a wheel's library for xpu OpenCL C will do as well.
    """
    if expectation.accelerator is AcceleratorName.CPU:
        return skip(NATIVE, "a CPU image holds no code for a GPU")
    plugins, problems = backend_plugins(image, expectation)
    if not expectation.backend_plugins:
        problems.append(f"no plugin is promised to hold code for {expectation.accelerator}")
    if expectation.accelerator in _READERS:
        return _judge_archs(image, expectation, plugins, problems)
    return _judge_spirv(image, expectation, plugins, problems)


def check_ptx(image: ImageAtRest, expectation: Expectation) -> Check:
    """PTX exactly as promised: what a driver compiles at the first start, for a card without native code."""
    if expectation.accelerator is not AcceleratorName.CUDA:
        return skip(PTX, "only CUDA has PTX")
    plugins, problems = backend_plugins(image, expectation)
    try:
        found = {plugin.name: fatbins(image, plugin.elf) for plugin in plugins}
    except BrokenDeviceCodeError as error:
        return judge(PTX, [str(error)], passed="")
    except UnknownDeviceCodeError as error:
        return _errored(PTX, error)
    for name, parts in found.items():
        problems += _wrong_ptx(name, parts, expectation)
    floor = f" from {expectation.driver_floor} on" if expectation.driver_floor else ""
    passed = (
        f"PTX of {expectation.ptx} as promised: cards newer than the native code compile it at their first start, "
        f"with a full-feature driver{floor}"
        if expectation.ptx
        else "none, as promised: a card without native code is refused at once, and none compiles at its first start"
    )
    return judge(PTX, problems, passed=passed)


def _judge_archs(image: ImageAtRest, expectation: Expectation, plugins: Sequence[Plugin], problems: list[str]) -> Check:
    read = _READERS[expectation.accelerator]
    passed, notes = [], []
    if not expectation.codes and not expectation.ptx:
        problems.append(f"no arch is promised, and a plugin for {expectation.accelerator} runs on none without")
    for plugin in plugins:
        try:
            parts = read(image, plugin.elf)
        except BrokenDeviceCodeError as error:
            problems.append(f"{plugin.name} is damaged: {error}")
            continue
        except UnknownDeviceCodeError as error:
            return _errored(NATIVE, error, plugin.name)
        foreign = expectation.is_foreign(plugin.path)
        problems += _wrong_archs(plugin.name, parts, expectation, everywhere=not foreign)
        full = [part for part in parts if part]
        weights = sizes(parts, Form.NATIVE)
        where = f"among its {len(full)} parts" if foreign else f"in each of its {len(full)} parts"
        passed.append(
            f"{plugin.name} holds {_listed(expectation.codes)} {where}, and nothing else ({size_text(weights.total())})"
        )
        count = codes(full, Form.NATIVE)
        shares = {code: f" in {count[code]} of {len(full)} parts" if foreign else "" for code in weights}
        notes += [f"{plugin.name}: {code}{shares[code]}, {size_text(size)}" for code, size in sorted(weights.items())]
    return judge(NATIVE, problems, passed="; ".join(passed), notes=notes)


def _wrong_archs(name: str, parts: Sequence[Part], expectation: Expectation, *, everywhere: bool) -> Iterator[str]:
    """`everywhere`: each part must hold all codes. A vendor's library has kernels for some archs only, and beside a
    promised arch's code perhaps some with its own instructions (`sm_90a`).
    """
    full = [part for part in parts if part]
    if not full:
        yield f"{name} holds no code for a GPU at all"
        return
    found = codes(full, Form.NATIVE)
    for code in expectation.codes:
        if code not in found:
            yield f"{name} has no native code for {code}, which is promised; it holds {_listed(sorted(found))}"
        elif everywhere and found[code] < len(full):
            yield f"{name} has native code for {code} in only {found[code]} of its {len(full)} parts"
    welcome = set(expectation.codes) if everywhere else _with_variants(expectation.codes, found)
    for code in sorted(found.keys() - welcome):
        weight = size_text(sizes(full, Form.NATIVE)[code])
        yield f"{name} holds native code for {code}, which was not promised ({weight})"


def _with_variants(promised: Sequence[str], found: Iterable[str]) -> set[str]:
    """The promised codes, and those found that only add to one of them: `sm_90a` and `sm_120f` to sm_90 and sm_120."""
    archs = {code.rstrip("af") for code in promised}
    return {*promised, *(code for code in found if code.startswith("sm_") and code.rstrip("af") in archs)}


def _wrong_ptx(name: str, parts: Sequence[Part], expectation: Expectation) -> Iterator[str]:
    full = [part for part in parts if part]
    found = codes(full, Form.PTX)
    floor = f" and needs a driver from {expectation.driver_floor} on" if expectation.driver_floor else ""
    if expectation.ptx and found[expectation.ptx] < len(full):
        where = f"is in only {found[expectation.ptx]} of its {len(full)} parts" if found[expectation.ptx] else "missing"
        yield f"PTX of {expectation.ptx} is promised for cards newer than {name}'s native code, and {where}"
    for code in sorted(found.keys() - {expectation.ptx}):
        yield (
            f"{name} holds PTX of {code}, which was not promised: a card without native code compiles it for "
            f"minutes at its first start{floor}, instead of being refused; ask the compiler for `-real` archs only"
        )


def _judge_spirv(image: ImageAtRest, expectation: Expectation, plugins: Sequence[Plugin], problems: list[str]) -> Check:
    if expectation.codes:
        return _errored(
            NATIVE,
            UnknownDeviceCodeError(f"native code for {_listed(expectation.codes)} is in a form that is not known"),
        )
    passed = []
    for plugin in plugins:
        modules: Counter[str] = spirv_modules(image, plugin.elf)
        if not modules and _is_opencl(image, expectation, plugin):
            passed.append(f"{plugin.name} holds kernels as OpenCL C, which the driver compiles")
            continue
        if not modules:
            problems.append(f"{plugin.name} holds no SPIR-V module, so no driver can compile it for any card")
        versions = ", ".join(f"{count} of version {version}" for version, count in sorted(modules.items()))
        passed.append(f"{plugin.name} holds {modules.total()} SPIR-V modules ({versions}), which the driver compiles")
    return judge(NATIVE, problems, passed="; ".join(passed))


def _is_opencl(image: ImageAtRest, expectation: Expectation, plugin: Plugin) -> bool:
    """OpenVINO's GPU plugin has its kernels as texts. What is compiled here for xpu is SYCL, and has none."""
    is_xpu = expectation.accelerator is AcceleratorName.XPU
    return is_xpu and expectation.is_foreign(plugin.path) and holds_opencl(image, plugin.elf)


def _errored(name: str, error: UnknownDeviceCodeError, plugin: str = "") -> Check:
    """Unknown is not wrong, and never passes."""
    about = f"{plugin}: " if plugin else ""
    message = f"{about}{error}; this bakehouse is older than the toolkit: update it, or look with the vendor's own tool"
    return Check(name=name, verdict=Verdict.ERRORED, message=message)


def _listed(names: Sequence[str]) -> str:
    return ", ".join(names) or "none"
