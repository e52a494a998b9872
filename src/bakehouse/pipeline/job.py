"""One run's job: what was asked, what was planned, with which engine and supplies, and where the results go."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from bakehouse.config.load import Project
from bakehouse.engine.builder import Builder
from bakehouse.engine.connection import Engine
from bakehouse.model.cell import Cell
from bakehouse.model.machine import Machine
from bakehouse.model.plan import Plan
from bakehouse.model.suite import BaselineImage, Client
from bakehouse.pipeline.context import Context
from bakehouse.pipeline.history_writer import HistoryWriter
from bakehouse.pipeline.run_state import RunState
from bakehouse.planning.select import Selection
from bakehouse.supply.chain import Gathered

MEASURE_FOR = 300.0
"""Seconds for a whole run, unless somebody says otherwise."""
COMPARE_FOR = 1200.0
"""The same for two images in turn: fewer than seven starts of each show little."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Options:
    selection: Selection
    fresh: bool = False
    """Begin a new run even if the last one was cut off."""
    tests: bool = True
    """Start the images and probe them."""
    prove: bool = True
    """Check the images at rest."""
    probes: tuple[str, ...] = ()
    """Only these kinds of probes; all without it."""
    quick: bool = False
    """One start and two repetitions: the path is walked, the figures are rough."""
    starts: int | None = None
    repetitions: int | None = None
    measure_for: float | None = None
    """Seconds for testing and measuring all cells; None: 5 min, 20 with `compare`, no limit with `starts`."""
    calibrate: bool | None = None
    """Run the family's benchmark program beside the server; None: unless it is to be quick."""
    history: bool | None = None
    """Keep measurements in the history and compare them with it; None: unless it is to be quick."""
    fail_on_regression: bool = False
    """Whether a regression ends the run with exit code 1."""
    workers: int | None = None
    """Probes at the same time; by default one for two cores."""
    install: bool = True
    """Whether Debian packages may be installed when the machine has no engine."""
    compare: str | None = None
    """A run or an image that each cell is measured in turn with."""
    need_card: bool = False
    """Whether the selection's card must be in this machine (bench)."""
    model: Path | None = None
    """A GGUF that takes the place of the recipes' own model (--model)."""
    images: Path | None = None
    """A folder of runs whose images are taken from staging instead of being built."""
    client: Client = "bakehouse"
    """Who makes the load (bench --engine)."""
    hosts: tuple[str, ...] = ()
    """Only these of the matrix's hosts test (--host); none: all that have the cards."""

    @property
    def calibrates(self) -> bool:
        """Not in a comparison, unless asked for: it would double the time, and both images stand in for each other."""
        if self.client != "bakehouse":
            return False
        return not (self.quick or self.compare) if self.calibrate is None else self.calibrate

    @property
    def time_limit(self) -> float | None:
        """Seconds that testing and measuring may take; None: as many as the starts take."""
        if self.measure_for is not None:
            return self.measure_for
        if self.starts is not None:
            return None
        return COMPARE_FOR if self.compare else MEASURE_FOR

    @property
    def keeps_history(self) -> bool:
        """Rough figures are no history, and a CI job that only walks the path leaves the working tree as it was."""
        return self.tests and (not self.quick if self.history is None else self.history)


@dataclass(frozen=True, kw_only=True, slots=True)
class Job:
    context: Context
    options: Options
    project: Project
    machine: Machine
    engine: Engine
    gathered: Gathered
    cells: tuple[Cell, ...]
    """All that were chosen, also those that lack a supply."""
    plan: Plan
    state: RunState
    writer: HistoryWriter | None = None
    """None: nothing is kept."""
    baselines: Mapping[str, BaselineImage] = field(default_factory=dict)
    """By cell: the image that it is measured in turn with."""
    given: Mapping[str, str] = field(default_factory=dict)
    """By cell: the reference of the image that is taken instead of being built."""
    hosts: Mapping[str, str] = field(default_factory=dict)
    """By cell: the host that tests it; `here` for this machine."""
    builder: Builder | None = None
    """What builds in the engine's place."""
