"""Workflows as the tools of others read them: of our own matrix, and of one with everything in it."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from bakehouse.__main__ import main
from bakehouse.errors import ExitCode
from bakehouse.system import process
from tests.unit.ci.settings import KEPT
from tests.unit.ci.test_golden import texts

PROGRAMS = Path(sys.executable).parent
TIMEOUT = 120.0


def program(name: str) -> Path:
    found = process.find(name, path=str(PROGRAMS)) or process.find(name)
    if found is None:
        pytest.skip(f"{name} is not installed")
    return found


@pytest.fixture(params=KEPT)
def root(request: pytest.FixtureRequest, tmp_path: Path) -> Path:
    for file, text in texts(request.param).items():
        path = tmp_path / file
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")
    return tmp_path


def test_they_fit_the_schemas_of_github_and_gitlab(root: Path) -> None:
    check = str(program("check-jsonschema"))
    for schema, files in (
        ("vendor.github-workflows", [*(root / ".github/workflows").iterdir()]),
        ("vendor.gitlab-ci", [*(root / ".gitlab").iterdir(), *root.glob("child*.yml")]),
    ):
        assert files
        words = [check, "--builtin-schema", schema, "--data-transform", "gitlab-ci", *map(str, files)]
        process.run(words, timeout=TIMEOUT)


def test_zizmor_has_nothing_to_say(root: Path) -> None:
    """With the most severe of its personas; its last lines are the findings."""
    words = [str(program("zizmor")), "--offline", "--persona", "auditor", "--no-progress", str(root)]
    done = process.run(words, timeout=TIMEOUT, check=False)
    assert done.code == 0, done.stdout


def test_actionlint_has_nothing_to_say(root: Path) -> None:
    """With shellcheck, where it is installed."""
    files = sorted(map(str, (root / ".github/workflows").iterdir()))
    done = process.run([str(program("actionlint")), *files], timeout=TIMEOUT, check=False)
    assert done.code == 0, done.stdout


def test_written_files_are_checked_and_foreign_ones_left_alone(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["--root", str(tmp_path), "init"]) == ExitCode.OK
    matrix = tmp_path / "matrix.yaml"
    matrix.write_text(matrix.read_text() + "publish:\n  repository: ghcr.io/me/{recipe}\n")
    for system in ("github", "gitlab"):
        assert main(["--root", str(tmp_path), "ci", system]) == ExitCode.OK
    assert main(["--root", str(tmp_path), "ci", "check"]) == ExitCode.OK
    nightly = tmp_path / ".github/workflows/bakehouse-nightly.yml"
    nightly.write_text(nightly.read_text().replace("timeout-minutes: 350", "timeout-minutes: 5"))
    capsys.readouterr()
    assert main(["--root", str(tmp_path), "ci", "check"]) == ExitCode.BAD_INPUT
    said = capsys.readouterr().err
    assert "stale: .github/workflows/bakehouse-nightly.yml" in said
    assert "Run `bakehouse ci github`" in said
    nightly.write_text("name: mine\n")
    assert main(["--root", str(tmp_path), "ci", "github"]) == ExitCode.BAD_INPUT
    assert nightly.read_text() == "name: mine\n"


def test_jobs_name_the_card_that_nobody_knows(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["--root", str(tmp_path), "init"]) == ExitCode.OK
    matrix = tmp_path / "matrix.yaml"
    matrix.write_text(matrix.read_text() + "ci:\n  runners:\n    rtx9999: [self-hosted]\n")
    capsys.readouterr()
    assert main(["--root", str(tmp_path), "ci", "jobs"]) == ExitCode.BAD_INPUT
    said = capsys.readouterr().err
    assert "ci.runners.rtx9999" in said
    assert "matrix.yaml:" in said
