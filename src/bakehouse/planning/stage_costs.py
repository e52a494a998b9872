"""How long stages take: as builds of the past say, else a guess. Pure."""

from __future__ import annotations

import re
import statistics
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field

from bakehouse.model.bake_names import bake_target
from bakehouse.model.report import CellReport
from bakehouse.planning.stage_graph import CellWork, Stage

COMPILING = 240.0
"""Seconds for a stage that compiles, for each arch, where no build has told: the guess of a machine with four cores."""
INSTALLING = 30.0
"""The same for any other RUN."""
COPYING = 2.0
"""For a stage that runs nothing."""
_STEP = re.compile(r"^\[(?P<words>[^\]]+) \d+/\d+\]")
"""`[TARGET (PLATFORM->PLATFORM)? STAGE 2/5] RUN ...`, as BuildKit calls a step."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Measured:
    """Seconds that stages took in builds of the past."""

    of_cells: Mapping[tuple[str, str], float] = field(default_factory=dict)
    """By cell and stage: the newest build that did not take it from a cache."""
    of_kinds: Mapping[tuple[str, str], float] = field(default_factory=dict)
    """By accelerator and stage: the median over cells."""


def measured(reports: Iterable[CellReport]) -> Measured:
    """What builds took, the newest report last."""
    of_cells: dict[tuple[str, str], float] = {}
    accelerators: dict[str, str] = {}
    for report in reports:
        accelerators[report.name] = report.accelerator
        of_cells |= {(report.name, stage): seconds for stage, seconds in _seconds(report).items()}
    kinds: dict[tuple[str, str], list[float]] = defaultdict(list)
    for (cell, stage), seconds in of_cells.items():
        kinds[accelerators[cell], stage].append(seconds)
    return Measured(of_cells=of_cells, of_kinds={key: statistics.median(found) for key, found in kinds.items()})


def _seconds(report: CellReport) -> dict[str, float]:
    """By stage, those that ran and did not come from a cache."""
    found: dict[str, float] = defaultdict(float)
    target = bake_target(report.name)
    for step in report.build.steps if report.build else ():
        match = _STEP.match(step.name)
        words = match["words"].split() if match else []
        if len(words) > 1 and words[0] == target and not step.cached and step.seconds > 0:
            found[words[-1]] += step.seconds
    return found


def costs(works: Sequence[CellWork], known: Measured) -> dict[str, float]:
    """Seconds by a stage's identity. Of twins, the one that a build has told of counts."""
    told: dict[str, float] = {}
    guessed: dict[str, float] = {}
    for work in works:
        for stage in work.stages:
            seconds = known.of_cells.get((work.cell.name, stage.name))
            if seconds is not None:
                told[stage.identity] = max(seconds, told.get(stage.identity, 0.0))
            elif stage.identity not in guessed:
                kind = known.of_kinds.get((work.cell.at.accelerator, stage.name))
                guessed[stage.identity] = _guess(stage) if kind is None else kind
    return guessed | told


def _guess(stage: Stage) -> float:
    if stage.compiles:
        return COMPILING * stage.compiles
    return INSTALLING * stage.runs if stage.runs else COPYING
