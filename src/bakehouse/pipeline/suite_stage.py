"""The stage that starts the images and probes them, on this machine and on hosts side by side."""

from __future__ import annotations

import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from threading import Event, Lock
from typing import Any

from bakehouse.config.layout import ProjectLayout
from bakehouse.errors import BakehouseError, InfrastructureError
from bakehouse.formatting import count, round_seconds
from bakehouse.hosts.suite_image import SuiteImage
from bakehouse.model.cell import Cell
from bakehouse.model.enums import Verdict
from bakehouse.model.fleet import HERE
from bakehouse.model.report import BaselineReport, TestResult
from bakehouse.model.suite import Suite
from bakehouse.pipeline import spare_time
from bakehouse.pipeline.job import Job
from bakehouse.pipeline.limits import DeviceLimits, find_limits
from bakehouse.pipeline.scratch import scratch
from bakehouse.pipeline.settle import settle
from bakehouse.pipeline.site import Site, results_of
from bakehouse.pipeline.sites import on_host, this_machine
from bakehouse.pipeline.suite_file import recipe_tests, suite_of
from bakehouse.probes.calibrate import doubted
from bakehouse.suite import results
from bakehouse.suite.budget import begin_attempt, end_attempt
from bakehouse.suite.display import SuiteDisplay
from bakehouse.suite.run import SuiteResult, run_suite

NOT_RUN = "the image suite"
"""Name of the test of a cell whose host cannot be used."""


def test(job: Job) -> None:
    """Start the images and probe them, several at a time; measurements run alone on their machine."""
    cells = job.state.passed_so_far(job.plan.cells)
    if not cells:
        return
    groups = _by_host(job, cells)
    folders = [_folder(job, name) for name in groups]
    names = [cell.name for cell in cells]
    display = SuiteDisplay(names, run_folders=folders, console=job.context.console, say=job.context.say)
    with display as watcher, scratch(job.context.cache) as room:
        image = SuiteImage(platform=job.machine.platform, folder=room)
        stage = _Stage(job=job, watcher=watcher, image=image, alone=Lock(), stop=Event())
        if list(groups) == [HERE]:
            _test_group(stage, HERE, cells)
        else:
            _side_by_side(stage, groups)
    settle(job, cells)


@dataclass(frozen=True, kw_only=True, slots=True)
class _Stage:
    job: Job
    watcher: SuiteDisplay
    image: SuiteImage
    """For the hosts."""
    alone: Lock
    """Held by the thread that writes a cell, the history or the display."""
    stop: Event
    """Set when the person wants the run to end."""

    @property
    def wanted(self) -> Callable[[], bool]:
        return lambda: not self.stop.is_set()


def _by_host(job: Job, cells: list[Cell]) -> dict[str, list[Cell]]:
    groups: dict[str, list[Cell]] = {}
    for cell in cells:
        groups.setdefault(job.hosts.get(cell.name, HERE), []).append(cell)
    return groups


def _folder(job: Job, host: str) -> Path:
    whole = job.state.folder.path
    return whole if host == HERE else whole / results_of(host)


def _side_by_side(stage: _Stage, groups: dict[str, list[Cell]]) -> None:
    """Each host in a thread of its own. On Ctrl-C, which only the main thread hears, all of them are told to end."""
    for name, cells in groups.items():
        stage.job.context.say(f"{name}: tests {', '.join(cell.name for cell in cells)}")
    with ThreadPoolExecutor(len(groups)) as pool:
        tasks = [pool.submit(_test_group, stage, name, cells) for name, cells in groups.items()]
        try:
            for task in tasks:
                task.result()
        except BaseException:
            stage.stop.set()
            raise


def _test_group(stage: _Stage, name: str, cells: list[Cell]) -> None:
    """What goes wrong with a host is no other's business: its cells are errored."""
    if name == HERE:
        _test_on(stage, cells, this_machine(stage.job, wanted=stage.wanted))
        return
    try:
        folder = _folder(stage.job, name)
        with on_host(stage.job, name, cells, folder=folder, suite=stage.image, wanted=stage.wanted) as site:
            _test_on(stage, cells, site)
    except InfrastructureError as error:
        _give_up(stage, name, cells, error)


def _give_up(stage: _Stage, name: str, cells: list[Cell], error: BakehouseError) -> None:
    said = error.message if error.message.startswith("host ") else f"host {name}: {error.message}"
    job = stage.job
    job.context.say(said)
    lost = TestResult(name=NOT_RUN, probe="smoke", verdict=Verdict.ERRORED, seconds=0.0, message=said)
    with stage.alone:
        for cell in job.state.todo(cells):
            job.state.update(cell.name, tests=[*job.state[cell.name].tests, lost], tested_by=name)


def _test_on(stage: _Stage, cells: list[Cell], site: Site) -> None:
    job = stage.job
    (site.folder / results.FOLDER).mkdir(parents=True, exist_ok=True)
    suite, limits = suite_of(job, cells, site), _limits(job, cells, site)
    _say_how_long(job, suite, site)
    outcome = run_suite(
        suite,
        ground=site.ground,
        folder=site.folder,
        image_tests=ProjectLayout(root=job.context.root).image_tests(),
        recipe_test_folders=recipe_tests(job.context.root, cells),
        workers=job.options.workers or _default_workers(site),
        on_result=_Follower(stage, site, limits, suite),
        on_progress=stage.watcher.measuring,
        say=site.say,
        extra=_only_probes(job.options.probes),
    )
    found = outcome.cells | _go_on(stage, cells, suite, outcome, site)
    with stage.alone:
        for cell in job.state.todo(cells):
            job.state.update(cell.name, **_said(job, cell.name, found[cell.name], limits, site))


def _go_on(
    stage: _Stage, cells: list[Cell], suite: Suite, outcome: SuiteResult, site: Site
) -> dict[str, results.CellResult]:
    """Measure on in the time that is left, where rates have too few starts; what came of it, by cell."""
    job, tests = stage.job, site.folder / results.FOLDER
    if suite.measure_for is None or not outcome.complete:
        return {}
    now = time.time()
    spent = end_attempt(tests, began=suite.began, now=now)
    left = suite.measure_for - sum(spent.attempts.values())
    chosen = spare_time.choose(suite, outcome.cells, spent, left=left)
    if not chosen:
        return {}
    room = f"{round_seconds(round(left))} left of the time for measuring"
    site.say(f"{room}: more starts of {count(len(chosen), 'cell')}")
    begin_attempt(tests)
    again = run_suite(
        spare_time.second_suite(suite, chosen, began=now),
        ground=site.ground,
        folder=site.folder,
        image_tests=ProjectLayout(root=job.context.root).image_tests(),
        recipe_test_folders=recipe_tests(job.context.root, [cell for cell in cells if cell.name in chosen]),
        workers=1,
        on_progress=stage.watcher.measuring,
        say=site.say,
        extra=("-k", spare_time.SELECTED),
        log_name=spare_time.LOG,
    )
    return {name: spare_time.together(outcome.cells[name], again.cells[name]) for name in chosen}


def _say_how_long(job: Job, suite: Suite, site: Site) -> None:
    """What a person may do meanwhile."""
    measured = sum(subject.workload is not None or subject.work is not None for subject in suite.subjects)
    spent = begin_attempt(site.folder / results.FOLDER)
    if not measured or (job.options.probes and "throughput" not in job.options.probes):
        return
    cells = count(measured, "cell")
    if suite.measure_for is None:
        site.say(f"measuring {cells}: {count(job.options.starts or 0, 'start')} each, however long they take")
        return
    left = max(0.0, suite.measure_for - spent)
    rest = f" that are left of {round_seconds(suite.measure_for)}" if spent else ""
    most = f"at most {round_seconds(round(left))}{rest}"
    site.say(f"testing and measuring {cells}: {most}, unless their tests and one rate of each take longer")


def _limits(job: Job, cells: list[Cell], site: Site) -> DeviceLimits:
    """What the machine allows. Its processor is measured alone, in less than two seconds, once for a machine."""
    if job.options.probes and "throughput" not in job.options.probes:
        return DeviceLimits(works={}, devices={})
    return find_limits(
        cells,
        job.gathered.models,
        machine=site.machine,
        matrix=job.project.world.matrix,
        say=site.say,
        processor=site.processor,
        bandwidth=site.bandwidth,
    )


def _said(job: Job, cell: str, found: results.CellResult, limits: DeviceLimits, site: Site) -> dict[str, Any]:
    """Changes of the cell's report."""
    other = job.baselines.get(cell)
    baseline = BaselineReport(name=other.name, image=other.reference, measurements=found.baseline) if other else None
    measurements = limits.added_to(cell, doubted(found.measurements))
    model = limits.model(cell, measurements) if measurements else None
    tests = [test.model_copy(update={"container_log": site.log(test.container_log)}) for test in found.tests]
    return {
        "tests": tests,
        "measurements": measurements,
        "model": model,
        "baseline": baseline,
        "tested_by": site.name,
        "host": site.host,
    }


class _Follower:
    """Finishes a cell as soon as its last test has ended, unless more of its starts may follow: a run that is cut off
    later keeps it.
    """

    def __init__(self, stage: _Stage, site: Site, limits: DeviceLimits, suite: Suite) -> None:
        self._stage, self._site, self._limits, self._suite = stage, site, limits, suite
        self._state = stage.job.state
        self._ended: dict[str, dict[str, TestResult]] = {}

    def __call__(self, cell: str, result: TestResult) -> None:
        with self._stage.alone:
            self._stage.watcher.add(cell, result)
            self._take(cell, result)

    def _take(self, cell: str, result: TestResult) -> None:
        ended = self._ended.setdefault(cell, {})
        ended[result.name] = result
        folder = self._site.folder
        wanted = {test.name for test in results.planned(folder) if test.cell == cell}
        if wanted and wanted <= ended.keys() and self._state[cell].finished is None:
            found = results.collect(folder).get(cell, results.CellResult())
            written = {test.name for test in found.tests}
            # Of a pytest that died, nobody wrote what it had not said.
            found.tests += [test for name, test in ended.items() if name not in written]
            self._state.update(cell, **_said(self._stage.job, cell, found, self._limits, self._site))
            if spare_time.may_go_on(self._suite, found):
                return
            self._state.finish(cell)
            keep(self._stage.job)


def keep(job: Job) -> None:
    """Add to the history what finished cells measured, and was not added before."""
    if job.writer:
        job.writer.keep(job.state.report())


def _default_workers(site: Site) -> int:
    """Two servers on two cores starve each other (27 s for an answer of 8 tokens was seen): a worker for two cores."""
    return max(1, site.machine.cores // 2)


def _only_probes(probes: tuple[str, ...]) -> tuple[str, ...]:
    return ("-k", " or ".join(f"test_{probe}" for probe in probes)) if probes else ()
