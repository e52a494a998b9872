"""`recipes/NAME/recipe.yaml`: one kind of image, what it installs, what it serves and how it is probed."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field, model_validator

from bakehouse.model.build import Build, CMakeBuild, Prebuilt
from bakehouse.model.cases import Case
from bakehouse.model.enums import AcceleratorName
from bakehouse.model.field_types import (
    Accelerator,
    Count,
    DebianPackage,
    EnvName,
    Line,
    Model,
    Name,
    OneLine,
    PathInImage,
    PathInside,
    Platform,
    Port,
    Rate,
    Seconds,
    Size,
    Tokens,
    UrlPath,
    UserAndGroup,
)
from bakehouse.model.serving import LOADING_STATUS, STOP_STATUSES, ServerName, Start
from bakehouse.model.text_format import Format
from bakehouse.model.work import MeasuredWork


class Runtime(Model):
    """What the image holds and how it starts."""

    packages: tuple[DebianPackage, ...] = ()
    """Debian packages of the runtime stage."""
    user: UserAndGroup = "65532:65532"
    """Numeric uid:gid, so that Kubernetes can check `runAsNonRoot`."""
    port: Port
    entrypoint: Annotated[tuple[Line, ...], Field(min_length=1)]
    healthcheck: tuple[Line, ...] = ()
    """The health check's program and arguments; without any, the template's own, which asks `probes.health.path`."""
    command: tuple[Line, ...] = ()
    env: dict[EnvName, OneLine] = {}
    shm: Size | None = None
    """Size of /dev/shm, which processes of one server share; a container has 64 MiB otherwise."""
    size_budget: Size
    """The most the unpacked image may weigh; more fails the proof."""
    size_budgets: dict[Accelerator, Size] = {}
    """The same for accelerators whose libraries weigh more."""


class Health(Model):
    """How one sees that the server serves."""

    path: UrlPath = "/health"
    """Without one, that of the recipe's family of servers."""
    loading: Annotated[int, Field(ge=400, le=599)] | None = LOADING_STATUS
    """Status while the model loads: a client tells it from a server that is dead. Null: its port is closed until then.
    Without one, the family's."""
    start_period: Seconds = 120.0
    """Seconds a container may take to become healthy."""
    stop_grace: Seconds = 10.0
    """Seconds between SIGTERM and the exit."""
    stopped: tuple[Annotated[int, Field(ge=0, le=255)], ...] = STOP_STATUSES
    """Exit statuses that say that it was told to end. Without any, the family's."""


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
    """The rates of tokens, by the API of the recipe's family of servers. Other work is measured by `work`."""

    model: Name
    """Name in the matrix's `models`."""
    prompt_tokens: Tokens = 512
    output_tokens: Tokens = 128
    starts: Count = 3
    """Container starts; noise between starts is larger than within one."""
    repetitions: Count = 5
    """Repetitions in each start."""
    workloads: tuple[Load, ...] = ()
    """What is measured beside pp and tg; a server is started for each."""
    workload_repetitions: Count = 2
    """Repetitions of those in each start: each holds many requests."""
    limits: Limits = Limits()
    """What counts as good in `goodput`."""


class Probes(Model):
    """What is asked of a running container."""

    health: Health = Health()
    throughput: Throughput | None = None
    work: MeasuredWork | None = None
    """Work in units of its own: embeddings, images, detections."""
    model: Name | None = None
    """Name in the matrix's `models`: what is served while it is probed, where no token rates are measured."""
    cases: tuple[Case, ...] = ()
    """Probes of the recipe's own, each a row in the report."""
    memory_limit: Size = "4GiB"
    args: tuple[Line, ...] = ()
    """Arguments the server gets while it is probed, beside model, host and port."""
    env: dict[EnvName, OneLine] = {}
    """Variables it gets while it is probed, as a user gives them: a key, backends."""
    mounts: dict[PathInside, PathInImage] = {}
    """Files and folders below the recipe's to paths in the container, read-only: a repository of models."""

    @model_validator(mode="after")
    def _names_once(self) -> Probes:
        names = [case.name for case in self.cases]
        if twice := sorted({name for name in names if names.count(name) > 1}):
            raise ValueError(f"cases are listed twice: {', '.join(twice)}; give each a name of its own")
        if self.model and self.throughput:
            raise ValueError("names a model and throughput, which names one itself; leave out the first")
        return self

    @property
    def served_model(self) -> str | None:
        """The model that is served while it is probed."""
        return self.throughput.model if self.throughput else self.model


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
    platforms: tuple[Platform, ...] = ()
    """Values of the platform axis that it takes; without any, all."""
    server: ServerName = "http"
    """The family of servers: how it is started, asked and measured."""
    start: Start = Start()
    """Where it is started otherwise than its family."""
    by_default: bool = True
    """Whether it is built where nobody says what to build; if not, only when it is asked for."""
    build: Build
    runtime: Runtime
    probes: Probes = Probes()

    @model_validator(mode="after")
    def _prebuilt_for_each_accelerator(self) -> Recipe:
        if isinstance(self.build, CMakeBuild):
            return self  # a combination without a backend is excluded, and says so
        bare = {AcceleratorName.CPU} if self.build.kind == "wheels" else set()
        missing = [name for name in self.accelerators if name not in {*self.build.backends, *bare}]
        if missing:
            raise ValueError(
                f"the recipe serves {', '.join(missing)}, and build.backends does not say what is installed for it"
            )
        return self

    @property
    def cmake(self) -> CMakeBuild | None:
        """How it is compiled; None where it is not."""
        return self.build if isinstance(self.build, CMakeBuild) else None

    @property
    def compiled(self) -> CMakeBuild:
        """How it is compiled. Raises ValueError where it is not."""
        if self.cmake is None:
            raise ValueError(f"a recipe of kind {self.build.kind} is not compiled")
        return self.cmake

    def prebuilt(self, accelerator: AcceleratorName) -> Prebuilt | None:
        """What comes compiled for an accelerator; None where nothing special does, or all is compiled here."""
        return None if isinstance(self.build, CMakeBuild) else self.build.backends.get(accelerator)
