"""Everything the templates place, computed from the run."""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from bakehouse.model.enums import SEVERITY, Verdict
from bakehouse.model.report import Host, RunReport, Supplied
from bakehouse.reporters import outcomes, voids
from bakehouse.reporters.calibration import Calibration, calibrations, shortfalls
from bakehouse.reporters.comparison import RunComparison
from bakehouse.reporters.html import cells, cold, comparisons, curves, exclusions, settings, shifts, sizes, tracks
from bakehouse.reporters.html.grid import Grid, Heat, grids, heat
from bakehouse.servers import REFERENCE

_WHOLE_UP_TO = 4
"""With more cells than this each is brief: one file must stay small, and run.json has the rest."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Trouble:
    """Cells with the same verdict for the same reason."""

    verdict: Verdict
    reason: str
    cells: tuple[cells.CellView, ...]
    tried: tuple[Supplied, ...]
    """What was tried for what it says is missing."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Page:
    run: RunReport
    revision: str
    headline: str
    seconds: float | None
    tally: tuple[tuple[Verdict, int], ...]
    cells: tuple[cells.CellView, ...]
    is_brief: bool
    troubles: tuple[Trouble, ...]
    grids: tuple[Grid, ...]
    heat: Heat | None
    versus: RunComparison | None
    changes: tuple[tracks.View, ...]
    shifts: shifts.Axis | None
    """Of those, in the same order."""
    comparisons: tuple[comparisons.Comparison, ...]
    sweeps: tuple[curves.Sweep, ...]
    cold: cold.ColdStarts | None
    sizes: sizes.Sizes | None
    calibrations: tuple[Calibration, ...]
    shortfalls: list[str]
    reference: str
    """The third clock."""
    voids: tuple[voids.Voids, ...]
    settings: tuple[settings.Settings, ...]
    excluded: tuple[exclusions.Exclusions, ...]
    has_unlocked: bool
    hosts: Mapping[str, Host]
    """By their names those that tested, where they are other machines than the one that built."""


def build(run: RunReport, *, folder: Path, versus: RunComparison | None = None) -> Page:
    anchors = _anchors([cell.name for cell in run.cells])
    is_brief = len(run.cells) > _WHOLE_UP_TO
    labels = settings.Labels()
    views = tuple(
        cells.view(cell, anchor=anchors[index], is_brief=is_brief, folder=folder, labels=labels)
        for index, cell in enumerate(run.cells)
    )
    return Page(
        run=run,
        revision=_short(run.revision),
        headline=outcomes.headline(run),
        seconds=outcomes.run_seconds(run),
        tally=tuple(outcomes.tally(run)),
        cells=views,
        is_brief=is_brief,
        troubles=_troubles(views, run.supplies),
        grids=grids(run.cells, anchors=anchors),
        heat=heat(run.cells),
        versus=versus,
        changes=tracks.changes(versus, run.cells, anchors) if versus else (),
        shifts=shifts.axis([one.judged for one in versus.in_order]) if versus else None,
        comparisons=comparisons.comparisons(run.cells, is_brief=is_brief, labels=labels),
        sweeps=tuple(found for cell in run.cells for found in curves.sweeps(cell)),
        cold=cold.cold_starts(run.cells),
        sizes=sizes.sizes(run.cells, by_layer=not is_brief),
        calibrations=calibrations(run.cells),
        shortfalls=shortfalls(run.cells),
        reference=REFERENCE,
        voids=voids.voids(run.cells),
        settings=labels.all(),
        excluded=exclusions.exclusions(run.excluded),
        has_unlocked=any(not supplied.locked for supplied in run.supplies),
        hosts={cell.tested_by: cell.host for cell in run.cells if cell.host},
    )


def _anchors(names: Sequence[str]) -> dict[int, str]:
    """Ids that stay the same from run to run, so that a link into a report keeps its meaning."""
    anchors: dict[int, str] = {}
    for index, name in enumerate(names):
        anchor = "cell-" + (re.sub(r"[^a-z0-9]+", "-", name.lower()).strip("-") or "unnamed")
        while anchor in anchors.values():
            anchor += "-again"
        anchors[index] = anchor
    return anchors


def _troubles(views: Sequence[cells.CellView], supplies: Sequence[Supplied]) -> tuple[Trouble, ...]:
    """The most severe first. A reason that names a supply which nobody had brings what was tried for it."""
    groups: dict[tuple[Verdict, str], list[cells.CellView]] = defaultdict(list)
    for cell in views:
        if cell.report.verdict is not Verdict.PASSED:
            reason = cell.report.reason or cell.problems[0].message
            groups[cell.report.verdict, reason].append(cell)
    missing = [supplied for supplied in supplies if not any(attempt.ok for attempt in supplied.attempts)]
    found = []
    for (verdict, reason), members in sorted(groups.items(), key=lambda item: SEVERITY.index(item[0][0])):
        tried = tuple(one for one in missing if verdict is Verdict.ERRORED and _names(reason, one.name))
        said = outcomes.short_reason(reason) if tried else reason
        found.append(Trouble(verdict=verdict, reason=said, cells=tuple(members), tried=tried))
    return tuple(found)


def _names(text: str, name: str) -> bool:
    return bool(name) and re.search(rf"(?<![\w.-]){re.escape(name)}(?![\w-]|\.\w)", text) is not None


def _short(revision: str) -> str:
    """`a507879c2f6b-dirty`: twelve digits of a full hash, and what follows it."""
    return re.sub(r"^([0-9a-f]{12})[0-9a-f]{28}", r"\1", revision)
