"""What the image suite is told of the cells that were built."""

from __future__ import annotations

import time
from pathlib import Path

from bakehouse.config.layout import ProjectLayout
from bakehouse.errors import BakehouseError
from bakehouse.measure.workload_runs import quick
from bakehouse.model.cell import Cell
from bakehouse.model.recipe import Load
from bakehouse.model.suite import BaselineImage, Suite
from bakehouse.pipeline.compare_images import STARTS as COMPARED_STARTS
from bakehouse.pipeline.expectations import subject
from bakehouse.pipeline.job import Job, Options
from bakehouse.pipeline.run_state import RunState
from bakehouse.pipeline.scratch import scratch
from bakehouse.pipeline.site import Site
from bakehouse.prove.image.at_rest import compressed_size, save_image
from bakehouse.supply.chain import Gathered

QUICK_STARTS, QUICK_REPETITIONS = 1, 2
SECONDS, QUICK_SECONDS = 1.0, 0.3
"""Of a repetition of work that is no tokens: see probes/work_rates.py."""


def suite_of(job: Job, cells: list[Cell], site: Site) -> Suite:
    options, there = job.options, site.ground.there
    return Suite(
        run=job.state.folder.name,
        run_folder=site.run_folder,
        cache=site.cache,
        calibrate=options.calibrates,
        client=options.client,
        measure_for=options.time_limit,
        began=time.time(),
        is_fixed=bool(options.starts or options.quick or options.compare),
        subjects=[
            subject(
                cell,
                job.project.world,
                reference=site.image(reference(job.state, cell)),
                digest=_digest(job.state, cell),
                models=[there(path) for path in models_of(cell, job.gathered).values()],
                recipe_folder=there(recipe_folder(job.context.root, cell)),
                starts=_starts(options),
                repetitions=options.repetitions or (QUICK_REPETITIONS if options.quick else None),
                loads=_quick_loads(cell) if options.quick else None,
                seconds=QUICK_SECONDS if options.quick else SECONDS,
                bytes_compressed=_bytes_to_pull(job, cell),
                baseline=_baseline(job, cell, site),
            )
            for cell in cells
        ],
    )


def reference(state: RunState, cell: Cell) -> str:
    """The very image that this run built, whatever the tag means by now."""
    build = state[cell.name].build
    return (build.image if build else "") or cell.image


def recipe_tests(root: Path, cells: list[Cell]) -> list[Path]:
    """Folders of tests that the cells' recipes bring."""
    layout = ProjectLayout(root=root)
    folders = {layout.recipe(cell.at.recipe) for cell in cells}
    return sorted(folder / "tests" for folder in folders if folder and (folder / "tests").is_dir())


def _starts(options: Options) -> int | None:
    """None: as the recipe says."""
    wanted = (QUICK_STARTS if options.quick else None, COMPARED_STARTS if options.compare else None)
    return options.starts or next(filter(None, wanted), None)


def _quick_loads(cell: Cell) -> list[Load]:
    throughput = cell.recipe.probes.throughput
    return [quick(load) for load in throughput.workloads] if throughput else []


def _baseline(job: Job, cell: Cell, site: Site) -> BaselineImage | None:
    baseline = job.baselines.get(cell.name)
    if baseline is None:
        return None
    size = _compressed(job, cell, baseline.reference)
    return baseline.model_copy(update={"bytes_compressed": size, "reference": site.image(baseline.reference)})


def _bytes_to_pull(job: Job, cell: Cell) -> int | None:
    image = job.state[cell.name].image
    if image and job.engine.containerd_store:
        return image.bytes_compressed
    return _compressed(job, cell, reference(job.state, cell))


def _compressed(job: Job, cell: Cell, image: str) -> int | None:
    """None where the engine keeps layers unpacked only (its store before containerd's), or nobody wants to know."""
    if not job.engine.containerd_store or job.options.quick or not _is_measured(cell):
        return None
    with scratch(job.context.cache) as folder:
        try:
            tar = save_image(job.engine, image, to=folder / "image.tar")
            return compressed_size(tar, platform=cell.at.platform)
        except BakehouseError:
            return None  # a size that is missing is no reason not to measure


def _is_measured(cell: Cell) -> bool:
    return cell.recipe.probes.throughput is not None or cell.recipe.probes.work is not None


def _digest(state: RunState, cell: Cell) -> str:
    """Digest of the manifest where the image was proven, else what the engine's store calls it."""
    image = state[cell.name].image
    return image.digest if image else reference(state, cell)


def models_of(cell: Cell, gathered: Gathered) -> dict[str, Path]:
    """By name the files that it is probed with: the model that is served, then those that lie beside it."""
    names = gathered.models_of_cells.get(cell.name, ())
    return {name: gathered.models[name] for name in names if name in gathered.models}


def recipe_folder(root: Path, cell: Cell) -> Path:
    """Of a cell that is planned, so that there is one."""
    folder = ProjectLayout(root=root).recipe(cell.at.recipe)
    assert folder is not None
    return folder
