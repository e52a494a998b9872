"""`stacks/hosts/NAME.yaml`: the machine that the services of a stack run on."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field

from bakehouse.model.field_types import (
    DriverVersion,
    EnvName,
    FileVersion,
    Line,
    Model,
    Name,
    OneLine,
    PathOnThisMachine,
    Platform,
    Size,
)
from bakehouse.model.stack import ServiceName
from bakehouse.model.text_format import Format

CardId = Annotated[
    str,
    Format(
        pattern=r"^(?:[0-9]{1,3}(?::[0-9]{1,3})?|(?:GPU|MIG)-[0-9a-fA-F-]{36})$",
        expected='a card\'s number in quotes, like "0", or its UUID (nvidia-smi -L), like GPU-... or MIG-...',
    ),
]
MigProfile = Annotated[
    str, Format(pattern=r"^[1-7]g\.[0-9]{1,3}gb$", longest=16, expected="a profile of MIG like 1g.10gb"),
]  # fmt: skip
RenderNode = Annotated[
    str, Format(pattern=r"^/dev/dri/renderD[0-9]{3}$", expected="a render node like /dev/dri/renderD128"),
]  # fmt: skip
GroupId = Annotated[int, Field(ge=1, le=2**31 - 1)]
ImagePrefix = Annotated[
    str,
    Format(
        pattern=r"^[A-Za-z0-9](?:[A-Za-z0-9.-]*[A-Za-z0-9])?(?::[0-9]{1,5})?(?:/[a-z0-9]+(?:[._-][a-z0-9]+)*)*$",
        expected="a registry with or without a path, like ghcr.io/someone",
    ),
]
Sharing = Literal["none", "time-slicing", "mps", "shared-dev-num"]
"""How Kubernetes hands one card to several pods."""


class HostCard(Model):
    """A card of the machine."""

    gpu: Name
    """A card of the catalogue."""
    id: CardId | None = None
    """As the container toolkit calls it; without it, its position in this list."""
    memory: Size | None = None
    """Where it is not the catalogue's."""
    render: RenderNode | None = None
    """Of AMD's and Intel's cards."""
    sharing: Sharing = "none"
    mig: MigProfile | None = None
    """Of a MIG instance, which is a card of its own here: with its `memory`, and its UUID as `id`."""
    unified: bool = False
    """Whether its memory is the machine's own, as on DGX Spark."""


class HostService(Model):
    """What a service gets on this machine instead of what the stack says or the solver finds."""

    cards: Annotated[tuple[Annotated[int, Field(ge=0, le=63)], ...], Field(min_length=1)] | None = None
    """Positions in `cards`."""
    memory: Size | None = None
    """On each of them."""
    args: tuple[OneLine, ...] | None = None
    env: dict[EnvName, OneLine] = {}


class HostFile(Model):
    """`stacks/hosts/NAME.yaml`: a machine, and which service gets what of it."""

    version: FileVersion
    summary: Line
    platform: Platform = "linux/amd64"
    memory: Size | None = None
    """The machine's own."""
    driver: DriverVersion | None = None
    """NVIDIA's, where there is one."""
    registry: ImagePrefix | None = None
    """Where the images were pushed to; without it, they are in the engine's own store."""
    models: PathOnThisMachine = "./models"
    """The folder with the files of the matrix's models."""
    video_group: GroupId = 44
    render_group: GroupId = 992
    """Numbers of the groups that own /dev/kfd and the render nodes: `stat -c %g /dev/dri/renderD128`."""
    cards: tuple[HostCard, ...] = ()
    reserve: Size = "512 MiB"
    """What stays free on each card."""
    services: dict[ServiceName, HostService] = {}
    """What overrides the solver."""
