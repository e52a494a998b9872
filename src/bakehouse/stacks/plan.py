"""A stack with everything decided: image, card, port, limits, probe. Renderers only translate it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal

from bakehouse.model.enums import AcceleratorName
from bakehouse.model.serving import ServerName
from bakehouse.model.stack import Rights, StackLoad, StackProbe
from bakehouse.model.stack_host import Sharing

CONTAINER_MODELS = "/models"
"""Where a service finds its model, in every format."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Slot:
    """A card of the machine as the plan knows it."""

    index: int
    """Position in the host's list."""
    accelerator: AcceleratorName
    name: str
    arch: str | None
    memory: int | None
    """Bytes."""
    id: str
    """As the container toolkit calls it: `0`, `GPU-...`."""
    render: str | None = None
    sharing: Sharing = "none"
    unified: bool = False
    mig: str | None = None
    """Profile of a MIG instance: `1g.10gb`."""
    pci: tuple[str, ...] = ()

    def __str__(self) -> str:
        return f"card {self.index} ({self.name})"


@dataclass(frozen=True, kw_only=True, slots=True)
class StackMachine:
    """What a stack is laid out on."""

    name: str
    platform: str
    memory: int | None
    driver: str | None
    slots: tuple[Slot, ...]
    reserve: int
    """Bytes that stay free on each card."""
    registry: str | None = None
    models: str = "./models"
    video_group: int = 44
    render_group: int = 992


@dataclass(frozen=True, kw_only=True, slots=True)
class Need:
    """Bytes that a service takes of a card, or of the machine's memory where it computes on the processor."""

    bytes: int
    how: Literal["declared", "measured", "computed", "probed"]
    """declared: a person wrote it; measured: by an earlier run; computed: from the model's header; probed: the limit
    that the image was probed within."""
    parts: Mapping[str, int] = field(default_factory=dict)
    """Of a computed one: weights, cache, compute, context of the driver."""
    cells: int | None = None
    """Tokens of context that it was computed for."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Mount:
    source: str
    """A path of the machine, or the name of a volume."""
    target: str
    kind: Literal["path", "volume", "rendered", "secret"] = "path"
    """rendered: a file of ours, by its path beside compose.yaml; secret: a file that its owner makes."""
    writable: bool = False
    model: bool = False
    """Whether it belongs to the served model: on Kubernetes it is in the volume of models."""
    row: bool = False
    """Whether its folder is named by the matrix's row of the model."""


@dataclass(frozen=True, kw_only=True, slots=True)
class HealthCheck:
    """How one sees that it serves. Times are seconds."""

    path: str
    command: tuple[str, ...]
    """The same, by a program of the image."""
    start_period: int
    interval: int = 10
    timeout: int = 5
    retries: int = 3


@dataclass(frozen=True, kw_only=True, slots=True)
class Scrape:
    path: str
    port: int


@dataclass(frozen=True, kw_only=True, slots=True)
class Dependency:
    service: str
    required: bool = True
    """False: it has a profile, and nobody may have asked for it."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Loose:
    right: Rights
    reason: str


@dataclass(frozen=True, kw_only=True, slots=True)
class Planned:
    """One service."""

    name: str
    summary: str
    image: str
    """With its digest, where one is known."""
    tested: bool
    """Whether that very digest passed."""
    cell: str
    recipe: str
    server: ServerName
    accelerator: AcceleratorName
    platform: str
    args: tuple[str, ...]
    env: Mapping[str, str]
    port: int
    publish: tuple[str, int] | None
    user: str
    health: HealthCheck
    stop_grace: int
    memory: int
    """Limit of the container, bytes."""
    cpus: float | None
    pids: int
    shm: int | None
    mounts: tuple[Mount, ...]
    needs: tuple[Dependency, ...]
    profile: str | None
    slots: tuple[Slot, ...]
    """Cards that it gets; none: the processor."""
    whole: bool
    need: Need
    """On each card, or in memory."""
    loose: tuple[Loose, ...]
    scrape: Scrape | None
    driver_floor: str | None = None
    archs: tuple[str, ...] = ()
    serves: str | None = None
    """What requests call its model."""

    @property
    def on_card(self) -> bool:
        return bool(self.slots)

    def may(self, right: Rights) -> str | None:
        """Why it has this right; None: it has not."""
        return next((one.reason for one in self.loose if one.right == right), None)


@dataclass(frozen=True, kw_only=True, slots=True)
class PlannedGateway:
    service: str
    routes: tuple[str, ...]
    probe_every: int
    key: str | None
    """A file with what clients must send; None: no key is asked for."""


@dataclass(frozen=True, kw_only=True, slots=True)
class PlannedMetrics:
    service: str | None
    every: int
    expected: Mapping[str, float]


@dataclass(frozen=True, kw_only=True, slots=True)
class StackPlan:
    name: str
    summary: str
    machine: StackMachine
    services: tuple[Planned, ...]
    """In the order of the file."""
    gateway: PlannedGateway | None
    metrics: PlannedMetrics
    probes: tuple[StackProbe, ...]
    load: StackLoad | None

    def service(self, name: str) -> Planned:
        return next(one for one in self.services if one.name == name)

    @property
    def profiles(self) -> tuple[str, ...]:
        return tuple(dict.fromkeys(one.profile for one in self.services if one.profile))

    def on(self, slot: Slot) -> tuple[Planned, ...]:
        """Services that compute on a card."""
        return tuple(one for one in self.services if any(used.index == slot.index for used in one.slots))

    def left(self, slot: Slot) -> int | None:
        """Free bytes of a card, without the reserve; None: it is unknown how many it has."""
        if slot.memory is None:
            return None
        return slot.memory - self.machine.reserve - sum(one.need.bytes for one in self.on(slot))
