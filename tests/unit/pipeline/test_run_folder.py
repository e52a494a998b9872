from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

import pytest

from bakehouse.errors import InfrastructureError
from bakehouse.model.enums import Verdict
from bakehouse.model.report import CellReport, Host, RunReport
from bakehouse.pipeline.run_folder import RunFolder, hold_folder, interrupted_run, new_run, open_run
from bakehouse.reporters import json_file

EARLY = datetime(2026, 11, 21, 3, 0, tzinfo=UTC)
LATE = datetime(2026, 11, 21, 4, 0, tzinfo=UTC)
HOST = Host(
    name="box",
    os="Debian",
    kernel="6",
    platform="linux/amd64",
    cpu="x",
    cores=2,
    memory_bytes=1,
    engine="1",
    buildx="1",
)


def record(folder: RunFolder, *, fingerprint: str = "abc", finished: datetime | None = None) -> None:
    run = RunReport(
        run=folder.name,
        bakehouse="1",
        command=[],
        fingerprint=fingerprint,
        started=EARLY,
        finished=finished,
        verdict=Verdict.ERRORED,
        host=HOST,
    )
    (folder.path / json_file.file).write_text(json_file.render(run, folder=folder.path))


def cell(name: str) -> CellReport:
    return CellReport(
        name=name, recipe="r", accelerator="cpu", flag_set="default", platform="linux/amd64", verdict=Verdict.PASSED
    )


def test_two_runs_of_one_second_get_folders_of_their_own(tmp_path: Path) -> None:
    first = new_run(tmp_path / "reports", started=EARLY, fingerprint="abcdef1234")
    second = new_run(tmp_path / "reports", started=EARLY, fingerprint="abcdef1234")
    assert first.name == "20261121-030000-abcdef"
    assert second.name.startswith("20261121-030000-abcdef-")


def test_a_folder_that_cannot_be_made_is_the_machines_fault(tmp_path: Path) -> None:
    (tmp_path / "reports").write_text("a file")
    with pytest.raises(InfrastructureError, match="cannot make the run's folder"):
        new_run(tmp_path / "reports", started=EARLY, fingerprint="abc")


def test_torn_and_foreign_cells_are_as_good_as_none(tmp_path: Path) -> None:
    folder = RunFolder(path=tmp_path)
    folder.write_cell(cell("whole"))
    folder.write_cell(cell("torn"))
    torn = tmp_path / "cells" / "torn.json"
    torn.write_bytes(torn.read_bytes()[:40])
    (tmp_path / "cells" / "foreign.json").write_text('{"name": "foreign"}')
    (tmp_path / "cells" / "folder.json").mkdir()
    assert set(folder.read_cells()) == {"whole"}


def test_only_the_newest_run_is_taken_up_and_only_if_it_did_the_same_and_did_not_finish(tmp_path: Path) -> None:
    assert interrupted_run(tmp_path, fingerprint="abc") is None
    old = new_run(tmp_path, started=EARLY, fingerprint="abc")
    record(old)
    assert interrupted_run(tmp_path, fingerprint="abc") == old
    assert interrupted_run(tmp_path, fingerprint="other") is None
    newer = new_run(tmp_path, started=LATE, fingerprint="abc")
    assert interrupted_run(tmp_path, fingerprint="abc") == old, "a folder without a record is nobody's run"
    record(newer, finished=LATE)
    assert interrupted_run(tmp_path, fingerprint="abc") is None


def test_the_link_to_the_latest_run_is_no_run(tmp_path: Path) -> None:
    old = new_run(tmp_path, started=EARLY, fingerprint="abc")
    record(old)
    (tmp_path / "latest").symlink_to(old.name)
    assert interrupted_run(tmp_path, fingerprint="abc") == old


@pytest.mark.parametrize("content", ["", "{", "[]", "{}"])
def test_a_torn_record_is_not_taken_up(tmp_path: Path, content: str) -> None:
    old = new_run(tmp_path, started=EARLY, fingerprint="abc")
    (old.path / json_file.file).write_text(content)
    assert interrupted_run(tmp_path, fingerprint="abc") is None


def test_a_run_that_is_at_work_is_left_alone(tmp_path: Path) -> None:
    said: list[str] = []
    with open_run(tmp_path, started=EARLY, fingerprint="abc") as first:
        record(first)
        with open_run(tmp_path, started=LATE, fingerprint="abc", say=said.append) as second:
            assert second != first
    assert not said
    with open_run(tmp_path, started=LATE, fingerprint="abc", say=said.append) as third:
        assert third == first, "the second one left no record"
    assert said == [f"going on with {first.name}, which was cut off"]


def test_fresh_begins_anew(tmp_path: Path) -> None:
    with open_run(tmp_path, started=EARLY, fingerprint="abc") as first:
        record(first)
    with open_run(tmp_path, started=LATE, fingerprint="abc", fresh=True) as second:
        assert second != first


def test_a_folder_is_held_by_one_and_freed_even_by_an_error(tmp_path: Path) -> None:
    def fail() -> None:
        with hold_folder(tmp_path) as ours, hold_folder(tmp_path) as theirs:
            assert (ours, theirs) == (True, False)
            raise KeyboardInterrupt

    before = len(list(Path("/proc/self/fd").iterdir()))
    with pytest.raises(KeyboardInterrupt):
        fail()
    with hold_folder(tmp_path) as ours:
        assert ours
    assert len(list(Path("/proc/self/fd").iterdir())) == before
    assert not list(tmp_path.iterdir())
