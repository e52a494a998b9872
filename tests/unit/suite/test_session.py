from __future__ import annotations

from pathlib import Path

from bakehouse.model.suite import Suite
from bakehouse.suite.session import Session
from tests.unit.suite.test_run import ENGINE


def test_no_log_of_an_earlier_round_in_the_same_folder_is_overwritten(tmp_path: Path) -> None:
    suite = Suite(run="r", run_folder=str(tmp_path), cache=str(tmp_path / "cache"), subjects=[])
    first = Session(suite, ENGINE, worker="main")
    paths = [first.log_path("a", "test_x") for _ in range(2)]
    assert len(set(paths)) == 2
    for path in paths:
        path.parent.mkdir(exist_ok=True)
        path.write_text("said")
    second = Session(suite, ENGINE, worker="main")
    assert second.log_path("a", "test_x") not in paths
    assert second.logs["test_x"].name == "a-main-2.log"
