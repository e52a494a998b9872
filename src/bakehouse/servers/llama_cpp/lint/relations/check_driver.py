"""What the host's driver brings into the container, and what an image does to hide it or to be left without it."""

from __future__ import annotations

import re
from collections.abc import Iterator

from bakehouse.errors import Where
from bakehouse.lint.finding import Finding, Severity, finding
from bakehouse.lint.relations.check_needs import GRAPHICS
from bakehouse.lint.relations.view import Build, View, base_word
from bakehouse.lint.settings import Setting, Word
from bakehouse.lint.stages.components import load_components
from bakehouse.lint.stages.stage import StageModel

_DRIVER_FILE = re.compile(
    r"(?:^|/)(?:libcuda|libnvidia-ml|libnvidia-ptxjitcompiler)\.so(?:[.*0-9]*)$|/compat(?:/|$|/\*)|/stubs(?:/|$)"
)
_COMPAT = re.compile(r"/compat(?:[/:\s\"']|$)|cuda-compat|forward-compat")
_STUBS = re.compile(r"/stubs?(?:[/:\s\"']|$)")
_SEARCHED = re.compile(r"/etc/ld\.so|ldconfig")
_CAPABILITIES = "https://docs.nvidia.com/datacenter/cloud-native/container-toolkit/latest/docker-specialized.html#driver-capabilities"
_COMPATIBILITY = "https://docs.nvidia.com/deploy/cuda-compatibility/forward-compatibility.html"
_HIDES = (
    "It is found before the libcuda of the host's driver: GeForce cards refuse it (error 803 or 804), and the server "
    "uses the CPU without a word."
)
_STUB_HIDES = "The stub is found before the libcuda of the host's driver, and every call of it fails."
_LEAVE = "leave it out: the host's container toolkit brings libcuda.so.1"


def check_driver(view: View) -> Iterator[Finding]:
    if not (view.is_on("GGML_CUDA") or view.is_on("GGML_VULKAN") or _has_cuda(view)):
        return
    image = view.image
    yield from _check_preload(image)
    yield from _check_loader_files(image)
    yield from _check_copies(image)
    yield from _check_packages(image)
    yield from _check_devices(view)
    for build in view.builds:
        yield from _check_link(build)


def _has_cuda(view: View) -> bool:
    environment = view.image.environment
    return "NVIDIA_VISIBLE_DEVICES" in environment or view.image.has("cuda-runtime") is True


# ---------------------------------------------------------------------------------------------- hidden by the image


def _check_preload(image: StageModel) -> Iterator[Finding]:
    """LD_LIBRARY_PATH is a matter of knowledge.yaml."""
    setting = image.environment.get("LD_PRELOAD")
    if setting and ("libcuda.so" in setting.value or _STUBS.search(setting.value) or _COMPAT.search(setting.value)):
        word = Word(text=setting.as_variable, where=setting.where)
        yield finding(word, "hides the host's driver", _HIDES, _LEAVE)


def _check_loader_files(image: StageModel) -> Iterator[Finding]:
    """RUN lines that make the loader look at stubs or forward compatibility, or put a libcuda where it looks."""
    for one in image.chain:
        for instruction in one.stage.instructions:
            text = instruction.body.text
            if instruction.name != "RUN" or not _SEARCHED.search(text):
                continue
            if _COMPAT.search(text) or _STUBS.search(text):
                why = _HIDES if _COMPAT.search(text) else _STUB_HIDES
                word = Word(text="RUN", where=Where(file=one.file, line=instruction.body.line(_at(text))))
                yield finding(
                    word, "makes the loader find another libcuda than the driver's", why, _LEAVE, link=_COMPATIBILITY
                )
        for command in one.commands:
            yield from _check_placed(command.words)


def _at(text: str) -> int:
    found = _COMPAT.search(text) or _STUBS.search(text)
    return found.start() if found else 0


def _check_placed(words: tuple[Word, ...]) -> Iterator[Finding]:
    """Ln and cp of a libcuda to a folder that is no stubs folder."""
    if not words or words[0].text.rpartition("/")[2] not in ("ln", "cp", "mv", "install"):
        return
    paths = [word for word in words[1:] if not word.text.startswith("-")]
    if len(paths) > 1 and any("libcuda.so" in word.text for word in paths[:-1]) and not _STUBS.search(paths[-1].text):
        yield finding(paths[-1], "is a libcuda of the image, not of the driver", _STUB_HIDES, _LEAVE)


def _check_copies(image: StageModel) -> Iterator[Finding]:
    for copy in image.copies:
        for word in copy.words:
            if _DRIVER_FILE.search(word.text) and (
                "libcuda" in word.text or "compat" in word.text or "nvidia" in word.text
            ):
                yield finding(
                    word,
                    "copies a library of the driver",
                    f"{_HIDES} Another version than the kernel's fails, too.",
                    _LEAVE,
                )


def _check_packages(image: StageModel) -> Iterator[Finding]:
    driver = load_components()["cuda-driver"]
    for one in image.packages.installed:
        if driver.is_brought_by(one.name):
            yield finding(
                one.word,
                "brings libraries of a driver into the image",
                "They must be those of the host's kernel module: other versions do not start, or hide the host's.",
                _LEAVE,
                link=_COMPATIBILITY if "compat" in one.name else None,
            )


# ---------------------------------------------------------------------------------------------- asked of the host


def _check_devices(view: View) -> Iterator[Finding]:
    environment = view.image.environment
    visible = environment.get("NVIDIA_VISIBLE_DEVICES")
    if visible is not None and visible.complete and visible.value.strip().lower() in ("", "void", "none"):
        yield finding(
            Word(text=visible.as_variable, where=visible.where),
            "keeps every card out of the container",
            "NVIDIA's container toolkit then gives it no card; `void` and nothing give it no driver either.",
            "NVIDIA_VISIBLE_DEVICES=all",
            link=_CAPABILITIES,
        )
    if "NVIDIA_DISABLE_REQUIRE" in environment:
        setting = environment["NVIDIA_DISABLE_REQUIRE"]
        if setting.value.strip().lower() not in ("", "0", "false"):
            yield finding(
                Word(text=setting.as_variable, where=setting.where),
                "lets the image start beside a driver that is too old for it",
                "The toolkit's check says so in words; without it CUDA fails later, or the server uses the CPU.",
                "leave it out",
                severity=Severity.WARNING,
            )
    yield from _check_capabilities(view, environment.get("NVIDIA_DRIVER_CAPABILITIES"))


def _check_capabilities(view: View, setting: Setting | None) -> Iterator[Finding]:
    if setting is not None and not setting.complete:
        return
    given = {one.strip() for one in setting.value.split(",")} if setting else {"compute", "utility"}
    asks = setting is not None or "NVIDIA_VISIBLE_DEVICES" in view.image.environment
    word = Word(text=setting.as_variable, where=setting.where) if setting else base_word(view.image)
    if setting is not None and view.image.base.image is not None and setting.where == view.image.where:
        word = base_word(view.image)
    if view.is_on("GGML_CUDA") and not given & {"all", "compute"}:
        yield finding(
            word,
            "lacks `compute`: there is no libcuda in the container",
            "The host's toolkit brings only what is named.",
            "NVIDIA_DRIVER_CAPABILITIES=compute,utility",
            link=_CAPABILITIES,
        )
    if view.is_on("GGML_VULKAN") and not given & GRAPHICS:
        only_vulkan = not view.is_on("GGML_CUDA")
        yield finding(
            word,
            "does not ask for NVIDIA's Vulkan driver"
            if not asks
            else "lacks `graphics`: the Vulkan backend sees no NVIDIA card",
            "The host's toolkit brings the driver's Vulkan library with the capability `graphics` only; a software "
            "renderer in the image hides that.",
            "NVIDIA_DRIVER_CAPABILITIES=compute,utility,graphics"
            + ("" if asks else ", where NVIDIA's cards are to be seen"),
            severity=Severity.NOTE if not asks else Severity.ERROR if only_vulkan else Severity.WARNING,
            link=_CAPABILITIES,
        )


# ---------------------------------------------------------------------------------------------- not there when linked


def _check_link(build: Build) -> Iterator[Finding]:
    """Programs that are linked to a shared ggml-cuda ask for libcuda.so.1, which only a machine with a driver has."""
    if build.is_python or not build.is_on("GGML_CUDA") or build.is_on("GGML_BACKEND_DL") or not build.shares_libraries:
        return
    if build.is_on("GGML_CUDA_NO_VMM") or re.search(
        r"allow-shlib-undefined|unresolved-symbols|stubs|compat|-lcuda\b", build.flags
    ):
        return
    if not all(word.complete for word in build.command.words) or _knows_libcuda(build.stage):
        return
    yield finding(
        build.word("GGML_CUDA"),
        "cannot link its programs: there is no libcuda.so.1 in a build",
        '"libcuda.so.1, needed by libggml-cuda.so, not found": the driver has it, and a build has no driver.',
        "-DGGML_BACKEND_DL=ON, or -DCMAKE_EXE_LINKER_FLAGS=-Wl,--allow-shlib-undefined",
        link="https://github.com/ggml-org/llama.cpp/blob/master/.devops/cuda.Dockerfile",
    )


def _knows_libcuda(stage: StageModel) -> bool:
    """Whether anything of the stage makes the linker find one: stubs, forward compatibility, a driver's package."""
    driver = load_components()["cuda-driver"]
    if any(driver.is_brought_by(one.name) for one in stage.packages.installed):
        return True
    if stage.unseen or stage.base.image is None:
        return True
    return any(
        re.search(r"stubs|/compat|libcuda\.so|LDFLAGS", instruction.body.text)
        for one in stage.chain
        for instruction in one.stage.instructions
    )
