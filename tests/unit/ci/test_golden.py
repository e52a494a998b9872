"""Written workflows. `pytest tests/unit/ci --regenerate` writes them; review the diff as carefully as code."""

from __future__ import annotations

import pytest

from bakehouse.ci import github, gitlab
from tests.unit.ci.settings import JOBS, KEPT, NOTHING
from tests.unit.projects import ROOT

GOLDEN = ROOT / "tests/golden/ci"


def texts(name: str) -> dict[str, str]:
    settings = KEPT[name]
    children = {
        "child.yml": gitlab.child(JOBS, settings, change=False),
        "child-of-a-change.yml": gitlab.child(JOBS, settings, change=True),
        "child-with-nothing.yml": gitlab.child(NOTHING, settings, change=False),
    }
    return {**github.workflows(settings), **gitlab.pipeline(settings), **children}


@pytest.mark.parametrize("name", KEPT)
def test_files_are_as_they_were_reviewed(name: str, request: pytest.FixtureRequest) -> None:
    for file, text in texts(name).items():
        golden = GOLDEN / name / file.rpartition("/")[2]
        if request.config.getoption("--regenerate"):
            golden.parent.mkdir(parents=True, exist_ok=True)
            golden.write_text(text, encoding="utf-8")
        assert text == golden.read_text(encoding="utf-8"), golden.name
        assert texts(name)[file] == text
