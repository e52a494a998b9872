"""`--images FOLDER`: images that another machine built and pushed to staging, in place of a build.

The folder holds runs of the machines that built. Each image is pulled by the digest that a run recorded: so what is
tested here is what was built there, and what will be published.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from bakehouse.engine.docker import DockerError
from bakehouse.errors import InputError
from bakehouse.model.cell import Cell
from bakehouse.model.enums import Verdict
from bakehouse.model.publish import Publish
from bakehouse.model.report import BuildResult, CellReport, RunReport
from bakehouse.pipeline.compare_images import EngineImages
from bakehouse.reporters import json_file


def read_given(folder: Path, policy: Publish) -> dict[str, str]:
    """Cell to `REPOSITORY@DIGEST` in staging, of those that were built and proven; the newest run counts.

    Raises InputError for a folder without runs, and where matrix.yaml names no repository that images could come from.
    """
    if policy.repository is None:
        hint = (
            "Add `publish: {repository: REGISTRY/NAMESPACE/{recipe}}` to matrix.yaml; `publish --stage` pushes there."
        )
        raise InputError("--images: matrix.yaml says nothing of a registry that images could come from", hint=hint)
    runs = sorted(_runs(folder), key=lambda run: run.started)
    if not runs:
        hint = "Name the folder that holds the run folders of the machines that built."
        raise InputError(f"--images {folder}: there is no run in it", hint=hint)
    return {
        cell.name: f"{staging(policy).format(recipe=cell.recipe)}@{cell.image.digest}"
        for run in runs
        for cell in run.cells
        if cell.image and _is_good(cell)
    }


def staging(policy: Publish) -> str:
    """The pattern of the repositories where digests wait."""
    return policy.staging or f"{policy.repository}-staging"


def take(cells: list[Cell], given: Mapping[str, str], images: EngineImages) -> dict[str, BuildResult]:
    """Pull each image and give it the name that a build would have given it."""
    return {cell.name: _take(cell, given[cell.name], images) for cell in cells}


def _take(cell: Cell, reference: str, images: EngineImages) -> BuildResult:
    try:
        images.pull(reference)
        images.tag(reference, cell.image)
        return BuildResult(verdict=Verdict.PASSED, image=images.image(reference).id, seconds=0)
    except DockerError as error:
        said = error.said.strip().splitlines() or ["it said nothing"]
        return BuildResult(verdict=Verdict.ERRORED, reason=f"{reference} cannot be pulled: {said[-1]}", seconds=0)


def _runs(folder: Path) -> list[RunReport]:
    """Of a folder of runs, or of one run."""
    places = sorted({path.parent for path in [*folder.glob(f"*/{json_file.file}"), *folder.glob(json_file.file)]})
    return [json_file.read(place) for place in places]


def _is_good(cell: CellReport) -> bool:
    return cell.verdict is Verdict.PASSED
