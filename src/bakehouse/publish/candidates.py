"""From reports of runs to what may be published: images by variant, each with all that is known of it. Pure."""

from __future__ import annotations

import fnmatch
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from bakehouse.model import report
from bakehouse.model.cell import Coordinates
from bakehouse.model.enums import AcceleratorName, Verdict
from bakehouse.model.report import CellReport, RunReport


@dataclass(frozen=True, kw_only=True, slots=True)
class Evidence:
    """What one run says of one image."""

    run: RunReport
    cell: CellReport


@dataclass(frozen=True, kw_only=True, slots=True)
class Candidate:
    """The image of one cell: one platform of a variant."""

    at: Coordinates
    digest: str
    """Of the manifest that was tested."""
    evidence: tuple[Evidence, ...]
    """Of every run that had this very digest, the oldest first: one built it, others may have had the card."""

    @property
    def cell(self) -> str:
        return self.at.name

    @property
    def platform(self) -> str:
        return self.at.platform

    @property
    def image(self) -> report.Image | None:
        """As the proof read it."""
        return next((one.cell.image for one in self.evidence if one.cell.image), None)

    @property
    def labels(self) -> Mapping[str, str]:
        return self.image.labels if self.image else {}

    @property
    def built(self) -> Evidence:
        """By the run that built it, or the first that had it."""
        return next((one for one in self.evidence if one.cell.build), self.evidence[0])

    @property
    def started(self) -> datetime:
        """When the run began that built it."""
        return self.built.run.started


@dataclass(frozen=True, kw_only=True, slots=True)
class Variant:
    """What becomes one index."""

    recipe: str
    name: str
    """`cuda12.9-sm120`."""
    candidates: tuple[Candidate, ...]
    """By platform."""
    wanted: tuple[str, ...] = ()
    """Platforms that the matrix builds it for."""

    @property
    def title(self) -> str:
        return f"{self.recipe} {self.name}"

    @property
    def started(self) -> datetime:
        """When the newest of its images was built."""
        return max(candidate.started for candidate in self.candidates)

    @property
    def runs(self) -> tuple[str, ...]:
        """Names of all runs that know something of it."""
        return tuple(sorted({one.run.run for candidate in self.candidates for one in candidate.evidence}))


def variants(
    runs: Sequence[RunReport],
    *,
    wanted: Mapping[tuple[str, str], Sequence[str]],
    only: Sequence[str] = (),
    cells: Sequence[str] = (),
) -> list[Variant]:
    """Images of all runs, by recipe and variant. `wanted`: platforms of the matrix by those two. `only`, `cells`:
    patterns, of what was asked for and of what the channel takes; none: all.
    """
    found: dict[tuple[str, str], list[Candidate]] = {}
    for candidate in _candidates(runs):
        if _is_one(candidate.cell, only) and _is_one(candidate.cell, cells):
            found.setdefault((candidate.at.recipe, candidate.at.variant), []).append(candidate)
    return [
        Variant(
            recipe=recipe,
            name=name,
            candidates=tuple(sorted(candidates, key=lambda one: one.platform)),
            wanted=tuple(wanted.get((recipe, name), ())),
        )
        for (recipe, name), candidates in sorted(found.items())
    ]


def without_image(runs: Sequence[RunReport], *, only: Sequence[str] = (), cells: Sequence[str] = ()) -> list[str]:
    """Names of the cells that `variants` would have taken, had their build ended well."""
    names = {cell.name for run in runs for cell in run.cells if not digest_of(cell)}
    return sorted(name for name in names if _is_one(name, only) and _is_one(name, cells))


def _is_one(cell: str, patterns: Sequence[str]) -> bool:
    return not patterns or any(fnmatch.fnmatchcase(cell, pattern) for pattern in patterns)


def _candidates(runs: Sequence[RunReport]) -> Iterable[Candidate]:
    """Of each cell the image that was built last, with what all runs say of it."""
    by_cell: dict[str, list[Evidence]] = {}
    for run in sorted(runs, key=lambda run: run.started):
        for cell in run.cells:
            if digest_of(cell):
                by_cell.setdefault(cell.name, []).append(Evidence(run=run, cell=cell))
    for all_evidence in by_cell.values():
        digest = digest_of(all_evidence[-1].cell)
        evidence = tuple(one for one in all_evidence if digest_of(one.cell) == digest)
        yield Candidate(at=coordinates(all_evidence[-1].cell), digest=digest, evidence=evidence)


def digest_of(cell: CellReport) -> str:
    """Of its image; as the proof read it, else as the engine's store names it. Empty: it was not built."""
    if cell.image:
        return cell.image.digest
    return cell.build.image if cell.build and cell.build.verdict is Verdict.PASSED else ""


def coordinates(cell: CellReport) -> Coordinates:
    return Coordinates(
        recipe=cell.recipe,
        accelerator=AcceleratorName(cell.accelerator),
        platform=cell.platform,
        flag_set=cell.flag_set,
        toolkit=cell.toolkit,
        arch=cell.arch,
    )
