"""The stages of a run: each takes the cells that are still good and tells the ledger what it found."""

from __future__ import annotations

import os
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

from bakehouse.bake.display import display
from bakehouse.bake.executor import ImageBuilder, write_bake_files
from bakehouse.bake.previous_images import kept
from bakehouse.config.layout import ProjectLayout
from bakehouse.engine.connect import require_engine
from bakehouse.engine.docker import Docker
from bakehouse.engine.network import ca_bundle, ca_fingerprints
from bakehouse.errors import BakehouseError
from bakehouse.formatting import count, round_seconds
from bakehouse.machine import load_libraries
from bakehouse.measure.lease import hold
from bakehouse.model.cell import Cell, World
from bakehouse.model.enums import Verdict
from bakehouse.model.plan import Plan, Supplies
from bakehouse.model.report import BaselineReport, BuildResult, Check, TestResult
from bakehouse.model.suite import Suite
from bakehouse.pipeline import spare_time
from bakehouse.pipeline.expectations import expectation
from bakehouse.pipeline.given_images import take
from bakehouse.pipeline.job import Job
from bakehouse.pipeline.limits import Limits, find_limits
from bakehouse.pipeline.machine_secrets import machine_secrets
from bakehouse.pipeline.run_folder import RunFolder
from bakehouse.pipeline.scratch import scratch
from bakehouse.pipeline.suite_file import recipe_tests, reference, suite_of
from bakehouse.planning.render.bake_file import bake_file
from bakehouse.probes.calibrate import doubted
from bakehouse.prove.cache import Memory, Proof
from bakehouse.prove.expect import Expectation
from bakehouse.prove.image.at_rest import open_image, save_image, to_report
from bakehouse.prove.run import CheckFunction, checks_with
from bakehouse.prove.run import prove as run_checks
from bakehouse.suite import results
from bakehouse.suite.budget import begin_attempt, end_attempt
from bakehouse.suite.display import SuiteDisplay
from bakehouse.suite.run import Outcome, run_suite
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
    _settle(job, cells)


def _built(job: Job, cells: list[Cell]) -> dict[str, BuildResult]:
    folder = job.state.folder
    with _busy(job), display(cells, job.context.console, job.context.say) as watcher:
        builder = ImageBuilder(
            engine=job.engine, root=job.context.root, folder=folder.bake, logs=folder.logs, watcher=watcher
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
    _settle(job, cells)


def _proof(job: Job, cell: Cell, expected: Expectation, folder: Path) -> dict[str, Any]:
    """Changes of the cell's report. Layers that cells share are unpacked and examined once; no proof is made twice."""
    image_id = reference(job.state, cell)
    memory = Memory(job.context.cache / "proofs")
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


def test(job: Job) -> None:
    """Start the images and probe them, several at a time; measurements run alone."""
    cells = job.state.passed_so_far(job.plan.cells)
    if not cells:
        return
    suite, limits = suite_of(job, cells), _limits(job, cells)
    _say_how_long(job, suite)
    names = [cell.name for cell in cells]
    folder, console, say = job.state.folder.path, job.context.console, job.context.say
    with SuiteDisplay(names, run_folder=folder, console=console, say=say) as watcher:
        outcome = run_suite(
            suite,
            engine=job.engine,
            image_tests=ProjectLayout(root=job.context.root).image_tests(),
            recipe_test_folders=recipe_tests(job.context.root, cells),
            workers=job.options.workers or _default_workers(),
            on_result=_Follower(job, watcher, limits, suite),
            on_progress=watcher.measuring,
            say=say,
            extra=_only_probes(job.options.probes),
        )
        found = outcome.cells | _go_on(job, cells, suite, outcome, watcher)
    for cell in job.state.todo(cells):
        job.state.update(cell.name, **_said(job, cell.name, found[cell.name], limits))
    _settle(job, cells)


def _go_on(
    job: Job, cells: list[Cell], suite: Suite, outcome: Outcome, watcher: SuiteDisplay
) -> dict[str, results.Found]:
    """Measure on in the time that is left, where rates have too few starts; what came of it, by cell."""
    tests = job.state.folder.path / results.FOLDER
    if suite.measure_for is None or not outcome.complete:
        return {}
    now = time.time()
    spent = end_attempt(tests, began=suite.began, now=now)
    left = suite.measure_for - sum(spent.attempts.values())
    chosen = spare_time.choose(suite, outcome.cells, spent, left=left)
    if not chosen:
        return {}
    room = f"{round_seconds(round(left))} left of the time for measuring"
    job.context.say(f"{room}: more starts of {count(len(chosen), 'cell')}")
    begin_attempt(tests)
    again = run_suite(
        spare_time.second_suite(suite, chosen, began=now),
        engine=job.engine,
        image_tests=ProjectLayout(root=job.context.root).image_tests(),
        recipe_test_folders=recipe_tests(job.context.root, [cell for cell in cells if cell.name in chosen]),
        workers=1,
        on_progress=watcher.measuring,
        say=job.context.say,
        extra=("-k", spare_time.SELECTED),
        log_name=spare_time.LOG,
    )
    return {name: spare_time.together(outcome.cells[name], again.cells[name]) for name in chosen}


def _say_how_long(job: Job, suite: Suite) -> None:
    """What a person may do meanwhile."""
    measured = sum(subject.workload is not None or subject.work is not None for subject in suite.subjects)
    spent = begin_attempt(job.state.folder.path / results.FOLDER)
    if not measured or (job.options.probes and "throughput" not in job.options.probes):
        return
    cells = count(measured, "cell")
    if suite.measure_for is None:
        job.context.say(f"measuring {cells}: {count(job.options.starts or 0, 'start')} each, however long they take")
        return
    left = max(0.0, suite.measure_for - spent)
    rest = f" that are left of {round_seconds(suite.measure_for)}" if spent else ""
    most = f"at most {round_seconds(round(left))}{rest}"
    job.context.say(f"testing and measuring {cells}: {most}, unless their tests and one rate of each take longer")


def _limits(job: Job, cells: list[Cell]) -> Limits:
    """What this machine allows. Its processor is measured alone, in less than two seconds, once for a machine."""
    if job.options.probes and "throughput" not in job.options.probes:
        return Limits(works={}, devices={})
    leases, run, say = job.context.cache / "leases", job.state.folder.name, job.context.say
    return find_limits(
        cells,
        job.gathered.models,
        machine=job.machine,
        matrix=job.project.world.matrix,
        cache=job.context.cache,
        say=say,
        alone=partial(hold, "cpu", folder=leases, run=run, exclusive=True, timeout=PATIENCE, say=say),
        nvml=load_libraries().nvml,
    )


def _said(job: Job, cell: str, found: results.Found, limits: Limits) -> dict[str, Any]:
    """Changes of the cell's report."""
    other = job.baselines.get(cell)
    baseline = BaselineReport(name=other.name, image=other.reference, measurements=found.baseline) if other else None
    measurements = limits.beside(cell, doubted(found.measurements))
    model = limits.model(cell, measurements) if measurements else None
    return {"tests": found.tests, "measurements": measurements, "model": model, "baseline": baseline}


class _Follower:
    """Finishes a cell as soon as its last test has ended, unless more of its starts may follow: a run that is cut off
    later keeps it.
    """

    def __init__(self, job: Job, watcher: SuiteDisplay, limits: Limits, suite: Suite) -> None:
        self._job, self._limits, self._suite = job, limits, suite
        self._state = job.state
        self._watcher = watcher
        self._ended: dict[str, set[str]] = {}

    def __call__(self, cell: str, result: TestResult) -> None:
        self._watcher.add(cell, result)
        ended = self._ended.setdefault(cell, set())
        ended.add(result.name)
        folder = self._state.folder.path
        wanted = {test.name for test in results.planned(folder) if test.cell == cell}
        if wanted and wanted <= ended and self._state[cell].finished is None:
            found = results.collect(folder).get(cell, results.Found())
            self._state.update(cell, **_said(self._job, cell, found, self._limits))
            if spare_time.may_go_on(self._suite, found):
                return
            self._state.finish(cell)
            keep(self._job)


def keep(job: Job) -> None:
    """Add to the history what finished cells measured, and was not added before."""
    if job.writer:
        job.writer.keep(job.state.report())


def _settle(job: Job, cells: list[Cell]) -> None:
    """Cells in trouble are finished, unless the trouble is that there is no engine any more: then the run ends."""
    if any(job.state[cell.name].verdict is Verdict.ERRORED for cell in cells):
        require_engine(job.engine)
    job.state.finish_bad(cells)


def _default_workers() -> int:
    """Two servers on two cores starve each other (27 s for an answer of 8 tokens was seen): a worker for two cores."""
    return max(1, len(os.sched_getaffinity(0)) // 2)


def _only_probes(probes: tuple[str, ...]) -> tuple[str, ...]:
    return ("-k", " or ".join(f"test_{probe}" for probe in probes)) if probes else ()


@contextmanager
def _busy(job: Job) -> Iterator[None]:
    """Share the processor: a measurement of another run waits for us, or we for it."""
    folder = job.context.cache / "leases"
    with hold("cpu", folder=folder, run=job.state.folder.name, exclusive=False, timeout=PATIENCE, say=job.context.say):
        yield
