from __future__ import annotations

from pathlib import Path

from rich.console import Console

from bakehouse.model.enums import Verdict
from bakehouse.model.report import TestResult
from bakehouse.suite.display import SuiteDisplay


def test_what_was_skipped_is_counted_where_a_cell_ends(tmp_path: Path) -> None:
    said: list[str] = []
    with SuiteDisplay(["cpu"], run_folders=[tmp_path], console=Console(quiet=True), say=said.append) as shown:
        shown._total = {"cpu": 3}
        for number, verdict in enumerate((Verdict.PASSED, Verdict.SKIPPED, Verdict.PASSED)):
            shown.add("cpu", TestResult(name=f"t{number}", probe="smoke", verdict=verdict, seconds=0.1))
    assert said == ["cpu: 2 of 3 tests passed, 1 skipped"]
