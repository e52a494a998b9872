from __future__ import annotations

from pathlib import Path

import pytest

from bakehouse.__main__ import main
from bakehouse.errors import ExitCode
from tests.unit.projects import matrix, recipe, write_project
from tests.unit.supply.newest.conftest import Git

COMMENT = "# pinned by a person, for a reason\n"


@pytest.fixture
def git(tmp_path: Path) -> Git:
    return Git(tmp_path / "upstream")


def project(root: Path, git: Git, revision: str) -> Path:
    row = {"revision": revision, "committed": "2026-10-01T00:00:00Z", "places": [{"git": git.address}]}
    root.mkdir()
    write_project(root, matrix=matrix(sources={"tree": row}), recipes={"server": recipe()}, templates={})
    file = root / "matrix.yaml"
    file.write_text(COMMENT + file.read_text())
    return root


def test_a_newer_revision_is_written_and_nothing_else(
    tmp_path: Path, git: Git, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("COLUMNS", "160")
    old, new = git.commit("2026-10-01", "v1.0"), git.commit("2026-11-27", "v1.1")
    root = project(tmp_path / "project", git, old)
    before = (root / "matrix.yaml").read_text()
    assert main(["--root", str(root), "update", "--check"]) == ExitCode.CELL_FAILED
    assert (root / "matrix.yaml").read_text() == before, "--check only says"
    assert main(["--root", str(root), "update", "--no-engine"]) == ExitCode.OK
    expected = before.replace(old, new).replace("2026-10-01T00:00:00Z", "2026-11-27T10:00:00Z")
    assert (root / "matrix.yaml").read_text() == expected
    said = capsys.readouterr()
    assert " ".join(said.out.split()).count(f"source tree revision {old} {new}") == 2
    assert "wrote matrix.yaml" in said.err
    assert main(["--root", str(root), "update", "--check"]) == ExitCode.OK
    assert "source tree: v1.1 is the newest" in capsys.readouterr().out


def test_a_place_that_cannot_be_asked_is_said_and_nothing_is_changed(
    tmp_path: Path, git: Git, capsys: pytest.CaptureFixture[str]
) -> None:
    root = project(tmp_path / "project", git, git.commit("2026-10-01", "v1.0"))
    git.folder.rename(tmp_path / "gone")
    before = (root / "matrix.yaml").read_text()
    assert main(["--root", str(root), "update", "--no-engine"]) == ExitCode.INFRASTRUCTURE
    assert (root / "matrix.yaml").read_text() == before
    said = " ".join(capsys.readouterr().out.split())
    assert "cannot be reached" in said
    assert "nothing of it is changed" in said
