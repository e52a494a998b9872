"""The text reports of the sample run. `pytest tests/unit/reporters --regenerate` writes them; review the diff."""

from __future__ import annotations

from pathlib import Path

import pytest

from bakehouse.reporters import REPORTERS
from tests.unit.projects import ROOT
from tests.unit.reporters.sample import empty_run, sample_run, unfinished_run, write_logs

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
