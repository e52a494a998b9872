from __future__ import annotations

from pathlib import Path

import pytest

from bakehouse.errors import InputError
from bakehouse.reporters import find_latest, update_latest


def refuse(*_: object, **__: object) -> None:
    raise OSError("links are not supported here")


@pytest.fixture
def reports(tmp_path: Path) -> Path:
    for name in ("run-1", "run-2"):
        (tmp_path / name).mkdir()
    return tmp_path


def test_latest_follows_the_newest_run(reports: Path) -> None:
    for name in ("run-1", "run-2"):
        update_latest(reports, name)
        assert find_latest(reports).resolve() == reports / name
    assert (reports / "latest").readlink() == Path("run-2")
    assert {path.name for path in reports.iterdir()} == {"run-1", "run-2", "latest"}


def test_without_links_it_is_a_text_file(reports: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Path, "symlink_to", refuse)
    for name in ("run-1", "run-2"):
        update_latest(reports, name)
        assert find_latest(reports) == reports / name
    assert (reports / "latest").read_text() == "run-2\n"


def test_a_text_file_gives_way_to_a_link(reports: Path) -> None:
    (reports / "latest").write_text("run-1\n")
    update_latest(reports, "run-2")
    assert find_latest(reports).resolve() == reports / "run-2"


def test_a_real_folder_is_left_alone(reports: Path) -> None:
    (reports / "latest").mkdir()
    with pytest.raises(InputError, match="is a folder") as caught:
        update_latest(reports, "run-1")
    assert "move the folder away" in str(caught.value)


@pytest.mark.parametrize("make", ["nothing", "dangling link", "stale text"])
def test_no_latest_run(make: str, reports: Path) -> None:
    if make == "dangling link":
        (reports / "latest").symlink_to("gone")
    elif make == "stale text":
        (reports / "latest").write_text("gone\n")
    with pytest.raises(InputError, match="no latest run"):
        find_latest(reports)


@pytest.mark.parametrize("name", ["", "../elsewhere", "a/b", "/etc"])
def test_a_run_lies_beside_the_link(name: str, reports: Path) -> None:
    with pytest.raises(ValueError, match="named by its folder"):
        update_latest(reports, name)
