"""What a host reports of itself, and how the agent's lines are distinguished from the suite's."""

from __future__ import annotations

from pydantic import Field

from bakehouse.model.machine import Machine
from bakehouse.model.report import Host, Record

ANSWER = "bakehouse-answer: "
"""Starts the line with what was asked for, as JSON."""
ALIVE = "bakehouse-alive"
"""Said every few seconds by an agent that has nothing else to say."""
ENDED = "bakehouse-ended: "
"""Starts an agent's last line: the exit status of what it did."""
BEAT = 5.0
"""Seconds between two signs of life."""
SILENCE = 60.0
"""Seconds without any word after which a host counts as lost."""
SOCKET = "/var/run/docker.sock"
"""Of the host's engine, inside the agent's container."""


class HostFacts(Record):
    """Of the machine, read on the machine."""

    host: Host
    machine: Machine
    bandwidths: dict[str, float] = Field(default_factory=dict)
    """Bytes a second of the memory of its cards, by their name, where the driver tells."""
    models: list[str] = Field(default_factory=list)
    """sha256 of those that it has."""
