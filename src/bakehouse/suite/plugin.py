"""The pytest plugin of the image suite: `pytest -p bakehouse.suite.plugin --suite RUN/suite.json tests/images`.

A test that asks for `subject` runs once for each cell. With pytest-xdist all tests of a cell go to one worker, where
those that do not disturb it share one server; cells run side by side. Every test holds the CPU, shared; a test that
measures asks for `lease` and holds it alone.
"""

from __future__ import annotations

import json
import re
from collections.abc import Generator
from pathlib import Path
from typing import Any, cast

import pytest

from bakehouse.engine.connection import Engine
from bakehouse.errors import BakehouseError
from bakehouse.model.enums import AcceleratorName
from bakehouse.model.report import TestResult
from bakehouse.model.suite import Subject, Suite
from bakehouse.probes import PROBES
from bakehouse.servers import SERVERS
from bakehouse.suite.emulation import why_not
from bakehouse.suite.results import PlannedTest
from bakehouse.suite.session import SESSION, Session
from bakehouse.suite.verdicts import MeasurementVoid, PhaseReport, combine

ENGINE_FILE = "engine.json"
"""Beside suite.json: how to reach the engine."""

pytest_plugins = ["bakehouse.suite.fixtures", "bakehouse.suite.measuring", "bakehouse.suite.clients"]


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--suite", type=Path, required=True, help="suite.json of a run")


class CollectionErrors:
    """Keeps what went wrong when files were read as tests."""

    def __init__(self) -> None:
        self.texts: list[str] = []

    def pytest_collectreport(self, report: pytest.CollectReport) -> None:
        if report.failed:
            self.texts.append(f"{report.nodeid}: {report.longreprtext}")


COLLECTION = pytest.StashKey[CollectionErrors]()


def pytest_configure(config: pytest.Config) -> None:
    config.addinivalue_line("markers", "client(name): which client makes the load of a test; without it, it makes none")
    config.addinivalue_line("markers", f"probe(name): which probe a test belongs to: {', '.join(PROBES)}")
    path = cast("Path", config.getoption("--suite"))
    worker = cast("dict[str, Any]", getattr(config, "workerinput", {})).get("workerid", "main")
    suite = _read_suite(path)
    config.stash[SESSION] = Session(suite, None if suite.served else _read_engine(path.parent), worker=worker)
    config.stash[COLLECTION] = CollectionErrors()
    config.pluginmanager.register(config.stash[COLLECTION])


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    if "subject" not in metafunc.fixturenames:
        return
    if "case" in metafunc.fixturenames:
        _generate_cases(metafunc)
        return
    recipe = _recipe_of(metafunc.definition.path)
    cells = [
        pytest.param(subject, id=subject.cell)
        for subject in metafunc.config.stash[SESSION].suite.subjects
        if recipe is None or subject.recipe == recipe
    ]
    metafunc.parametrize("subject", cells, indirect=True, scope="session")


def _generate_cases(metafunc: pytest.Metafunc) -> None:
    """One test for each case of each subject's recipe; its name is the case's."""
    pairs = [
        pytest.param(subject, case, id=f"{subject.cell}-{case.name}")
        for subject in metafunc.config.stash[SESSION].suite.subjects
        for case in subject.cases
    ]
    metafunc.parametrize(("subject", "case"), pairs, indirect=["subject"], scope="session")


@pytest.hookimpl(trylast=True)
def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Go cell by cell, smoke first.

    Leave out tests without a cell (of a recipe that the suite does not have), of an accelerator that it has not, and of
    another client than the one that makes the load in this run.
    """
    client = config.stash[SESSION].suite.client
    kept = [
        item
        for item in items
        if _concerns_its_cell(item) and _client(item) in (None, client) and _has_its_kind_of_work(item, client)
    ]
    gone = [item for item in items if item not in kept]
    if gone:
        config.hook.pytest_deselected(items=gone)
    cells = [subject.cell for subject in config.stash[SESSION].suite.subjects]
    items[:] = sorted(kept, key=lambda item: (cells.index(_cell(item)), list(PROBES).index(_probe(item))))
    tests = [PlannedTest(cell=_cell(item), node=item.nodeid, name=_name(item), probe=_probe(item)) for item in items]
    config.stash[SESSION].writer.collected(tests, config.stash[COLLECTION].texts)


def _has_its_kind_of_work(item: pytest.Item, client: str) -> bool:
    """A recipe of tokens has no row for other work, and one of other work none for tokens, which are all that another
    client than ours measures.
    """
    subject, names = _subject(item), getattr(item, "fixturenames", ())
    if subject is None:
        return True
    if "work_bench" in names:
        return subject.work is not None
    has_other_row = subject.work is not None and client == "bakehouse"
    return "bench" not in names or subject.workload is not None or not has_other_row


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_make_scheduler(config: pytest.Config, log: Any) -> Any:
    """Send all tests of a cell to one worker."""
    from bakehouse.suite.scheduling import CellScheduling  # noqa: PLC0415 - only when pytest-xdist is there

    return CellScheduling(config, log, run_folder=config.stash[SESSION].folder)


def pytest_runtest_setup(item: pytest.Item) -> None:
    subject = _subject(item)
    if subject:
        _refuse_what_is_foreign(subject, _probe(item), item.config.stash[SESSION])
    if subject:
        _refuse_what_it_has_not(subject, _probe(item))


def _refuse_what_it_has_not(subject: Subject, probe: str) -> None:
    """Skip what says nothing of a server of this family, or of a recipe that names no model."""
    server = SERVERS[subject.server]
    if PROBES[probe].needs_model and subject.model_path is None and not server.serves_without_model:
        pytest.skip("the recipe names no model to serve")
    if probe == "throughput" and subject.workload is None and subject.work is None:
        pytest.skip("the recipe measures no rates: neither probes.throughput nor probes.work")
    if probe == "offload" and server.device_log is None:
        pytest.skip(f"{server.title} logs nothing of devices; the recipe's cases ask it")
    if probe == "web_ui" and not server.may_have_page:
        pytest.skip(f"{server.title} has no page of its own")


def _refuse_what_is_foreign(subject: Subject, probe: str, session: Session) -> None:
    """Programs for another platform than the engine's need an emulator, and are never measured."""
    if session.suite.served or subject.platform == session.engine.platform:
        return
    if why := why_not(subject.platform, own=session.engine.platform):
        pytest.skip(f"it was proved at rest, and cannot be started here: {why}")
    if probe == "throughput":
        pytest.skip(f"programs for {subject.platform} are emulated here: a rate would be no machine's")


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(
    item: pytest.Item, call: pytest.CallInfo[None]
) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    report = yield
    session = item.config.stash[SESSION]
    error = call.excinfo.value if call.excinfo else None
    tail = session.log_tail(item.nodeid) if report.outcome == "failed" else ""
    if tail:
        report.sections.append((f"log of the container ({session.logs[item.nodeid]})", tail))
    session.phases.setdefault(item.nodeid, []).append(
        PhaseReport(
            phase=report.when,
            outcome=report.outcome,
            seconds=report.duration,
            error=error,
            message=_message(report, error),
        )
    )
    if report.when == "teardown":
        _write_result(item, session)
    return report


def pytest_runtest_teardown(item: pytest.Item, nextitem: pytest.Item | None) -> None:
    item.config.stash[SESSION].close_shared(unless=_cell(nextitem) if nextitem else "")


def pytest_sessionfinish(session: pytest.Session) -> None:
    session.config.stash[SESSION].close_shared()


def _write_result(item: pytest.Item, session: Session) -> None:
    verdict, message, seconds = combine(session.phases.pop(item.nodeid, []))
    log = session.logs.pop(item.nodeid, None)
    notes = session.notes.pop(item.nodeid, [])
    result = TestResult(
        name=_name(item),
        probe=_probe(item),
        verdict=verdict,
        seconds=seconds,
        message=message or "; ".join(notes),
        container_log=str(log.relative_to(session.folder)) if log and not session.suite.served else "",
    )
    session.writer.test(_cell(item), result)


def _message(report: pytest.TestReport, error: BaseException | None) -> str:
    """Say what a person should read: our errors' own words, a skip's reason, or pytest's account of an assertion."""
    if report.outcome == "passed":
        return ""
    if isinstance(report.longrepr, tuple):
        return str(report.longrepr[2]).removeprefix("Skipped: ")
    if isinstance(error, BakehouseError | MeasurementVoid):
        return str(error)
    return f"{type(error).__name__}: {error}" if error and str(error) else str(report.longrepr)


def _subject(item: pytest.Item) -> Subject | None:
    if not isinstance(item, pytest.Function) or not hasattr(item, "callspec"):
        return None
    subject = item.callspec.params.get("subject")
    return subject if isinstance(subject, Subject) else None


def _concerns_its_cell(item: pytest.Item) -> bool:
    subject = _subject(item)
    if subject is None:
        return False
    return subject.accelerator != AcceleratorName.CPU or not PROBES[_probe(item)].needs_accelerator


def _client(item: pytest.Item) -> str | None:
    marker = item.get_closest_marker("client")
    return str(marker.args[0]) if marker else None


def _cell(item: pytest.Item) -> str:
    subject = _subject(item)
    return subject.cell if subject else ""


def _name(item: pytest.Item) -> str:
    """`test_health.py::test_becomes_healthy`, or with other parameters `...::test_port[environment]`."""
    function = cast("pytest.Function", item)
    suffix = function.callspec.id.replace(_cell(item), "").strip("-")
    return f"{item.path.name}::{function.originalname}" + (f"[{suffix}]" if suffix else "")


def _probe(item: pytest.Item) -> str:
    """The marker's word, else the file's name; a recipe's own tests are `recipe`."""
    marker = item.get_closest_marker("probe")
    if marker:
        name = str(marker.args[0])
        if name not in PROBES:
            raise pytest.UsageError(f"{item.nodeid}: there is no probe {name!r}; there are {', '.join(PROBES)}")
        return name
    if _recipe_of(item.path):
        return "recipe"
    found = re.fullmatch(r"test_(\w+)\.py", item.path.name)
    return found[1] if found and found[1] in PROBES else "recipe"


def _recipe_of(path: Path) -> str | None:
    """Name of the recipe whose own test this is: the folder above that holds a recipe.yaml."""
    return next((folder.name for folder in path.parents if (folder / "recipe.yaml").exists()), None)


def _read_suite(path: Path) -> Suite:
    try:
        return Suite.model_validate_json(path.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise pytest.UsageError(f"--suite {path}: {error}") from error


def _read_engine(folder: Path) -> Engine:
    try:
        return Engine(**json.loads((folder / ENGINE_FILE).read_text(encoding="utf-8")))
    except FileNotFoundError:
        return Engine(kind="external", host=None, version="", buildx="", containerd_store=False)
