"""The text reports of sample runs. `pytest tests/unit/reporters --regenerate` writes them; review the diff."""

from __future__ import annotations

from pathlib import Path

import pytest

from bakehouse.reporters import REPORTERS
from bakehouse.reporters.registry import COMPARING
from tests.unit.projects import ROOT
from tests.unit.reporters.html.outline import read
from tests.unit.reporters.sample import empty_run, sample_run, unfinished_run, write_logs
from tests.unit.reporters.world import world_run, world_with_comparison

GOLDEN = ROOT / "tests/golden/reports"
RUNS = {"sample": sample_run(), "empty": empty_run(), "unfinished": unfinished_run()}


@pytest.mark.parametrize("name", ["junit", "markdown", "terminal"])
@pytest.mark.parametrize("run", RUNS)
def test_reports_are_as_they_were_reviewed(
    name: str,
    run: str,
    request: pytest.FixtureRequest,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.chdir(tmp_path)
    folder = Path("reports/run")
    write_logs(folder)
    text = REPORTERS[name].render(RUNS[run], folder=folder)
    golden = GOLDEN / run / REPORTERS[name].file
    if request.config.getoption("--regenerate"):
        golden.parent.mkdir(parents=True, exist_ok=True)
        golden.write_text(text, encoding="utf-8")
    assert text == golden.read_text(encoding="utf-8")


@pytest.mark.parametrize("name", COMPARING)
def test_reports_of_many_cells_that_were_compared(
    name: str, request: pytest.FixtureRequest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Of the page, its words in their order: what a screen reader has to work with."""
    monkeypatch.chdir(tmp_path)
    text = COMPARING[name].render(
        world_run(cuda=("cuda12.9",)), folder=Path("reports/run"), versus=world_with_comparison()
    )
    file = REPORTERS[name].file
    if name == "html":
        (main,) = read(text).all("main")
        lines = (" ".join(line.split()) for line in main.words().splitlines())
        text, file = "\n".join(line for line in lines if line) + "\n", "report.txt"
    golden = GOLDEN / "world" / file
    if request.config.getoption("--regenerate"):
        golden.parent.mkdir(parents=True, exist_ok=True)
        golden.write_text(text, encoding="utf-8")
    assert text == golden.read_text(encoding="utf-8")
