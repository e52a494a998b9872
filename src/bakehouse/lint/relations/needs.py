"""What builds and images need: the form of `needs.yaml`."""

from __future__ import annotations

from typing import Literal

from bakehouse.model.field_types import Link, Model, Text


class ComponentNeed(Model):
    """One component that a build or its image must have."""

    component: Text
    place: Literal["build", "run", "image"]
    when: dict[Text, Literal["on", "off"]] = {}  # noqa: RUF012 - pydantic copies the defaults of its models
    unless: dict[Text, Literal["on", "off"]] = {}  # noqa: RUF012
    unless_given: Text | None = None
    """Not where this option has any value."""
    unless_flags: Text | None = None
    """Not where a compiler is told so."""
    unless_graphics: bool = False
    """Not where the host's container toolkit is asked for NVIDIA's own driver."""
    compiler: Literal["gcc"] | None = None
    """Only where this compiles it."""
    if_build_has: Text | None = None
    since_build: int | None = None
    """Only since this build number of the source, at the latest."""
    until_build: int | None = None
    """Only for files that pin an older build than this one."""
    why: Text
    instead: Text | None = None
    """Without one, the packages of the component."""
    or_else: Text | None = None
    link: Link | None = None


class ComponentNeeds(Model):
    """`needs.yaml`"""

    needs: tuple[ComponentNeed, ...]
