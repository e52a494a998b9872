"""What is known of servers of others: data, `servers.yaml`."""

from __future__ import annotations

import fnmatch
import functools
from importlib import resources
from typing import Annotated, Literal

from pydantic import Field

from bakehouse.config.load import validate
from bakehouse.config.yaml_document import parse
from bakehouse.lint.finding import Severity
from bakehouse.lint.stages.references import ShortReference, read_reference
from bakehouse.model.field_types import Link, Model, Text

FILE = "servers.yaml"


class KnownImage(Model):
    """A kind of image that the vendor publishes."""

    names: Annotated[tuple[Text, ...], Field(min_length=1)]
    tags: tuple[Text, ...] = ()
    accelerator: Literal["cuda", "rocm", "xpu"] | None = None
    """Cards without which it ends, or does what nobody uses it for."""
    starts: bool = False
    """Whether its entrypoint is the server, so that a command holds arguments only."""
    alone: Text | None = None
    """The word that its entrypoint wants before arguments, and that its own command has."""

    def is_for(self, reference: ShortReference) -> bool:
        named = reference.is_named(self.names)
        return named and (not self.tags or any(fnmatch.fnmatchcase(reference.tag, tag) for tag in self.tags))


class ToldBy(Model):
    """Where a server listens, unless it is told otherwise."""

    default: int | Text
    options: tuple[Text, ...] = ()
    variables: tuple[Text, ...] = ()


class Known(Model):
    """What is known of an option or a variable."""

    names: Annotated[tuple[Text, ...], Field(min_length=1)]
    above: float | None = None
    """Only where its number is larger."""
    unless: Text | None = None
    """Of variables: a pattern that right values have."""
    severity: Annotated[Severity, Field(strict=False)] = Severity.ERROR
    only_image: bool = False
    """Only where the vendor's own entrypoint runs: a script of somebody may read the variable."""
    why: Text
    instead: Text


class OtherServer(Model):
    """One server, by its images and its program."""

    title: Text
    images: tuple[KnownImage, ...] = ()
    programs: tuple[Text, ...] = ()
    port: ToldBy
    host: ToldBy
    others: dict[Text, ToldBy] = {}  # noqa: RUF012 - pydantic copies the defaults of its models
    """Further ports."""
    workers: tuple[Text, ...] = ()
    health: Text
    healthless: bool = False
    lacks: tuple[Text, ...] = ()
    needs_itself: tuple[Text, ...] = ()
    """Commands of its program that ask the server, which has to run."""
    clashes: tuple[Text, ...] = ()
    """Variables that it reads as numbers, and that Kubernetes sets to an address for a Service of that name."""
    asks: Text | None = None
    """A program of its own that asks for its health."""
    keeps: Text | None = None
    """The folder in which it keeps what it has fetched."""
    arguments: tuple[Known, ...] = ()
    environment: tuple[Known, ...] = ()
    link: Link


class _File(Model):
    servers: tuple[OtherServer, ...]
    healthless: tuple[Text, ...]


@functools.cache
def _load() -> _File:
    text = resources.files("bakehouse.servers.others").joinpath(FILE).read_text(encoding="utf-8")
    return validate(parse(text, file=FILE), _File)


def servers() -> tuple[OtherServer, ...]:
    return _load().servers


def find_image(reference: str) -> tuple[OtherServer, KnownImage] | None:
    """The server of a published image."""
    read = read_reference(reference)
    return next(((one, image) for one in servers() for image in one.images if image.is_for(read)), None)


def has_no_health_check(reference: str) -> bool:
    """Whether an image is known to come without one."""
    return read_reference(reference).is_named(_load().healthless)
