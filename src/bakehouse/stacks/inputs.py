"""What a stack's plan is made from. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from bakehouse.model import cell as model
from bakehouse.model.cell import Resolution
from bakehouse.model.stack import Service
from bakehouse.model.stack_host import HostService
from bakehouse.planning.gpus import Target
from bakehouse.stacks.loaded import Loaded
from bakehouse.stacks.need import ModelFacts
from bakehouse.stacks.plan import StackMachine

NOTHING = HostService()


@dataclass(frozen=True, kw_only=True, slots=True)
class StackInputs:
    """What a plan is made from."""

    loaded: Loaded
    world: model.World
    resolution: Resolution
    machine: StackMachine
    targets: Mapping[int, Target]
    """What images run on each card, by its position."""
    facts: Mapping[str, ModelFacts] = field(default_factory=dict)
    """By service."""
    digests: Mapping[str, str] = field(default_factory=dict)
    """Cell to the digest of its image that passed."""
    measured: Mapping[str, int] = field(default_factory=dict)
    """Service to the bytes of memory that it took under load, with the same image, model and arguments."""
    rates: Mapping[str, float] = field(default_factory=dict)
    """Cell to the tokens a second that its newest run wrote for one user."""
    untested: bool = False
    """Whether images without a passed report may be used."""
    folder: str | None = None
    """Where relative paths of services' files are, if the stack runs here; None: beside what is rendered."""

    def service(self, name: str) -> Service:
        """With what the machine's file says of it instead."""
        service, host = self.loaded.stack.services[name], self.host_service(name)
        changes: dict[str, object] = {"env": {**service.env, **host.env}}
        if host.args is not None:
            changes["args"] = host.args
        if host.memory is not None:
            changes["card"] = service.card.model_copy(update={"memory": host.memory})
        return service.model_copy(update=changes)

    def host_service(self, name: str) -> HostService:
        host = self.loaded.host
        return host.services.get(name, NOTHING) if host else NOTHING
