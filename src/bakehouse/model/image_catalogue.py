"""`catalogue.json`: what channels name, for which card it is, and what is known of it. Other programs read it."""

from __future__ import annotations

from datetime import date, datetime
from typing import Annotated, Any, Literal

from pydantic import ConfigDict, Field

from bakehouse.model.report import Record

CATALOGUE_SCHEMA = 1


class Entry(Record):
    model_config = ConfigDict(extra="ignore", frozen=True, allow_inf_nan=False)


class PlatformImage(Entry):
    """One platform of an image: a cell."""

    platform: str
    digest: str
    cell: str
    bytes_compressed: int | None = None
    """What is pulled."""
    bytes_unpacked: int | None = None
    commit: str = ""
    """Of the repository with matrix.yaml that it was built from; empty where none is signed."""
    started: datetime | None = None
    """When the run began that built it."""


class Figure(Entry):
    """A rate or a time, as it was measured on one machine."""

    cell: str
    machine: str
    """For people: `NVIDIA GeForce RTX 5090`, `AMD EPYC 9354, 2 cores`."""
    device: str
    """`cpu`, or the card as its driver calls it."""
    workload: str
    metric: str
    unit: str
    median: float
    low: float | None = None
    high: float | None = None
    grade: str
    """exact, noisy or void."""
    time: str = ""


class Tested(Entry):
    """What one run asked the image."""

    cell: str
    result: str
    passed: int
    skipped: int
    failed: list[str] = []
    time: str = ""


class Event(Entry):
    """What became of the channel."""

    kind: Literal["moved", "confirmed", "rolled-back"]
    digest: str
    tag: str = ""
    time: datetime
    runs: list[str] = []


class PublishedImage(Entry):
    """What one channel names for one variant."""

    channel: str
    recipe: str
    variant: str
    """The cell without its recipe and platform: `cuda12.9-sm120`."""
    repository: str
    """`ghcr.io/me/embedder`."""
    digest: str
    """Of the index."""
    tags: list[str] = []
    """Those of the channel that move, then the one that never does."""
    title: str = ""
    version: str = ""
    revision: str = ""
    """Commit of the server's source."""
    accelerator: str = ""
    toolkit: str = ""
    """`cuda 12.9.1`."""
    flag_set: str = "default"
    archs: list[str] = []
    """Native code."""
    ptx: str | None = None
    driver_floor: str | None = None
    """The oldest driver that runs all of it."""
    driver_floor_minor: str | None = None
    """The oldest driver that runs its native code."""
    platforms: list[PlatformImage]
    cards: list[str] = []
    """Names of cards in bakehouse's catalogue that it holds code for."""
    figures: list[Figure] = []
    tests: list[Tested] = []
    attestations: list[str] = []
    """Types of what is signed and attached: `test result`, `provenance`, ..."""
    is_signed: bool = False
    history: list[Event] = []
    """Of the channel, the newest first."""
    confirmed: datetime | None = None
    """When a run last said that it is right."""
    is_stale: bool = False
    """Whether that is longer ago than the policy allows."""
    expires: date | None = None
    """The day from which it may be gone, where that was announced."""

    @property
    def pull(self) -> str:
        """What to pull, by digest."""
        return f"{self.repository}@{self.digest}"


class Going(Entry):
    """An immutable tag that will be removed."""

    repository: str
    tag: str
    digest: str
    variant: str
    expires: date


class ImageCatalogue(Entry):
    """`catalogue.json`."""

    schema_version: Annotated[int, Field(ge=1)] = CATALOGUE_SCHEMA
    bakehouse: str
    made: datetime
    title: str = ""
    images: list[PublishedImage] = []
    going: list[Going] = []
    """Tags that retention has announced."""
    unread: list[str] = []
    """Repositories that could not be read, each with the reason."""


def as_json(catalogue: ImageCatalogue) -> dict[str, Any]:
    """With the line to pull, for those who read it without this class."""
    found: dict[str, Any] = catalogue.model_dump(mode="json")
    for row, image in zip(found["images"], catalogue.images, strict=True):
        row["pull"] = image.pull
    return found
