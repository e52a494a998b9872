"""`ci kubernetes`: Jobs that test in a cluster the images which another machine built and staged."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path

from rich.console import Console

from bakehouse.ci.cluster_job import ClusterJob
from bakehouse.ci.kubernetes import jobs, why_not
from bakehouse.ci.settings import Settings
from bakehouse.config.layout import ProjectLayout
from bakehouse.config.load import Project
from bakehouse.errors import ExitCode, InputError
from bakehouse.formatting import size_in_bytes
from bakehouse.machine import detect
from bakehouse.model.cell import Cell
from bakehouse.pipeline.choose_cells import choose
from bakehouse.pipeline.context import Context
from bakehouse.pipeline.given_images import read_given
from bakehouse.pipeline.probe_job import files_of, probe_job
from bakehouse.pipeline.project import open_project, revision
from bakehouse.planning.select import Selection
from bakehouse.probes.serving import MODELS, serving


def kubernetes(context: Context, runs: Path, selection: Selection, *, seconds: int, out: Console) -> ExitCode:
    """Print one file for `kubectl apply`. `runs`: what built the images, and says by which digest they wait."""
    project, resolution = open_project(context.root)
    given = read_given(runs, project.world.matrix.publish)
    cells, _ = choose(context, selection, project, resolution, machine=detect(), by_default_all=True)
    there = [cell for cell in cells if cell.name in given]
    for cell in there:
        if why := why_not(cell.at.accelerator):
            context.say(f"{cell.name} is left out: {why}")
    wanted = [cell for cell in there if not why_not(cell.at.accelerator)]
    if not wanted:
        raise InputError(f"{runs} holds no image of these cells", hint="`publish --stage` brings images to staging.")
    commit = revision(context.root, context.environ)
    found = [_job(cell, project, context, given, commit=commit, seconds=seconds) for cell in wanted]
    out.print(jobs(found, Settings.of(project.world.matrix)), end="", soft_wrap=True, markup=False, highlight=False)
    return ExitCode.OK


def _job(
    cell: Cell, project: Project, context: Context, given: Mapping[str, str], *, commit: str, seconds: int
) -> ClusterJob:
    folder = ProjectLayout(root=context.root).recipe(cell.at.recipe)
    assert folder is not None
    job = probe_job(cell, project, root=context.root, image=given[cell.name], revision=commit)
    about = job.subject.model_copy(update={"recipe_folder": str(folder)})
    launch = serving(about, run="")
    return ClusterJob(
        cell=cell.name,
        image=job.image,
        accelerator=cell.at.accelerator,
        archs=tuple(about.runs_on),
        driver_floor=cell.toolkit.driver_floor if cell.toolkit else None,
        platform=cell.at.platform,
        user=cell.recipe.runtime.user,
        port=about.port,
        args=launch.args,
        env=launch.env,
        memory=size_in_bytes(about.memory_limit),
        shm=size_in_bytes(about.shm) if about.shm else None,
        models=MODELS if job.serves else "",
        model_bytes=sum(row.size for row in job.models.values()),
        job=json.dumps(job.model_dump(mode="json"), indent=1, sort_keys=True) + "\n",
        files=files_of(job, folder),
        mounts=about.mounts,
        seconds=seconds,
    )
