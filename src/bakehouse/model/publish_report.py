"""What `publish` did, as `publish.json` beside the run's own reports: gates with their reasons, and every step."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Literal

from pydantic import Field

from bakehouse.model.report import Record

PUBLISH_SCHEMA = 1


class GateReport(Record):
    gate: str
    cell: str
    state: Literal["passed", "failed", "not run"]
    rule: Literal["required", "when-run", "reported"]
    reason: str
    details: list[str] = []
    blocks: bool
    """Whether the channel stayed because of it."""


class VariantReport(Record):
    recipe: str
    variant: str
    repository: str
    digest: str = ""
    """Of the index; empty where it could not be written."""
    tag: str = ""
    """The immutable one."""
    channel: str | None = None
    outcome: Literal["moves", "confirmed", "stays", "staged", "failed"]
    """failed: the registry did, where the same command goes on; or the image was not found."""
    refusals: list[str] = []
    gates: list[GateReport] = []
    steps: list[str] = []


class PublishReport(Record):
    """`publish.json`."""

    schema_version: Annotated[int, Field(ge=1)] = PUBLISH_SCHEMA
    time: datetime
    runs: list[str]
    dry_run: bool = False
    variants: list[VariantReport] = []
