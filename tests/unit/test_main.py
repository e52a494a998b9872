from __future__ import annotations

import errno
import os
import re
import signal
import sys
from collections.abc import Callable, Sequence
from pathlib import Path

import pytest

from bakehouse.__main__ import main
from bakehouse.cli.verbs import SUMMARIES
from bakehouse.cli.verbs import engine as engine_verb
from bakehouse.cli.verbs import plan as plan_verb
from bakehouse.errors import ExitCode, InputError, Interrupted, SupplyError
from bakehouse.system import process
from bakehouse.system.signals import Terminated
from tests.unit.projects import write_project


def planning(monkeypatch: pytest.MonkeyPatch, run: Callable[[], int]) -> None:
    """Have `plan` do this."""
    monkeypatch.setattr(plan_verb, "run", lambda *_: run())


def raising(monkeypatch: pytest.MonkeyPatch, error: BaseException) -> None:
    def run() -> int:
        raise error

    planning(monkeypatch, run)


@pytest.mark.parametrize("verb", SUMMARIES)
def test_every_verb_has_help(verb: str, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as ended:
        main([verb, "--help"])
    assert ended.value.code == 0
    said = capsys.readouterr().out
    assert f"bakehouse {verb}" in said
    assert not re.search(r"^  --\w[\w-]*( \w+)?$\n(?!    )", said, re.MULTILINE), "an option without a word of help"


def test_help_names_every_exit_code(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        main(["--help"])
    said = capsys.readouterr().out
    for code in ExitCode:
        assert re.search(rf"^  {code.value} +\w", said, re.MULTILINE)
    assert all(verb in said for verb in SUMMARIES)


@pytest.mark.parametrize("words", [[], ["bake"], ["plan", "--colour"], ["bench", "--starts", "0"]])
def test_a_wrong_command_line_is_bad_input(words: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as ended:
        main(words)
    assert ended.value.code == ExitCode.BAD_INPUT
    assert "usage: bakehouse" in capsys.readouterr().err


def test_a_separator_behind_the_verb_is_taken_as_nox_takes_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    programs: list[Sequence[str]] = []

    def use_engine(_: object, program: Sequence[str]) -> int:
        programs.append(program)
        return 0

    monkeypatch.setattr(engine_verb, "use_engine", use_engine)
    assert main(["engine", "--", "docker", "run", "--", "x"]) == 0
    assert main(["engine", "docker", "images"]) == 0
    assert programs == [["docker", "run", "--", "x"], ["docker", "images"]]
    write_project(tmp_path, templates={"server.Dockerfile.j2": "FROM {{ cell.build_base }} AS image\n"})
    assert main(["--root", str(tmp_path), "plan", "--", "--json"]) == 0
    assert capsys.readouterr().out.startswith("{")


@pytest.mark.parametrize(
    ("error", "code", "words"),
    [
        (InputError("no such thing", hint="Try [this]."), 2, "error: no such thing\n  Try [this].\n"),
        (SupplyError("not to be had"), 4, "error: not to be had\n"),
        (Interrupted("stopped"), 130, "error: stopped\n"),
        (KeyboardInterrupt(), 130, "interrupted\n"),
        (Terminated(), 143, "terminated\n"),
        (OSError(errno.ENOSPC, "No space left on device", "/x"), 4, "error: /x: No space left on device\n  Make room"),
        (OSError(errno.EDQUOT, "Disk quota exceeded"), 4, "error: Disk quota exceeded\n"),
        (PermissionError(errno.EACCES, "Permission denied", "/x"), 4, "error: /x: Permission denied\n"),
        (MemoryError(), 4, "error: This machine has no memory left.\n"),
    ],
)
def test_exceptions_become_words_and_a_code(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], error: BaseException, code: int, words: str
) -> None:
    raising(monkeypatch, error)
    assert main(["plan"]) == code
    said = capsys.readouterr()
    assert said.err.startswith(words)
    assert "Traceback" not in said.err
    assert not said.out


def test_a_bug_leaves_a_log_to_be_pasted(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    raising(monkeypatch, ZeroDivisionError("half a cell"))
    assert main(["plan", "--json"]) is ExitCode.BUG
    (log,) = tmp_path.glob("bakehouse-*.log")
    assert str(log) in capsys.readouterr().err
    text = log.read_text()
    assert "command: plan --json" in text
    assert "ZeroDivisionError: half a cell" in text


def test_a_bug_whose_log_cannot_be_written_is_told_whole(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path / "gone"))
    raising(monkeypatch, ZeroDivisionError("half a cell"))
    assert main(["plan"]) is ExitCode.BUG
    assert "ZeroDivisionError: half a cell" in capsys.readouterr().err


def test_sigterm_ends_with_its_own_code(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    def run() -> int:
        os.kill(os.getpid(), signal.SIGTERM)
        return 0

    planning(monkeypatch, run)
    assert main(["plan"]) is ExitCode.TERMINATED
    assert capsys.readouterr().err == "terminated\n"
    assert signal.getsignal(signal.SIGTERM) is signal.SIG_DFL


@pytest.mark.parametrize("reader", ["head -c 1", "true"])
def test_a_reader_who_has_enough_is_no_error(tmp_path: Path, reader: str) -> None:
    write_project(tmp_path, templates={"server.Dockerfile.j2": "FROM {{ cell.build_base }} AS image\n"})
    command = f"{sys.executable} -m bakehouse --root {tmp_path} plan --json | {reader} >&2; echo ${{PIPESTATUS[0]}}"
    done = process.run(["bash", "-c", command])
    assert done.stdout == "0\n"
    assert "Traceback" not in done.stderr
    assert "Broken" not in done.stderr


@pytest.mark.parametrize(
    ("words", "what"),
    [
        (["plan", "--gpu", ""], "--gpu is empty"),
        (["plan", "--gpu", " "], "--gpu is empty"),
        (["plan", "--driver", ""], "--driver is empty"),
        (["plan", "--only="], "--only is empty"),
        (["plan", "--only", ""], "--only is empty"),
        (["plan", "--arch", ""], "--arch is empty"),
        (["plan", "--toolkit", ""], "--toolkit is empty"),
        (["plan", "--write", ""], "--write is empty"),
        (["plan", "--explain", ""], "--explain is empty"),
        (["plan", "--affected-since", ""], "--affected-since is empty"),
        (["bench", "--gpu", ""], "--gpu is empty"),
        (["report", ""], "an argument is empty"),
        (["--root", "", "plan"], "--root is empty"),
    ],
)
def test_a_value_without_a_letter_is_bad_input(words: list[str], what: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(words) == ExitCode.BAD_INPUT
    said = capsys.readouterr().err
    assert what in said
    assert "leave it out" in said
