"""Programs that RUN lines call and that their stage does not have."""

from __future__ import annotations

import re
from collections.abc import Iterator

from bakehouse.lint.command import Command
from bakehouse.lint.finding import Finding, Severity, finding
from bakehouse.lint.relations.view import Build, View, cuda_version
from bakehouse.lint.settings import Word
from bakehouse.lint.stages.components import Component, load_components
from bakehouse.lint.stages.stage import StageModel
from bakehouse.servers.llama_cpp.lint.python_builds import VARIABLES
from bakehouse.servers.llama_cpp.lint.revisions import installs_python_package

SERVER = "llama-server"
_CALLED = ("git", "cmake", "ninja", "make", "curl", "wget", "python3")


def check_programs(view: View) -> Iterator[Finding]:
    told: set[tuple[str, int | None]] = set()
    for stage in view.sources:
        for name in _CALLED:
            if word := _called(stage, name):
                key = (name, word.where.line)
                if key not in told:
                    told.add(key)
                    yield _missing(word, load_components()[name], stage)
    for build in view.builds:
        yield from _check_tools(build)
        yield from _check_server(build, view)
    yield from _check_python_server(view)
    for stage in view.sources:
        yield from _check_wheels(stage)
        yield from _check_wheel_of_cuda(stage)


def _check_server(build: Build, view: View) -> Iterator[Finding]:
    """The server's target is only there where the server is to be built."""
    start = next(iter((*view.image.entrypoint, *view.image.command)), None)
    if not build.is_off("LLAMA_BUILD_SERVER") or build.is_python or start is None:
        return
    if start.text.rpartition("/")[2] == SERVER and len(view.builds) == 1:
        yield finding(
            build.word("LLAMA_BUILD_SERVER"),
            "leaves out the server that the image starts",
            f"{start.text} of line {start.where.line} is not made, and --target llama-server stops the build.",
            "leave it out: it is ON by default",
        )


_OF_CUDA = re.compile(r"/whl/cu(?P<major>[0-9]{2})(?P<minor>[0-9])\b")


def _check_wheel_of_cuda(stage: StageModel) -> Iterator[Finding]:
    """A wheel that was built with CUDA asks for its libraries, which it does not bring."""
    for command in stage.contents.commands:
        index = next((word for word in command.words if _OF_CUDA.search(word.text)), None)
        found = _OF_CUDA.search(index.text) if index else None
        if index is None or found is None or installs_python_package(command) is None:
            continue
        wanted = f"{found['major']}.{found['minor']}"
        there = cuda_version(stage)
        if there and there[0].partition(".")[0] != found["major"]:
            what = f"is for CUDA {wanted}, and the image has {there[0]}"
        elif stage.has("cuda-runtime") is False:
            what = f"is for CUDA {wanted}, of which the image has nothing"
        else:
            continue
        yield finding(
            index,
            what,
            f'The wheels ask for libcudart.so.{found["major"]} and cuBLAS: "cannot open shared object file".',
            f"nvidia/cuda:{wanted}.x-runtime-OS under it, or nvidia-cuda-runtime-cu{found['major']} and "
            f"nvidia-cublas-cu{found['major']} beside it",
            link="https://github.com/abetlen/llama-cpp-python#supported-backends",
        )


def _check_python_server(view: View) -> Iterator[Finding]:
    """llama_cpp.server needs what only the package's extra `server` brings."""
    words = [word.text for word in (*view.image.entrypoint, *view.image.command)]
    if not any("llama_cpp.server" in text for text in words) or view.image.unseen:
        return
    commands = list(view.image.commands)
    texts = [word.text for command in commands for word in command.words]
    found = [word for command in commands if (word := installs_python_package(command))]
    extras = re.compile(r"(?:uvicorn|fastapi|requirements|pyproject|starlette-context|sse-starlette)|^-r$|^\.")
    if not found or any("[" in word.text for word in found) or any(extras.search(text) for text in texts):
        return
    yield finding(
        found[-1],
        "comes without what its server needs",
        "llama_cpp.server imports uvicorn, fastapi and others, which only the extra brings: ModuleNotFoundError.",
        found[-1].text.replace("_", "-").replace("llama-cpp-python", "llama-cpp-python[server]"),
        link="https://github.com/abetlen/llama-cpp-python#openai-compatible-web-server",
    )


def _check_wheels(stage: StageModel) -> Iterator[Finding]:
    """llama-cpp-python without options, on an image that was chosen for its CUDA or ROCm: a CPU-only build."""
    image = stage.base.image
    switch = _SWITCHES.get(image.toolkit or "") if image else None
    if switch is None:
        return
    for command in stage.contents.commands:
        word = installs_python_package(command)
        if word is None or any(one.text.startswith(_INDEXES) for one in command.words):
            continue
        if _has_options(stage, command):
            continue
        yield finding(
            word,
            f"is built for the CPU alone, on {stage.base.text}",
            f"Its build knows of {switch} only by CMAKE_ARGS, which is not set here; what another RUN exports is gone.",
            f'ENV CMAKE_ARGS="-D{switch}=ON" before it',
            severity=Severity.WARNING,
            link="https://github.com/abetlen/llama-cpp-python#supported-backends",
        )


def _has_options(stage: StageModel, command: Command) -> bool:
    """Whether anything says how it is to be built, in a way that one reads here or not."""
    own = {one.name for one in (*stage.contents.variables, *stage.contents.arguments, *command.assigned)}
    names = own | set(stage.environment) | set(stage.arguments)
    return bool(names & set(VARIABLES)) or any(_OPTIONS.search(one.text) for one in command.words)


_SWITCHES = {"cuda": "GGML_CUDA", "rocm": "GGML_HIP"}
_INDEXES = ("--extra-index-url", "--index-url", "--find-links", "-i", "-f", "--no-index")
_OPTIONS = re.compile(r"cmake\.args|\.whl$|^-r|requirements|^-e$")


def _called(stage: StageModel, name: str) -> Word | None:
    """Where a stage calls a program that it surely lacks, and did not remove after use."""
    component = load_components()[name]
    word = next((command.words[0] for command in stage.contents.commands if command.program == component.program), None)
    if word is None or _was_there(component, stage) or stage.has(name, by_use=False) is not False:
        return None
    return word


def _was_there(component: Component, stage: StageModel) -> bool:
    return any(component.is_brought_by(name) for name in stage.packages.removed)


def _missing(word: Word, component: Component, stage: StageModel) -> Finding:
    manager = stage.base.manager
    package = component.install.get(manager) if manager else None
    return finding(
        word,
        "is not in this stage",
        f"{stage.base.text} does not have it, and nothing installs it before: the build stops.",
        f"install {package}" if package else f"an image with {component.program}",
    )


def _check_tools(build: Build) -> Iterator[Finding]:
    """What CMake itself calls: a generator's program, a compiler."""
    texts = [word.text for word in build.command.words]
    ninja = any("Ninja" in text for text in texts) or build.value("CMAKE_GENERATOR") == "Ninja"
    for name in ("gcc",) if build.is_python else ("ninja" if ninja else "make", "gcc"):
        component = load_components()[name]
        if name == "gcc" and not build.compiles_with_gcc:
            continue
        if build.stage.has(name) is False and not _was_there(component, build.stage):
            yield finding(
                build.command.words[0],
                f"needs {component.program}, which its stage lacks",
                "CMake stops: "
                + ("it finds no compiler." if name == "gcc" else "the generator's program is not there."),
                f"install {component.install.get(build.stage.base.manager or 'apt', component.program)}",
            )
