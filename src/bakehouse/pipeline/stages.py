"""The stages of a run: each takes the cells that are still good, and records what it found in the run state."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

from bakehouse.bake.display import display
from bakehouse.bake.executor import ImageBuilder, write_bake_files
from bakehouse.bake.previous_images import kept
from bakehouse.engine.docker import Docker
from bakehouse.engine.network import ca_bundle, ca_fingerprints
from bakehouse.errors import BakehouseError
from bakehouse.measure.lease import hold
from bakehouse.model.cell import Cell, World
from bakehouse.model.enums import Verdict
from bakehouse.model.plan import Plan, Supplies
from bakehouse.model.report import BuildResult, Check
from bakehouse.pipeline.expectations import expectation
from bakehouse.pipeline.given_images import take
from bakehouse.pipeline.job import Job
from bakehouse.pipeline.machine_secrets import machine_secrets
from bakehouse.pipeline.run_folder import RunFolder
from bakehouse.pipeline.scratch import scratch
from bakehouse.pipeline.settle import settle
from bakehouse.pipeline.suite_file import reference
from bakehouse.planning.render.bake_file import bake_file
from bakehouse.prove.cache import Proof, ProofCache
from bakehouse.prove.expect import Expectation
from bakehouse.prove.image.at_rest import open_image, save_image, to_report
from bakehouse.prove.run import CheckFunction, checks_with
from bakehouse.prove.run import prove as run_checks
from bakehouse.supply.tools import CUOBJDUMP

PATIENCE = 6 * 3600.0
"""Seconds we wait for other runs' measurements to end."""


def write_plan(plan: Plan, world: World, supplies: Supplies, folder: RunFolder) -> None:
    """Write the rendered files. The bake file names the folder it lies in."""
    at_home = replace(supplies, bake_root=str(folder.bake))
    write_bake_files(folder.bake, dockerfiles=plan.dockerfiles, bake=bake_file(plan.cells, world, at_home))


def bake(job: Job) -> None:
    """Build what is still to do, or pull what others built. Every cell gets a build result."""
    cells = job.state.todo(job.plan.cells)
    if not cells:
        return
    built = take(cells, job.given, Docker(job.engine)) if job.given else _built(job, cells)
    for cell in cells:
        job.state.update(cell.name, build=built[cell.name])
        result = job.state[cell.name]
        good = result.verdict is Verdict.PASSED
        word = "pulled" if job.given else "built"
        job.context.say(f"{cell.name}: {word}" if good else f"{cell.name}: {result.verdict}, {result.reason}")
    settle(job, cells)


def _built(job: Job, cells: list[Cell]) -> dict[str, BuildResult]:
    folder = job.state.folder
    with _busy(job), display(cells, job.context.console, job.context.say) as watcher:
        builder = ImageBuilder(
            engine=job.engine,
            builder=job.builder.name if job.builder else None,
            root=job.context.root,
            folder=folder.bake,
            logs=folder.logs,
            watcher=watcher,
        )
        with kept([cell.image for cell in cells], Docker(job.engine)):
            return builder.bake(cells)


def prove(job: Job) -> None:
    """Check each image at rest, without starting it."""
    cells = job.state.passed_so_far(job.plan.cells)
    bundle = ca_bundle(job.context.environ)
    certificates = frozenset(ca_fingerprints(bundle)) if bundle else frozenset()
    secrets = machine_secrets(job.context)
    with _busy(job), scratch(job.context.cache) as folder:
        for cell in cells:
            expected = expectation(cell, job.project.world, forbidden_certificates=certificates, forbidden=secrets)
            job.state.update(cell.name, **_proof(job, cell, expected, folder))
            _say_proof(job, cell)
    settle(job, cells)


def _proof(job: Job, cell: Cell, expected: Expectation, folder: Path) -> dict[str, Any]:
    """Changes of the cell's report. Layers that cells share are unpacked and examined once; no proof is made twice."""
    image_id = reference(job.state, cell)
    memory = ProofCache(job.context.cache / "proofs")
    try:
        proof = memory.recall(image_id, expected) if image_id != cell.image else None
        if proof is None:
            tar = save_image(job.engine, image_id, to=folder / "image.tar")
            image = open_image(tar, workspace=folder, platform=cell.at.platform)
            tar.unlink()
            proof = Proof(
                image=to_report(image, reference=cell.image), checks=run_checks(image, expected, checks=_checks(job))
            )
            if image_id != cell.image:  # a tag can come to mean another image
                memory.keep(image_id, expected, proof)
    except BakehouseError as error:
        return {"checks": [Check(name="open", verdict=Verdict.ERRORED, message=str(error))]}
    return {"image": proof.image, "checks": proof.checks}


def _checks(job: Job) -> dict[str, CheckFunction]:
    program = job.gathered.tools.get(CUOBJDUMP)
    return checks_with(cuobjdump=program, why_not=job.gathered.missing.get(("tool", CUOBJDUMP), "it was not fetched"))


def _say_proof(job: Job, cell: Cell) -> None:
    checks = [check for check in job.state[cell.name].checks if check.verdict is not Verdict.SKIPPED]
    good = sum(check.verdict is Verdict.PASSED for check in checks)
    job.context.say(f"{cell.name}: {good} of {len(checks)} proofs at rest passed")
    for check in checks:
        if check.verdict in (Verdict.FAILED, Verdict.ERRORED):
            job.context.say(f"  {check.name}: {check.message}")


@contextmanager
def _busy(job: Job) -> Iterator[None]:
    """Share the processor: a measurement of another run waits for us, or we for it."""
    folder = job.context.cache / "leases"
    with hold("cpu", folder=folder, run=job.state.folder.name, exclusive=False, timeout=PATIENCE, say=job.context.say):
        yield
