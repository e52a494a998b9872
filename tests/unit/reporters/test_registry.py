from __future__ import annotations

from pathlib import Path

import pytest

from bakehouse.model.report import RunReport
from bakehouse.reporters import REPORTERS, write_all
from bakehouse.system import atomic_write
from tests.unit.reporters.sample import empty_run, sample_run, unfinished_run, write_logs
from tests.unit.reporters.world import world_with_comparison


class Broken:
    file = "broken.txt"

    def render(self, run: RunReport, *, folder: Path) -> str:
        raise RuntimeError(f"no ink for {run.run} in {folder}")


def test_every_reporter_has_a_file_of_its_own() -> None:
    assert len({reporter.file for reporter in REPORTERS.values()}) == len(REPORTERS)


@pytest.mark.parametrize("run", [sample_run(), empty_run(), unfinished_run()])
def test_all_files_are_written_and_nothing_else(run: RunReport, tmp_path: Path) -> None:
    write_logs(tmp_path)
    write_all(run, tmp_path)
    found = {str(path.relative_to(tmp_path)) for path in tmp_path.rglob("*") if path.is_file()}
    assert {name for name in found if not name.startswith("logs/")} == {each.file for each in REPORTERS.values()}


def test_what_people_read_says_what_changed_and_records_do_not(tmp_path: Path) -> None:
    write_all(sample_run(), tmp_path, versus=world_with_comparison())
    said = {path.name for path in tmp_path.rglob("*") if path.is_file() and "regress" in path.read_text("utf-8")}
    assert {"summary.md", "summary.txt", "report.html"} <= said
    assert not said & {"run.json", "junit.xml"}


def test_reporters_have_no_clock_and_no_memory(tmp_path: Path) -> None:
    for reporter in REPORTERS.values():
        assert reporter.render(sample_run(), folder=tmp_path) == reporter.render(sample_run(), folder=tmp_path)


def test_the_record_is_safe_before_anything_is_drawn(tmp_path: Path) -> None:
    with pytest.raises(RuntimeError, match="no ink"):
        write_all(sample_run(), tmp_path, reporters={"json": REPORTERS["json"], "broken": Broken()})
    assert [path.name for path in tmp_path.iterdir()] == ["run.json"]


def test_a_write_that_fails_leaves_the_old_file_and_no_rubbish(tmp_path: Path) -> None:
    path = tmp_path / "report.html"
    path.write_text("old")
    blocked = tmp_path / "folder"
    (blocked / "inside").mkdir(parents=True)
    with pytest.raises(OSError, match="folder"):
        atomic_write.write(blocked, "new")
    assert sorted(found.name for found in tmp_path.iterdir()) == ["folder", "report.html"]
    atomic_write.write(path, "new \ud800")
    assert path.read_text() == "new \\ud800"
