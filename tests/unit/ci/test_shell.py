"""The scripts of jobs really run, under both shells, with programs in place of ours that log their arguments."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path

import pytest

from bakehouse.ci import github_jobs, gitlab, shell
from bakehouse.system import process

SCRIPT = """\
#!/bin/sh
echo "$(basename "$0") $*" >> "$LOG"
[ "$1" != login ] || cat >> "$LOG"
name=$(basename "$0")-$1
[ -f "$CODES/$name" ] || exit 0
code=$(head -n 1 "$CODES/$name"); sed -i 1d "$CODES/$name"
exit "${code:-0}"
"""
Run = Callable[..., process.Completed]


@pytest.fixture(params=["sh", "bash"])
def run(request: pytest.FixtureRequest, tmp_path: Path) -> Run:
    """Run a script. `codes`: exit codes of a program's calls, in order, by `PROGRAM-VERB`; 0 without."""
    programs = tmp_path / "bin"
    programs.mkdir()
    for name in ("bakehouse", "docker", "gh"):
        (programs / name).write_text(SCRIPT)
        (programs / name).chmod(0o755)

    def call(script: str, *, codes: dict[str, list[int]] | None = None, **environ: str) -> process.Completed:
        (tmp_path / "codes").mkdir(exist_ok=True)
        for name, values in (codes or {}).items():
            (tmp_path / "codes" / name).write_text("".join(f"{value}\n" for value in values))
        env = {"PATH": f"{programs}:{os.environ['PATH']}", "LOG": str(tmp_path / "log"), "PAUSE": "0"}
        env |= {"CODES": str(tmp_path / "codes"), **environ}
        return process.run([request.param, "-e", "-c", script], env=env, cwd=tmp_path, check=False, timeout=60)

    return call


@pytest.fixture
def log(tmp_path: Path) -> Callable[[], list[str]]:
    return lambda: (tmp_path / "log").read_text().splitlines()


def test_each_cell_is_named(run: Run, log: Callable[[], list[str]]) -> None:
    assert run(shell.BUILD, CELLS="server-cpu-amd64 server-cuda12.9-sm120-amd64").code == 0
    assert run(shell.TEST, CELLS="server-cpu-amd64", CARD="rtx5090").code == 0
    assert log() == [
        "bakehouse build-matrix --no-tests --only server-cpu-amd64 --only server-cuda12.9-sm120-amd64",
        "bakehouse build-matrix --host here --images built --gpu rtx5090 --only server-cpu-amd64",
    ]


@pytest.mark.parametrize(
    ("codes", "code", "calls"), [([4, 4, 0], 0, 3), ([4, 1], 1, 2), ([1], 1, 1), ([4, 4, 4], 4, 3), ([], 0, 1)]
)
def test_only_failures_of_the_infrastructure_are_tried_again(
    run: Run, log: Callable[[], list[str]], codes: list[int], code: int, calls: int
) -> None:
    assert run(shell.BUILD, CELLS="a", codes={"bakehouse-build-matrix": codes}).code == code
    assert len(log()) == calls


def test_what_comes_after_a_failure_is_done_and_the_first_failure_is_kept(
    run: Run, log: Callable[[], list[str]]
) -> None:
    script = shell.in_order(shell.AGAIN + shell.CELLS, shell.BUILD_COMMAND, shell.STAGE)
    codes = {"bakehouse-build-matrix": [1], "bakehouse-publish": [4]}
    assert run(script, CELLS="a", codes=codes).code == 1
    assert log() == ["bakehouse build-matrix --no-tests --only a", "bakehouse publish --stage"]
    assert run(script, CELLS="a").code == 0


def test_a_password_stands_in_no_argument(run: Run, log: Callable[[], list[str]]) -> None:
    assert run(shell.LOGIN, REGISTRY="r.example.org", REGISTRY_USER="me", REGISTRY_PASSWORD="se'cr$et").code == 0
    assert log() == ["docker login --username me --password-stdin r.example.org", "se'cr$et"]
    assert run(shell.LOGIN, REGISTRY="r.example.org", LOG="/dev/null").code == 0


def test_an_update_that_cannot_ask_everybody_goes_on(run: Run) -> None:
    assert run(shell.UPDATE, codes={"bakehouse-update": [4]}).code == 0
    assert run(shell.UPDATE, codes={"bakehouse-update": [1]}).code == 1, "the recipes do not fit the new revision"


def test_gitlab_finds_its_jobs_by_what_began_the_pipeline(run: Run, log: Callable[[], list[str]]) -> None:
    change = {"CI_PIPELINE_SOURCE": "merge_request_event", "CI_MERGE_REQUEST_DIFF_BASE_SHA": "abc"}
    for environ in (change, {"CI_PIPELINE_SOURCE": "schedule"}, {"CI_PIPELINE_SOURCE": "web", "EVERYTHING": "true"}):
        assert run(gitlab.PLAN, **environ).code == 0
    assert log() == [
        "bakehouse ci jobs --affected-since abc --change --as gitlab",
        "bakehouse ci jobs --stale --as gitlab",
        "bakehouse ci jobs --as gitlab",
    ]


def test_an_issue_is_opened_continued_and_closed(run: Run, log: Callable[[], list[str]], tmp_path: Path) -> None:
    notice = tmp_path / "notice.md"
    notice.write_text("")
    assert run(github_jobs.ISSUE, RUN="https://example.org/1").code == 0
    assert [line.split()[1:3] for line in log()] == [["issue", "list"]], "nothing is open, and nothing turned"
    notice.write_text("cpu failed\n")
    assert run(github_jobs.ISSUE, RUN="https://example.org/1").code == 0
    assert log()[-1].startswith("gh issue create --title")
    assert notice.read_text() == "cpu failed\n\nhttps://example.org/1\n"
    (tmp_path / "bin/gh").write_text(SCRIPT.replace("[ -f", '[ "$2" != list ] || echo 7\n[ -f', 1))
    assert run(github_jobs.ISSUE, RUN="https://example.org/2").code == 0
    assert log()[-1] == "gh issue comment 7 --body-file notice.md"
    notice.write_text("")
    assert run(github_jobs.ISSUE, RUN="https://example.org/3").code == 0
    assert log()[-1] == "gh issue close 7 --comment Every cell passes again: https://example.org/3"
