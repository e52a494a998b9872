"""`recipes/NAME/recipe.yaml`: one kind of image, what it installs, what it serves and how it is probed."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field, model_validator

from bakehouse.model.field_types import (
    Accelerator,
    CMakeOption,
    CMakeTarget,
    Count,
    DebianPackage,
    DriverVersion,
    EnvName,
    FilesInImage,
    FolderInImage,
    Line,
    Link,
    Model,
    Name,
    OneLine,
    PathInImage,
    Platform,
    Port,
    Rate,
    Seconds,
    Size,
    Text,
    Tokens,
    ToolkitVersion,
    UrlPath,
    UserAndGroup,
)
from bakehouse.model.text_format import Format

CpuVariant = Annotated[
    str,
    Format(
        pattern=r"^[a-z0-9]+(?:[._][a-z0-9]+)*$",
        longest=32,
        expected="a variant of ggml's CPU backend, like haswell or armv8.2_2",
    ),
]
"""As ggml calls it: `haswell`, `armv8.2_2`."""


class CpuVariants(Model):
    """Which CPU variants of ggml a platform gets, as plugins chosen at start-up."""

    platform: Platform
    variants: Annotated[tuple[CpuVariant, ...], Field(min_length=1)]


class Cross(Model):
    """How a backend is compiled for another platform than the one that builds."""

    cmake: dict[CMakeOption, OneLine] = {}
    """Options beyond the backend's own; the compilers for C and C++ are set."""
    env: dict[EnvName, OneLine] = {}
    """Environment of the configure step and the build."""
    folders: tuple[PathInImage, ...] = ()
    """Folders with headers and libraries, taken from the build base for that platform, where nothing is ever run."""


class DriverDemand(Model):
    """An option whose value makes code that asks for a newer driver than the toolkit does."""

    option: CMakeOption
    values: Annotated[tuple[OneLine, ...], Field(min_length=1)]
    """Those that ask for it."""
    first_toolkit: ToolkitVersion | None = None
    """Oldest toolkit with which the option does anything."""
    driver: DriverVersion
    reason: Line
    """One clause: what older drivers cannot do."""
    link: Link | None = None


class Backend(Model):
    """What an accelerator's backend of this source takes: options, packages, plugins."""

    cmake: dict[CMakeOption, OneLine] = {}
    """Options that switch it on."""
    archs_option: CMakeOption | None = None
    """The option that takes the list of archs, for example `CMAKE_CUDA_ARCHITECTURES`."""
    driver_demands: tuple[DriverDemand, ...] = ()
    """Options that raise the driver floor of a cell."""
    plugins: Annotated[tuple[Name, ...], Field(min_length=1)]
    """CMake targets of its plugins, for example `ggml-cuda`."""
    build_packages: tuple[DebianPackage, ...] = ()
    """Debian packages of the stage that compiles it, beyond `build.packages`."""
    runtime_packages: tuple[DebianPackage, ...] = ()
    """Debian packages of the image: what the plugin links to is copied, so these are what it loads by name."""
    runtime_files: dict[FilesInImage, FolderInImage] = {}
    """Files of the build base that are loaded by name: pattern (`*`, `{arch}`) to the folder beside the plugin."""
    optional_runtime_files: dict[FilesInImage, FolderInImage] = {}
    """The same where the toolkit has them for the arch; a pattern that matches nothing is no error."""
    env: dict[EnvName, OneLine] = {}
    """Environment of the image."""
    cross: Cross = Cross()


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
    host_targets: Annotated[tuple[CMakeTarget, ...], Field(min_length=1)]
    """CMake targets of the host part."""
    cpu_variants: tuple[CpuVariants, ...] = ()
    backends: dict[Accelerator, Backend] = {}
    """One for each accelerator but `cpu`."""
    web_ui: bool = False
    """Whether the server carries its own web page, built from the npm registry."""


class Runtime(Model):
    """What the image holds and how it starts."""

    packages: tuple[DebianPackage, ...] = ()
    """Debian packages of the runtime stage."""
    user: UserAndGroup = "65532:65532"
    """Numeric uid:gid, so that Kubernetes can check `runAsNonRoot`."""
    port: Port
    entrypoint: Annotated[tuple[Line, ...], Field(min_length=1)]
    command: tuple[Line, ...] = ()
    env: dict[EnvName, OneLine] = {}
    size_budget: Size
    """The most the unpacked image may weigh; more fails the proof."""
    size_budgets: dict[Accelerator, Size] = {}
    """The same for accelerators whose libraries weigh more."""


class Health(Model):
    """How one sees that the server serves."""

    path: UrlPath = "/health"
    start_period: Seconds = 120.0
    """Seconds a container may take to become healthy."""
    stop_grace: Seconds = 10.0
    """Seconds between SIGTERM and the exit."""


class Question(Model):
    """A prompt whose greedy answer is known."""

    prompt: Text
    expect: Text
    """A word the answer must contain (case does not matter)."""


class Limits(Model):
    """What a user still calls quick, in seconds. A request that keeps all of them counts for goodput."""

    ttft: Seconds | None = None
    tpot: Seconds | None = None
    latency: Seconds | None = None


class Chat(Model):
    """Conversations in natural text, through the server's chat template; `users` at the same time."""

    kind: Literal["chat"]
    users: Count = 1
    prompt_words: Count = 100
    output_tokens: Tokens = 64
    spread: Annotated[float, Field(ge=0, lt=1, allow_inf_nan=False)] = 0.5
    """Requests ask for up to this share more or fewer tokens; each repetition asks for the same lengths."""
    requests: Count = 8


class Sweep(Model):
    """The same requests by 1..N users, each of whom asks again as soon as he is answered (closed loop)."""

    kind: Literal["sweep"]
    users: Annotated[tuple[Count, ...], Field(min_length=1)] = (1, 2, 4)
    prompt_words: Count = 48
    output_tokens: Tokens = 32
    requests_each: Count = 3
    """Requests of each user."""


class Arrivals(Model):
    """Requests that come at random moments (Poisson), whether earlier ones are answered or not (open loop)."""

    kind: Literal["arrivals"]
    rate: Rate = 1.0
    """Requests a second, on average."""
    requests: Count = 16
    slots: Count = 4
    """Requests that the server works on at the same time; others wait in its queue."""
    prompt_words: Count = 48
    output_tokens: Tokens = 32
    seed: Annotated[int, Field(ge=0, le=(1 << 63) - 1)] = 1
    """Of the moments: each repetition and each run has the same."""


class LongContext(Model):
    """One long document and a short answer."""

    kind: Literal["long-context"]
    prompt_words: Count = 1500
    output_tokens: Tokens = 16
    requests: Count = 1


Load = Annotated[Chat | Sweep | Arrivals | LongContext, Field(discriminator="kind")]


class Throughput(Model):
    """The rates that are measured."""

    model: Name
    """Name in the matrix's `models`."""
    prompt_tokens: Tokens = 512
    output_tokens: Tokens = 128
    starts: Count = 3
    """Container starts; noise between starts is larger than within one."""
    repetitions: Count = 5
    """Repetitions in each start."""
    question: Question | None = None
    workloads: tuple[Load, ...] = ()
    """What is measured beside pp and tg; a server is started for each."""
    workload_repetitions: Count = 2
    """Repetitions of those in each start: each holds many requests."""
    limits: Limits = Limits()
    """What counts as good in `goodput`."""
    api: Literal["llama-server", "openai"] = "llama-server"
    """`openai`: /v1/completions and /v1/chat/completions only, as vLLM and others speak them."""


class Probes(Model):
    """What is asked of a running container."""

    health: Health = Health()
    throughput: Throughput | None = None
    memory_limit: Size = "4GiB"
    args: tuple[Line, ...] = ()
    """Arguments the server gets while it is probed, beside model, host and port."""


Template = Annotated[
    str,
    Format(
        pattern=r"^[a-z0-9][a-z0-9.-]*\.Dockerfile\.j2$",
        expected="a file in dockerfiles/ whose name ends with .Dockerfile.j2",
    ),
]


class Recipe(Model):
    """`recipes/NAME/recipe.yaml`: one kind of image, what it installs, what it serves and how it is probed."""

    summary: Line
    template: Template
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
