"""A Dockerfile that builds a project's source, as rules see it: the image, stages with files of it, their builds."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass

from bakehouse.errors import Where
from bakehouse.lint.cmake_names import is_false, is_true
from bakehouse.lint.command import Command
from bakehouse.lint.container_file import Contents
from bakehouse.lint.dockerfile import Dockerfile
from bakehouse.lint.settings import Setting, Word
from bakehouse.lint.stages.bases import BaseCatalogue
from bakehouse.lint.stages.stage import StageModel, read_stages, sources_of
from bakehouse.model.matrix import Matrix

_CUDA_PACKAGE = re.compile(
    r"(?:cuda-(?:toolkit|nvcc|compiler|minimal-build|libraries|runtime|cudart)(?:-dev)?|libcublas)-(?P<major>[0-9]+)-(?P<minor>[0-9]+)"
)
_WHEEL = re.compile(r"nvidia-cuda-(?:nvcc|runtime)(?:-cu[0-9]+)?==(?P<version>[0-9]+\.[0-9]+)")
PIP = frozenset({"pip", "pip3", "uv", "python", "python3"})
"""Programs that install Python packages, and build them."""
_OTHER_INDEX = (
    "--extra-index-url", "--index-url", "--index", "--find-links", "-i", "-f", "-r", "--only-binary", "--prefer-binary",
)  # fmt: skip
_COMPILER = re.compile(r"(?:gcc|g\+\+)-(?P<version>[0-9]+)$")


Steps = Iterator[tuple[Command, tuple[Setting, ...]]]


@dataclass(frozen=True, kw_only=True, slots=True)
class SourceProject:
    """How builds of one project are distinguished from others."""

    catalogue: BaseCatalogue
    """Of images that its Dockerfiles stand on."""
    source: re.Pattern[str]
    """What an address of its source, or an archive of it, holds."""
    prefixes: tuple[str, ...]
    """Of its CMake options."""
    static_option: str
    """Links its program statically."""
    wheel_steps: Callable[[Contents], Steps]
    """Configure steps that pip runs, in what a stage does."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Build:
    """One configure step."""

    stage: StageModel
    command: Command
    options: Mapping[str, Setting]
    """By name; the last of several counts."""
    static_option: str = ""

    @property
    def is_python(self) -> bool:
        """Whether pip builds it, as a library, with a CMake and a Ninja of its own."""
        return self.command.program in PIP

    @property
    def is_from_source(self) -> bool:
        """Whether pip compiles the package for certain: no other index is named, from which wheels may come."""
        return self.is_python and not any(word.text.startswith(_OTHER_INDEX) for word in self.command.words)

    def is_on(self, name: str) -> bool:
        """Whether it is switched on there; not where the value is not known."""
        setting = self.options.get(name)
        return setting is not None and setting.complete and is_true(setting.value)

    def is_off(self, name: str) -> bool:
        setting = self.options.get(name)
        return setting is not None and is_false(setting.value)

    def word(self, name: str | None = None) -> Word:
        """An option as it was written, else the program."""
        setting = self.options.get(name) if name else None
        return Word(text=setting.as_option, where=setting.where) if setting else self.command.words[0]

    def value(self, *names: str) -> str:
        """Of the first of some options and variables that is there."""
        for name in names:
            assigned = next((one for one in self.command.assigned if one.name == name), None)
            found = self.options.get(name) or assigned or self.stage.environment.get(name)
            if found is not None:
                return found.value
            if name in self.stage.arguments:
                return self.stage.arguments[name]
        return ""

    @property
    def flags(self) -> str:
        """All arguments and variables of compilers and linkers."""
        names = [name for name in self.options if name.endswith(("_FLAGS", "_RELEASE", "_INIT"))]
        variables = ("LDFLAGS", "CFLAGS", "CXXFLAGS", "CUDAFLAGS", "NVCC_PREPEND_FLAGS", "NVCC_APPEND_FLAGS")
        return " ".join(self.value(name) for name in (*names, *variables))

    @property
    def has_presets(self) -> bool:
        """Whether options come from a file of the tree too."""
        return any(word.text.startswith("--preset") for word in self.command.words)

    @property
    def is_static(self) -> bool:
        """Whether the program needs no libraries of the system at all."""
        return self.is_on(self.static_option) or bool(re.search(r"(?:^|[\s=])-static(?:\s|$)", self.flags))

    @property
    def shares_libraries(self) -> bool:
        return not self.is_off("BUILD_SHARED_LIBS") and not self.is_on(self.static_option)

    @property
    def gcc(self) -> int | None:
        """Major version of the GCC that compiles C++; None where it is another compiler, or unknown."""
        named = self.value("CMAKE_CXX_COMPILER", "CXX", "CMAKE_C_COMPILER", "CC")
        if found := _COMPILER.search(named):
            return int(found["version"])
        return self.stage.base.gcc if self.compiles_with_gcc else None

    @property
    def compiles_with_gcc(self) -> bool:
        named = self.value("CMAKE_CXX_COMPILER", "CXX", "CMAKE_C_COMPILER", "CC")
        return not re.search(r"clang|icx|icpx|icpc|hipcc|dpcpp|zig|armclang", named)


@dataclass(frozen=True, kw_only=True, slots=True)
class View:
    stages: tuple[StageModel, ...]
    image: StageModel
    sources: tuple[StageModel, ...]
    """Stages whose files may be in the image, itself first."""
    builds: tuple[Build, ...]
    """The configure steps in them."""
    matrix: Matrix
    build_number: int | None = None
    """Of the revision that the file pins, where it says so."""

    def stage_named(self, name: str) -> StageModel | None:
        """What `COPY --from=NAME` means, by name or number; None for an image."""
        for index, stage in enumerate(self.stages):
            if name.lower() in (stage.contents.stage.name, str(index)):
                return stage
        return None

    @property
    def builds_elsewhere(self) -> Iterator[Build]:
        """Builds whose stage is not in the image: only files of it are."""
        for build in self.builds:
            if not build.is_python and build.stage.contents not in self.image.chain:
                yield build

    def is_on(self, option: str) -> bool:
        """Whether a build switches a backend on, or the image stands on one that has it."""
        image = self.image.base.image
        return any(build.is_on(option) for build in self.builds) or (image is not None and option in image.backends)


def read_view(
    dockerfile: Dockerfile,
    contents: Sequence[Contents],
    matrix: Matrix,
    project: SourceProject,
    build_number: int | None = None,
) -> View | None:
    """None for a file without a stage."""
    stages = read_stages(dockerfile, contents, project.catalogue)
    if not stages:
        return None
    sources = sources_of(stages[-1], stages)
    ours = any(_clones(stage, project.source) for stage in stages)
    builds: list[Build] = []
    for stage in dict.fromkeys(id(one) for one in sources):
        model = next(one for one in sources if id(one) == stage)
        for part in model.chain:
            steps = (*part.steps, *project.wheel_steps(part))
            alternatives = _alternatives(part, steps, project.prefixes)
            for command, step in steps:
                if id(command) in alternatives:
                    continue
                options = {setting.name: setting for setting in step}
                build = Build(
                    stage=_owner(part, stages), command=command, options=options, static_option=project.static_option
                )
                named = any(name.startswith(project.prefixes) for name in options)
                if (ours or named or build.is_from_source) and build not in builds:
                    builds.append(build)
    return View(
        stages=stages, image=stages[-1], sources=sources, builds=tuple(builds), matrix=matrix, build_number=build_number
    )


def _alternatives(
    part: Contents, steps: Sequence[tuple[Command, tuple[Setting, ...]]], prefixes: tuple[str, ...]
) -> set[int]:
    """Configure steps, by identity, of which a RUN line makes one or another, with other backends:
    `if ...; then A; else B; fi`.
    """
    found: set[int] = set()
    for body in (one.body for one in part.stage.instructions if one.name == "RUN"):
        first, last = body.starts[0][1], body.starts[-1][1]
        inside = {
            id(command): frozenset(
                one.name
                for one in step
                if one.name.startswith(prefixes) and one.name.count("_") == 1 and is_true(one.value)
            )
            for command, step in steps
            if command.words and first <= (command.words[0].where.line or 0) <= last
        }
        if len(set(inside.values())) > 1 and re.search(r"\b(?:else|elif|case)\b", body.text):
            found |= set(inside)
    return found


def _owner(contents: Contents, stages: Sequence[StageModel]) -> StageModel:
    return next(one for one in stages if one.contents is contents)


def _clones(stage: StageModel, source: re.Pattern[str]) -> bool:
    return any(
        command.program in ("git", "wget", "curl", "tar") and any(source.search(word.text) for word in command.words)
        for command in stage.contents.commands
    )


def cuda_version(stage: StageModel) -> tuple[str, Word] | None:
    """The CUDA of a stage: of its packages, else of its image; and what says so."""
    for one in stage.packages.installed:
        if found := _CUDA_PACKAGE.fullmatch(one.name):
            return f"{found['major']}.{found['minor']}", one.word
        if found := _WHEEL.match(one.word.text):
            return found["version"], one.word
        if one.name in ("nvidia-cuda-toolkit", "nvidia-cuda-dev") and stage.base.facts.cuda:
            return stage.base.facts.cuda, one.word
    image = stage.base.image
    if image is not None and image.toolkit == "cuda" and stage.base.toolkit_version:
        return stage.base.toolkit_version, base_word(stage)
    return None


def base_word(stage: StageModel) -> Word:
    """The image that a stage stands on, where its FROM stands."""
    lowest = stage.chain[0]
    return Word(text=stage.base.text, where=Where(file=lowest.file, line=lowest.stage.line))
