"""`bench --compare BASE`: which image each cell is measured in turn with, and the result."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Protocol

from bakehouse.engine.docker import DockerError, NoSuchObjectError
from bakehouse.engine.objects import ImageConfig
from bakehouse.errors import InputError
from bakehouse.history.baseline import Baseline, Compared
from bakehouse.history.paired import pairs
from bakehouse.model.report import RunReport
from bakehouse.model.suite import BaselineImage
from bakehouse.pipeline.history_writer import is_kept
from bakehouse.reporters import json_file
from bakehouse.reporters.comparison import RunComparison
from bakehouse.stats.judge import judge

STARTS = 7
"""Of each image, unless --starts says otherwise: with 7 a slowdown of 5 % is found in 95 of 100 comparisons."""
KEPT = "bakehouse/baseline"
"""Where baselines keep a name until `bakehouse clean`."""
SHORT = 19
"""Letters of a digest that people are shown: `sha256:` and 12."""

Say = Callable[[str], None]


class EngineImages(Protocol):
    """What is asked of an engine."""

    def image(self, reference: str) -> ImageConfig: ...

    def pull(self, reference: str) -> None: ...

    def tag(self, reference: str, name: str) -> None: ...


def find_baselines(
    asked: str, cells: Sequence[str], *, reports: Path, images: EngineImages, say: Say
) -> dict[str, BaselineImage]:
    """The images that `asked` stands for, by cell: those of a run, or one image for one cell.

    Raises InputError for a run that has no image of a cell, for one image and several cells, and for an image that is
    neither in the engine nor where it can be pulled from.
    """
    folder = reports / asked
    if "/" not in asked and (folder / json_file.file).exists():
        named = _of_run(json_file.read(folder), cells, asked)
    elif len(cells) == 1:
        named = {cells[0]: (asked, asked)}
    else:
        raise InputError(
            f"--compare {asked}: this is one image (no run in {reports} has that name), and {len(cells)} cells are "
            "selected",
            hint=f"Name the cell that it belongs to, for example --only {cells[0]}; or name a run.",
        )
    return {
        cell: _find(reference, name, asked=asked, images=images, say=say) for cell, (reference, name) in named.items()
    }


def compare_in_turn(run: RunReport) -> RunComparison | None:
    """The run beside the images that its cells were measured in turn with. None: there was no such comparison."""
    compared = [(cell, cell.baseline) for cell in run.cells if cell.baseline]
    if not compared:
        return None
    found = judge(
        [
            pair
            for cell, baseline in compared
            if is_kept(cell)
            for pair in pairs(cell.name, cell.measurements, baseline.measurements)
        ]
    )
    names = list(dict.fromkeys(_shown(baseline.name, baseline.image) for _, baseline in compared))
    return RunComparison(
        baseline=f"{names[0]}{f' and {len(names) - 1} more' if names[1:] else ''}, measured in turn",
        compared=[Compared(judged=one, baseline=Baseline()) for one in found],
    )


def _shown(name: str, image: str) -> str:
    return name[:SHORT] if name.startswith("sha256:") else f"{name} ({image[:SHORT]})"


def _of_run(run: RunReport, cells: Sequence[str], asked: str) -> Mapping[str, tuple[str, str]]:
    """Reference and name by cell."""
    known = {cell.name: cell.build.image for cell in run.cells if cell.build and cell.build.image}
    if missing := [cell for cell in cells if cell not in known]:
        shown = ", ".join(sorted(known)[:6]) or "none"
        raise InputError(
            f"--compare {asked}: that run built no image of {', '.join(missing)}",
            hint=f"It built: {shown}. Select those with --only, or name another run.",
        )
    return {cell: (known[cell], f"run {run.run}") for cell in cells}


def _find(reference: str, name: str, *, asked: str, images: EngineImages, say: Say) -> BaselineImage:
    try:
        config = images.image(reference)
    except NoSuchObjectError:
        if reference != asked or reference.startswith("sha256:"):
            raise InputError(
                f"--compare {asked}: the engine has no image {reference[:SHORT]} any more",
                hint="Build it again from its revision, or name an image that `docker images` lists.",
            ) from None
        say(f"pulling {reference}: it is not in the engine")
        try:
            images.pull(reference)
        except DockerError as error:
            raise InputError(
                f"--compare {asked}: there is no run of that name, the engine has no such image, and it cannot be "
                f"pulled: {error.said.splitlines()[-1]}",
                hint="Name a folder in reports, an image that `docker images` lists, or one that a registry has.",
            ) from None
        config = images.image(reference)
    # The build that follows may move the tag, and containerd's store forgets an image that nothing names.
    images.tag(config.id, f"{KEPT}:{config.id.removeprefix('sha256:')[:12]}")
    return BaselineImage(reference=config.id, name=name)
