"""Runs the image suite in a pytest of its own and says what came out, also when that pytest dies."""

from __future__ import annotations

import dataclasses
import json
import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from bakehouse.model.enums import Verdict
from bakehouse.model.report import TestResult
from bakehouse.model.suite import Suite
from bakehouse.suite import progress, results
from bakehouse.suite.fixtures import SAID
from bakehouse.suite.ground import Ended, Ground
from bakehouse.suite.plugin import ENGINE_FILE
from bakehouse.suite.progress import Progress

TEST_TIMEOUT = 600
"""Seconds for one test, without the fixtures that wait for a lease. A test of rates says its own."""
LOG = "pytest.log"
SUITE_FILE, INI_FILE = "suite.json", "pytest.ini"
_TAIL = 15
_ENDED_NORMALLY = (0, 1)
"""pytest's exit status: all passed, some failed. 2 to 5: interrupted, internal error, misuse, nothing collected."""

_INI = """\
[pytest]
addopts = -ra --strict-markers --import-mode=importlib
xfail_strict = true
timeout_func_only = true
junit_family = xunit2
"""

_COLLECTION_FAILED = 2
"""pytest's exit status without pytest-xdist; with it, it is that of the tests that could be read."""

OnResult = Callable[[str, TestResult], None]
Say = Callable[[str], None]


@dataclass(frozen=True, kw_only=True, slots=True)
class SuiteResult:
    """What the suite found."""

    cells: dict[str, results.CellResult]
    """Every cell of the suite, also one without any result."""
    complete: bool
    """False: pytest ended before it had run every test; the missing ones are `errored`."""
    log: Path
    """All that pytest printed."""


def run_suite(
    suite: Suite,
    *,
    ground: Ground,
    folder: Path | None = None,
    image_tests: Sequence[Path],
    recipe_test_folders: list[Path],
    workers: int,
    on_result: OnResult | None = None,
    on_progress: Callable[[Progress], None] | None = None,
    say: Say | None = None,
    extra: tuple[str, ...] = (),
    log_name: str = LOG,
) -> SuiteResult:
    """Write suite.json and run pytest over it: `image_tests`, files or folders with the project's first, and what
    recipes bring. Each result is handed on soon after its test has ended.

    `folder` is the run's folder on this machine, where it has another name on the ground. `extra` are arguments for
    pytest, for example `-k smoke`; what it prints goes to `log_name`. Raises nothing for a failed image or a dead
    pytest: that is in the outcome. Ctrl-C goes on as KeyboardInterrupt, with all finished results on disk.
    """
    folder = folder or Path(suite.run_folder)
    command = _prepare(
        suite, ground, folder, image_tests=image_tests, recipe_test_folders=recipe_test_folders, workers=workers
    )
    follower = results.Follower(folder)

    def tell() -> None:
        for line in follower.new():
            if on_result:
                on_result(line.cell, line.test)

    def hear(line: str) -> None:
        if say and line.startswith(SAID):
            say(line.removeprefix(SAID))
        if on_progress and (said := progress.read(line)):
            on_progress(said)
        tell()

    log = folder / results.FOLDER / log_name
    done = ground.run([*command, *extra], folder=folder, on_line=hear, log=log)
    tell()
    return _outcome(suite, done, folder=folder, on_result=on_result, log=log)


def _outcome(suite: Suite, done: Ended, *, folder: Path, on_result: OnResult | None, log: Path) -> SuiteResult:
    """What was found, with an `errored` result for each test that has none."""
    found = results.collect(folder)
    collected = results.collected(folder)
    code = _COLLECTION_FAILED if collected.errors else done.code
    why = done.lost or _why(code, "\n".join(collected.errors) or done.said)
    missing = _missing(suite, found, planned=collected.tests, code=code, why=why)
    for cell, result in missing:
        found.setdefault(cell, results.CellResult()).tests.append(result)
        if on_result:
            on_result(cell, result)
    cells = {subject.cell: found.get(subject.cell, results.CellResult()) for subject in suite.subjects}
    return SuiteResult(cells=cells, complete=not missing, log=log)


def _prepare(
    suite: Suite,
    ground: Ground,
    folder: Path,
    *,
    image_tests: Sequence[Path],
    recipe_test_folders: list[Path],
    workers: int,
) -> list[str]:
    tests = folder / results.FOLDER
    tests.mkdir(parents=True, exist_ok=True)
    for old in (*tests.glob("*.jsonl"), tests / results.COLLECTED):
        old.unlink(missing_ok=True)
    (folder / SUITE_FILE).write_text(suite.model_dump_json(indent=1), encoding="utf-8")
    if ground.engine:
        (folder / ENGINE_FILE).write_text(json.dumps(dataclasses.asdict(ground.engine)), encoding="utf-8")
    (tests / INI_FILE).write_text(_INI, encoding="utf-8")
    top = image_tests[0] if image_tests[0].is_dir() else image_tests[0].parent
    whole, there = Path(suite.run_folder), ground.there
    return [
        *(sys.executable, "-m", "pytest"),
        *(there(path) for path in (*image_tests, *(path for path in recipe_test_folders if path.is_dir()))),
        *("-c", str(whole / results.FOLDER / INI_FILE), "--rootdir", there(top), "--confcutdir", there(top)),
        *("-p", "bakehouse.suite.plugin", "-p", "no:cacheprovider", "--suite", str(whole / SUITE_FILE)),
        *("-v", "--color", "no", "--timeout", str(TEST_TIMEOUT), "-W", "error"),
        *(("-n", str(workers), "--dist", "loadscope") if workers > 1 else ("-p", "no:xdist")),
    ]


def _missing(
    suite: Suite,
    found: dict[str, results.CellResult],
    *,
    planned: list[results.PlannedTest],
    code: int,
    why: str,
) -> list[tuple[str, TestResult]]:
    """Give an `errored` result to each test that has none, and to each cell of which nothing is known.

    When pytest did not end normally, every cell gets one: tests may be missing of which nothing is known.
    """
    have = {(cell, test.name) for cell, each in found.items() for test in each.tests}
    lost = [test for test in planned if (test.cell, test.name) not in have]
    known = {test.cell for test in planned} if code in _ENDED_NORMALLY else {test.cell for test in lost}
    lost += [
        results.PlannedTest(cell=subject.cell, name="the image suite", probe="smoke")
        for subject in suite.subjects
        if subject.cell not in known
    ]
    return [
        (test.cell, TestResult(name=test.name, probe=test.probe, verdict=Verdict.ERRORED, seconds=0.0, message=why))
        for test in lost
    ]


def _why(code: int, output: str) -> str:
    how = f"was ended by signal {-code}" if code < 0 else f"ended with status {code}"
    tail = "\n".join(output.rstrip().splitlines()[-_TAIL:])
    return f"pytest {how} before this test had a result; its last lines:\n{tail}"
