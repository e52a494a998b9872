"""What the history keeps of each repetition: one line of JSON, which needs no other line to be understood.

Read back years later, and next to lines of other versions: see docs/comparing.md.
"""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Any, Literal

from pydantic import ConfigDict, Field

from bakehouse.model.enums import Grade, Verdict
from bakehouse.model.field_types import Unit
from bakehouse.model.report import Record

HISTORY_SCHEMA = 1
"""Versions have no default below: a line says its own, and defaults are left out of lines."""

CellName = Annotated[str, Field(pattern=r"^[a-zA-Z0-9][a-zA-Z0-9.-]*$")]
"""It becomes a folder's name."""


class Frozen(Record):
    model_config = ConfigDict(extra="forbid", frozen=True, allow_inf_nan=False)


class GpuFacts(Frozen):
    """A card as far as it changes rates. No serial number or UUID: a card of the same kind gives the same rates."""

    name: str
    memory_bytes: int | None = None
    driver: str | None = None
    power_limit_watts: float | None = None
    mig: bool = False


class Hardware(Frozen):
    """Where it was measured. What is unknown is empty."""

    host: str
    platform: str
    cpu: str
    cores: int
    memory_bytes: int
    kernel: str = ""
    engine: str = ""
    """Version, and whether it is the embedded one."""
    device: str = "cpu"
    is_software: bool = False
    """A driver that computes on the CPU stood in for the card: lavapipe."""
    gpus: tuple[GpuFacts, ...] = ()


class Terms(Frozen):
    """What must be equal for two measurements to be compared."""

    client: str
    """Who measured, and its version."""
    definitions: int
    """Of the metrics: METRIC_DEFINITIONS of the time."""
    hardware: Hardware
    settings: dict[str, Any] = {}
    """The workload's, the model's and the server's."""


class Value(Frozen):
    value: Annotated[float, Field(ge=0)]
    unit: Unit
    limit: Annotated[float, Field(gt=0)] | None = None
    """What the device allows at most, in the same unit."""
    verdict: Verdict = Verdict.PASSED
    reason: str = ""
    grade: Grade | None = None
    """None: exact or void, as the verdict says. noisy: it raises no alarm, and is no part of a baseline."""
    short: bool = False
    """Whether a longer workload was measured in its stead: it gets no verdict."""
    low: float | None = None
    """The interval of the whole measurement, where it is noisy."""
    high: float | None = None


class Row(Frozen):
    """One repetition of one workload on one cell."""

    schema_version: Annotated[int, Field(ge=1)]
    cell: CellName
    workload: str
    run: str
    time: datetime
    """When the run started, UTC."""
    image: str = ""
    """Digest: the variable of a comparison."""
    revision: str = ""
    """Commit of the engine in the image."""
    coordinates: dict[str, str] = {}
    """The cell's place in the matrix."""
    start: Annotated[int, Field(ge=0)]
    repetition: Annotated[int, Field(ge=0)]
    values: dict[str, Value]
    """By metric. Text: a newer bakehouse may have added some."""
    raw: dict[str, Any] = {}
    """The server's own timings and the client's clock. What was kept of each request stays in the run's folder."""
    terms: Terms


class Decision(Frozen):
    """What a person said about baselines: a line of reports/baselines/decisions.jsonl. The last one counts."""

    schema_version: Annotated[int, Field(ge=1)]
    kind: Literal["pin", "unpin", "accept"]
    """pin: compare with that run. unpin: with the history again. accept: the level from that run on is right."""
    cell: CellName
    run: str = ""
    reason: str = ""
    time: datetime
