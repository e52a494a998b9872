"""Programs that outlive us."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from bakehouse.system import daemon, process
from tests.unit.engine.programs import sh, wait_until


def test_runs_in_a_session_of_its_own_and_appends_to_the_log(tmp_path: Path) -> None:
    log = tmp_path / "log"
    log.write_text("before\n")
    pid = daemon.start(sh("echo hello; echo oh >&2; exec sleep 60"), log=log)
    try:
        assert wait_until(lambda: log.read_text() == "before\nhello\noh\n")
        assert os.getsid(pid) == pid
        assert daemon.alive(pid)
        assert wait_until(lambda: daemon.command_line(pid) == ("sleep", "60"))
    finally:
        assert daemon.stop(pid, grace=5)
    assert not daemon.alive(pid)
    assert daemon.command_line(pid) == ()


def test_holds_no_open_file_of_ours(tmp_path: Path) -> None:
    with (tmp_path / "held").open("w") as held:
        pid = daemon.start(["ls", "-l", "/proc/self/fd"], log=tmp_path / "log")
        assert wait_until(lambda: not daemon.alive(pid))
    listed = (tmp_path / "log").read_text()
    assert "/dev/null" in listed
    assert held.name not in listed


def test_a_deaf_daemon_is_killed(tmp_path: Path) -> None:
    pid = daemon.start(sh("trap '' TERM; echo ready; while :; do sleep 0.05; done"), log=tmp_path / "log")
    assert wait_until(lambda: (tmp_path / "log").read_text() == "ready\n")
    assert not daemon.stop(pid, grace=0.2)
    assert not daemon.alive(pid)


def test_one_that_ended_is_not_alive(tmp_path: Path) -> None:
    pid = daemon.start(["true"], log=tmp_path / "log")
    assert wait_until(lambda: not daemon.alive(pid))
    assert daemon.stop(pid, grace=1)


def test_a_missing_program_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(process.MissingProgramError):
        daemon.start(["no-such-daemon"], log=tmp_path / "log")
