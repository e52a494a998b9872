"""Probe and measure a server that somebody else has started, and record it as a run with one cell."""

from __future__ import annotations

import os
import time
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path

import bakehouse
from bakehouse.config.layout import ProjectLayout
from bakehouse.engine.connection import Engine
from bakehouse.engine.host import describe_host
from bakehouse.errors import InfrastructureError
from bakehouse.machine import detect
from bakehouse.model.enums import Verdict
from bakehouse.model.lock import Lock
from bakehouse.model.probe_job import ProbeJob
from bakehouse.model.report import BuildResult, CellReport, Host, RunReport
from bakehouse.model.suite import Served, Suite
from bakehouse.pipeline.context import Context
from bakehouse.pipeline.run_folder import RunFolder, new_run
from bakehouse.pipeline.run_state import conclude
from bakehouse.reporters.registry import write_all
from bakehouse.suite.ground import ThisMachine
from bakehouse.suite.results import CellResult
from bakehouse.suite.run import run_suite
from bakehouse.supply import models
from bakehouse.supply.attempts import try_in_order
from bakehouse.supply.context import SupplyContext
from bakehouse.supply.registry import EngineRegistries

HOST = "BAKEHOUSE_HOST"
"""Name of the machine, where the one that we see is a container's: two runs on it can be compared then."""
NOBODY = Engine(kind="external", host=None, version="", buildx="", containerd_store=False)


def probe_served(
    job: ProbeJob, served: Served, context: Context, *, recipe_folder: Path, tests: Sequence[Path], seconds: float
) -> tuple[RunReport, RunFolder]:
    """Run the image suite over it. `tests`: folders of the recipe's own; `seconds`: for testing and measuring."""
    folder = new_run(context.reports, started=context.started, fingerprint=job.fingerprint)
    subject = job.subject.model_copy(update={"recipe_folder": str(recipe_folder.resolve())})
    suite = Suite(
        run=folder.name,
        run_folder=str(folder.path.resolve()),
        cache=str(context.cache),
        measure_for=seconds,
        began=time.time(),
        is_fixed=True,
        served=served,
        subjects=[subject],
    )
    outcome = run_suite(
        suite,
        ground=ThisMachine(engine=None),
        image_tests=ProjectLayout(root=context.root).image_tests(),
        recipe_test_folders=list(tests),
        workers=1,
        on_result=lambda _, test: context.say(f"{test.name}: {test.verdict}"),
        say=context.say,
    )
    run = _record(job, context, folder, outcome.cells[subject.cell])
    write_all(run, folder.path)
    return run, folder


def _record(job: ProbeJob, context: Context, folder: RunFolder, found: CellResult) -> RunReport:
    cell = _cell(job, found)
    return RunReport(
        run=folder.name,
        bakehouse=bakehouse.__version__,
        command=list(context.command),
        fingerprint=job.fingerprint,
        revision=job.revision,
        started=context.started,
        finished=datetime.now(UTC),
        verdict=cell.verdict,
        host=host(context.environ),
        cells=[cell],
    )


def _cell(job: ProbeJob, found: CellResult) -> CellReport:
    """The image is what the job says is served: by its digest, which was not looked up here."""
    cell = job.cell.model_copy(
        update={
            "build": BuildResult(verdict=Verdict.PASSED, image=job.subject.digest, seconds=0),
            "tests": found.tests,
            "measurements": found.measurements,
            "finished": datetime.now(UTC),
        }
    )
    verdict, reason = conclude(cell)
    return cell.model_copy(update={"verdict": verdict, "reason": reason})


def host(environ: Mapping[str, str]) -> Host:
    """Of this machine, without an engine."""
    name = environ.get(HOST)
    found = describe_host(NOBODY, detect())
    memory = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    known = {"cores": os.cpu_count() or 0, "memory_bytes": memory, "engine": "none: the server was started elsewhere"}
    return found.model_copy(update=known | ({"name": name} if name else {}))


def fetch_models(job: ProbeJob, context: Context, to: Path) -> None:
    """Put what the server gets into a folder, under the names that it is told. Raises InfrastructureError."""
    supply = SupplyContext(
        cache=context.cache.resolve(),
        root=context.root.resolve(),
        environ=context.environ,
        machine=os.uname().machine,
        lock=Lock(files=job.locked),
        registries=EngineRegistries(engine=NOBODY, environ=context.environ),
        say=context.say,
    )
    to.mkdir(parents=True, exist_ok=True)
    for name in job.serves:
        row = job.models[name]
        outcome = try_in_order(models.places_of(row, rows=job.models, context=supply))
        if outcome.found is None:
            raise InfrastructureError(f"no model {name} (tried: {outcome.why_not})")
        _put(outcome.found.what, to / row.file)
        context.say(f"{name}: {outcome.attempts[-1].message}")


def _put(source: Path, to: Path) -> None:
    """A whole file or none: the server may look at any time. Both folders may be one file system, or not."""
    part = to.with_name(f".{to.name}.part")
    part.unlink(missing_ok=True)
    try:
        os.link(source, part)
    except OSError:
        part.write_bytes(source.read_bytes())
    part.chmod(0o644)
    part.replace(to)
