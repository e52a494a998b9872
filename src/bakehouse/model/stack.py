"""`stacks/NAME.yaml`: services that run together."""

from __future__ import annotations

import ipaddress
from typing import Annotated, Literal

from pydantic import AfterValidator, Field, model_validator

from bakehouse.model.cases import Expected, HttpRequest, require_expression
from bakehouse.model.field_types import (
    Count,
    EnvName,
    FileVersion,
    Line,
    Model,
    Name,
    OneLine,
    PathInImage,
    PathOnThisMachine,
    Port,
    Seconds,
    Size,
    Text,
    Tokens,
    UrlPath,
)
from bakehouse.model.text_format import Format

ServiceName = Annotated[
    str,
    Format(
        pattern=r"^[a-z](?:[a-z0-9]|-(?=[a-z0-9])){0,39}$",
        longest=40,
        expected="a DNS label: lower-case letters and digits with single '-' between them, a letter first",
    ),
]
"""Other services reach it by this name, in every format."""
CellName = Annotated[
    str,
    Format(pattern=r"^[a-z0-9]+(?:[.-][a-z0-9]+)*$", longest=160, expected="a cell, like embedder-cpu-amd64"),
]
Address = Annotated[
    str,
    Format(
        check=ipaddress.ip_address,
        pattern=r"^[0-9a-fA-F.:]+$",
        expected="an IP address of the machine, like 127.0.0.1 or 0.0.0.0",
    ),
]
ServedName = Annotated[
    str,
    Format(
        pattern=r"^[A-Za-z0-9](?:[A-Za-z0-9._/-]*[A-Za-z0-9])?$",
        longest=128,
        expected="what requests call a model, like qwen3-8b or Qwen/Qwen3-8B",
    ),
]
ServiceAccelerator = Literal["any", "cpu", "cuda", "rocm", "xpu", "vulkan"]
Rights = Literal[
    "writable-root", "capabilities", "new-privileges", "root-user", "process-limit", "memory-lock", "shared-ipc"
]
"""What a service may be allowed beyond the list that all have: `stacks/hardening.py`."""


class ServedModel(Model):
    """What a service serves: a row of the matrix's `models`, or a file or folder of the machine."""

    name: Name | None = None
    """Row in the matrix's `models`."""
    file: PathOnThisMachine | None = None
    folder: PathOnThisMachine | None = None
    """With everything that belongs to the model: safetensors, config.json, tokenizer."""

    @model_validator(mode="after")
    def _one(self) -> ServedModel:
        if len([one for one in (self.name, self.file, self.folder) if one]) != 1:
            raise ValueError("must name one of: name (a row of matrix.yaml's models), file, folder")
        return self


class CardShare(Model):
    """What a service takes of cards."""

    count: Annotated[int, Field(ge=1, le=16)] = 1
    """Cards that it spreads over."""
    whole: bool = False
    """Whether nothing else may use them."""
    memory: Size | None = None
    """What it takes on each of them, measured or promised. Without it, what was measured or can be computed."""


class Loosened(Model):
    """A right that all other services go without."""

    right: Rights
    reason: Line
    """Rendered as a comment beside it."""


class Published(Model):
    """A port of the machine that leads to the service."""

    port: Port
    address: Address = "127.0.0.1"


class Service(Model):
    """One container, or one pod."""

    summary: Line | None = None
    recipe: Name | None = None
    """The cell of it that fits the card best is taken."""
    cell: CellName | None = None
    """This very cell."""
    accelerator: ServiceAccelerator = "any"
    """Of the recipe's cells; any: what the machine's cards run, else the processor."""
    model: ServedModel | None = None
    args: tuple[OneLine, ...] = ()
    """Arguments beside model and port."""
    env: dict[EnvName, OneLine] = {}
    port: Port | None = None
    """In the container; without it, the recipe's."""
    publish: Published | None = None
    """Reachable from outside of the stack. Usually the gateway alone."""
    card: CardShare = CardShare()
    memory: Size | None = None
    """Limit of the container's memory; without it, what the recipe was probed with and what the model needs."""
    cpus: Annotated[float, Field(gt=0, le=1024, allow_inf_nan=False)] | None = None
    shm: Size | None = None
    """Size of /dev/shm: what processes of one service share."""
    needs: tuple[ServiceName, ...] = ()
    """Services that must be healthy before it starts."""
    profile: ServiceName | None = None
    """Started only when somebody asks for this profile."""
    start: Seconds | None = None
    """Seconds it may take until it is healthy; without it, the recipe's, or more where the model is large."""
    files: dict[PathInImage, PathOnThisMachine] = {}
    """Further files and folders, read-only: path in the container to path on the machine."""
    keeps: dict[PathInImage, ServiceName] = {}
    """Folders that it writes to and that outlive it: path in the container to the name of a volume."""
    loosen: tuple[Loosened, ...] = ()
    figures: Scraped | None = None
    """Where it is not as its family of servers has it."""
    serves: ServedName | None = None
    """What requests call its model, where a gateway chooses by it."""

    @model_validator(mode="after")
    def _one_image(self) -> Service:
        if (self.recipe is None) == (self.cell is None):
            raise ValueError("must say which image it is: recipe: NAME, or cell: NAME, and not both")
        return self


class Scraped(Model):
    """Where a service tells its figures."""

    path: UrlPath = "/metrics"
    port: Port | None = None
    """In the container; without it, the one that it serves at."""


class Gateway(Model):
    """The service that others are reached through."""

    service: ServiceName
    routes: Annotated[tuple[ServiceName, ...], Field(min_length=1)]
    """Services that it chooses among by the model that a request names."""
    probe_every: Seconds = 5.0
    """Seconds between two looks at each of them."""
    key: PathOnThisMachine | None = None
    """A file of the machine with the key that clients must send. Without it no key is asked for."""


class Metrics(Model):
    """Who gathers the figures."""

    service: ServiceName | None = None
    """Prometheus in the stack; None: it runs elsewhere, and its configuration is rendered all the same."""
    every: Annotated[int, Field(ge=1, le=3600)] = 15
    """Seconds between two scrapes."""
    expected: dict[ServiceName, Annotated[float, Field(gt=0, le=1e9, allow_inf_nan=False)]] = {}
    """Tokens a second that a service made when it was measured: a line in the dashboard. Without it, its report's."""


class StackStep(Model):
    """One request of a probe, and what is taken from its answer for the next one."""

    to: ServiceName
    http: HttpRequest
    expect: Expected = Expected()
    take: dict[Name, Annotated[Text, AfterValidator(require_expression)]] = {}
    """Name to a JMESPath expression on the answer: `{NAME}` in later bodies is replaced by what it finds."""
    stream: bool = False
    """Whether the answer must come in pieces (server-sent events) and say its end."""
    timeout: Seconds = 60.0


class StackProbe(Model):
    """Requests in a row, end to end."""

    name: Name
    steps: Annotated[tuple[StackStep, ...], Field(min_length=1)]


class StackLoad(Model):
    """What the whole stack is loaded with while its services are killed in turn."""

    users: Count = 2
    """At the same time, for each model."""
    prompt_words: Count = 32
    output_tokens: Tokens = 16
    seconds: Annotated[float, Field(ge=1, le=3600, allow_inf_nan=False)] = 20.0


class Stack(Model):
    """`stacks/NAME.yaml`: services that run together."""

    version: FileVersion
    summary: Line
    services: Annotated[dict[ServiceName, Service], Field(min_length=1)]
    gateway: Gateway | None = None
    metrics: Metrics = Metrics()
    probes: tuple[StackProbe, ...] = ()
    load: StackLoad | None = None
    host: Name | None = None
    """The machine in `stacks/hosts/` that it is rendered for by default."""
