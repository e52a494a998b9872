"""The stages of a run: each takes the cells that are still good and tells the ledger what it found."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

from bakehouse.bake.display import display
from bakehouse.bake.executor import Oven, write_bake_files
from bakehouse.commands.job import Job
from bakehouse.engine.network import ca_bundle, ca_fingerprints
from bakehouse.errors import BakehouseError
from bakehouse.expectations import expectation, subject
from bakehouse.ledger import Ledger
from bakehouse.measure.lease import hold
from bakehouse.model.cell import Cell, World
from bakehouse.model.plan import Plan, Supplies
from bakehouse.model.report import Check
from bakehouse.model.suite import Suite
from bakehouse.model.words import Verdict
from bakehouse.prove.expect import Expectation
from bakehouse.prove.image import open_image, save_image, to_report
from bakehouse.prove.run import prove as run_checks
from bakehouse.render.bake import bake_file
from bakehouse.runs import RunFolder
from bakehouse.supply.chain import Gathered
from bakehouse.testing.results import collect
from bakehouse.testing.run import run_suite

PATIENCE = 6 * 3600.0
"""Seconds we wait for other runs' measurements to end."""

QUICK_STARTS, QUICK_REPETITIONS = 1, 2


def write_plan(plan: Plan, world: World, supplies: Supplies, folder: RunFolder) -> None:
    """Write the rendered files. The bake file names the folder it lies in."""
    at_home = replace(supplies, bake_root=str(folder.bake))
    write_bake_files(folder.bake, dockerfiles=plan.dockerfiles, bake=bake_file(plan.cells, world, at_home))


def bake(job: Job) -> None:
    """Build what is still to do. Every cell gets a build result."""
    cells = job.ledger.todo(job.plan.cells)
    if not cells:
        return
    folder = job.ledger.folder
    with _busy(job), display(cells, job.context.console, job.context.say) as watcher:
        oven = Oven(engine=job.engine, root=job.context.root, folder=folder.bake, logs=folder.logs, watcher=watcher)
        built = oven.bake(cells)
    for cell in cells:
        job.ledger.update(cell.name, build=built[cell.name].result)
        result = job.ledger[cell.name]
        good = result.verdict is Verdict.PASSED
        job.context.say(f"{cell.name}: built" if good else f"{cell.name}: {result.verdict}, {result.reason}")


def prove(job: Job) -> None:
    """Check each image at rest, without starting it."""
    cells = job.ledger.passed_so_far(job.plan.cells)
    bundle = ca_bundle(job.context.environ)
    certificates = frozenset(ca_fingerprints(bundle)) if bundle else frozenset()
    with _busy(job), _scratch(job.context.cache) as folder:
        for cell in cells:
            expected = expectation(cell, job.project.world, forbidden_certificates=certificates)
            job.ledger.update(cell.name, **_proof(job, cell, expected, Path(folder)))
            _say_proof(job, cell)


def _proof(job: Job, cell: Cell, expected: Expectation, folder: Path) -> dict[str, Any]:
    """Changes of the cell's report. Layers that cells share are unpacked and examined once."""
    try:
        tar = save_image(job.engine, cell.image, to=folder / "image.tar")
        image = open_image(tar, workspace=folder, platform=cell.at.platform)
        tar.unlink()
        return {"image": to_report(image, reference=cell.image), "checks": run_checks(image, expected)}
    except BakehouseError as error:
        return {"checks": [Check(name="open", verdict=Verdict.ERRORED, message=str(error))]}


def _say_proof(job: Job, cell: Cell) -> None:
    checks = job.ledger[cell.name].checks
    good = sum(check.verdict is Verdict.PASSED for check in checks)
    job.context.say(f"{cell.name}: {good} of {len(checks)} proofs at rest passed")
    for check in checks:
        if check.verdict in (Verdict.FAILED, Verdict.ERRORED):
            job.context.say(f"  {check.name}: {check.message}")


def test(job: Job) -> None:
    """Start the images and probe them, several at a time; measurements run alone."""
    cells = job.ledger.passed_so_far(job.plan.cells)
    if not cells:
        return
    try:
        run_suite(
            _suite(job, cells),
            engine=job.engine,
            image_tests=job.context.root / "tests" / "images",
            recipe_test_folders=_recipe_tests(job.context.root, cells),
            workers=job.options.workers or len(os.sched_getaffinity(0)),
            say=job.context.say,
            extra=_only_probes(job.options.probes),
        )
    finally:  # what had finished when somebody pressed Ctrl-C counts too
        found = collect(job.ledger.folder.path)
        for cell in cells:
            tests, measurements = found.get(cell.name, ([], []))
            job.ledger.update(cell.name, tests=tests, measurements=measurements)


def _only_probes(probes: tuple[str, ...]) -> tuple[str, ...]:
    return ("-k", " or ".join(f"test_{probe}" for probe in probes)) if probes else ()


def _suite(job: Job, cells: list[Cell]) -> Suite:
    options, folder = job.options, job.ledger.folder
    return Suite(
        run=folder.name,
        run_folder=str(folder.path),
        cache=str(job.context.cache),
        mode="quick" if options.quick else "full",
        subjects=[
            subject(
                cell,
                job.project.world,
                digest=_digest(job.ledger, cell),
                model_path=_model(cell, job.gathered),
                starts=options.starts or (QUICK_STARTS if options.quick else None),
                repetitions=options.repetitions or (QUICK_REPETITIONS if options.quick else None),
            )
            for cell in cells
        ],
    )


def _digest(ledger: Ledger, cell: Cell) -> str:
    image = ledger[cell.name].image
    return image.digest if image else ""


def _model(cell: Cell, gathered: Gathered) -> str | None:
    throughput = cell.recipe.probes.throughput
    path = gathered.models.get(throughput.model) if throughput else None
    return str(path) if path else None


def _recipe_tests(root: Path, cells: list[Cell]) -> list[Path]:
    folders = {root / "recipes" / cell.at.recipe / "tests" for cell in cells}
    return sorted(folder for folder in folders if folder.is_dir())


def _scratch(cache: Path) -> tempfile.TemporaryDirectory[str]:
    """A folder under the cache that is gone afterwards. Images are too large for /tmp on many machines."""
    (cache / "scratch").mkdir(parents=True, exist_ok=True)
    return tempfile.TemporaryDirectory(dir=cache / "scratch")


@contextmanager
def _busy(job: Job) -> Iterator[None]:
    """Share the processor: a measurement of another run waits for us, or we for it."""
    folder = job.context.cache / "leases"
    with hold("cpu", folder=folder, run=job.ledger.folder.name, exclusive=False, timeout=PATIENCE, say=job.context.say):
        yield
