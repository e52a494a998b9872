"""`hosts:` of `matrix.yaml`: the machines that test what was built here."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field, model_validator

from bakehouse.model.field_types import Model, Name, PathInImage, Platform
from bakehouse.model.text_format import Format

HERE = "here"
"""The machine that builds, as a host."""

ContextName = Annotated[
    str,
    Format(
        pattern=r"^[A-Za-z0-9][A-Za-z0-9_.+-]*$",
        longest=100,
        expected="the name of a Docker context (docker context ls)",
    ),
]
SshAddress = Annotated[
    str,
    Format(
        pattern=r"^ssh://(?:[A-Za-z0-9._][A-Za-z0-9._-]*@)?[A-Za-z0-9](?:[A-Za-z0-9.-]*[A-Za-z0-9])?(?::[0-9]{1,5})?$",
        expected="an address like ssh://me@workstation or ssh://workstation:2222, without a password or a path",
    ),
]


class FleetHost(Model):
    """A machine with a Docker engine, and the cards that it has. Without an address: `here`, the one that builds."""

    context: ContextName | None = None
    """The Docker context that reaches its engine."""
    ssh: SshAddress | None = None
    """Where it is reached instead: `docker` runs there by ssh, with your keys and your ssh configuration."""
    socket: PathInImage = "/var/run/docker.sock"
    """Its engine's socket on that machine."""
    cards: Annotated[tuple[Name, ...], Field(min_length=1)]
    """What it tests on: names of `gpus`, and `cpu` for its processor."""
    platform: Platform | None = None
    """Without one: that of its cards, or linux/amd64."""

    @model_validator(mode="after")
    def _one_address(self) -> FleetHost:
        if self.context and self.ssh:
            raise ValueError("has context and ssh; one of them reaches it")
        return self

    @property
    def is_here(self) -> bool:
        """Whether it is the machine that builds."""
        return not (self.context or self.ssh)
