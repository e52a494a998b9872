"""A run that is cut off: nothing is lost, nothing is left, and the same command goes on."""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess  # noqa: TID251 - a file system is mounted
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from tests.engine.toy import PROJECT, Running, Toy

from bakehouse.engine.embedded.leftovers import find_dockerd
from bakehouse.engine.embedded.local import folders_for
from bakehouse.errors import ExitCode
from bakehouse.measure.lease import holders
from bakehouse.model.enums import Verdict
from bakehouse.system import daemon, process

pytestmark = pytest.mark.engine

HOW = {
    "SIGINT": (signal.SIGINT, False),
    "SIGINT to the group": (signal.SIGINT, True),
    "SIGTERM": (signal.SIGTERM, False),
    "SIGTERM in the background": (signal.SIGTERM, False),
}
BACKGROUND = "SIGTERM in the background"
"""Of a run that was started with SIGINT ignored."""
ENDS = {signal.SIGINT: (ExitCode.INTERRUPTED, "interrupted\n"), signal.SIGTERM: (ExitCode.TERMINATED, "terminated\n")}


def begin(toy: Toy, *words: str, how: str = "", **environ: str) -> Running:
    start = toy.start_in_background if how == BACKGROUND else toy.start
    return start("build-matrix", "--quick", "--workers", "1", *words, **environ)


def cut_off(toy: Toy, running: Running, how: str) -> None:
    """Send the signal; the run says what became of it, in words, in its exit code and in its report."""
    number, to_group = HOW[how]
    if how == BACKGROUND:
        running.send(signal.SIGINT, to_group=True)
    running.send(number, to_group=to_group)
    ended = running.end(30)
    code, last_words = ENDS[number]
    assert ended.code == code, ended.said
    assert "the same command goes on there" in ended.said
    assert ended.said.endswith(last_words)
    assert "Traceback" not in ended.said
    assert toy.report.finished is None
    assert toy.report.verdict is Verdict.ERRORED
    assert not toy.containers
    assert not list(toy.files_left)


def goes_on(toy: Toy, *words: str) -> str:
    """The same command takes up the same run and passes."""
    folders = toy.folders
    ended = begin(toy, *words).end()
    assert ended.code == ExitCode.OK, ended.said
    assert f"going on with {folders[-1].name}, which was cut off" in ended.said
    assert toy.folders == folders
    assert toy.report.finished
    return ended.said


def slow_docker(folder: Path, words: str) -> str:
    """A PATH on which `docker` takes a minute for a command with these words."""
    folder.mkdir()
    real = process.find("docker")
    program = folder / "docker"
    program.write_text(f'#!/bin/sh\ncase "$*" in *"{words}"*) : > {folder}/seen; sleep 60;; esac\nexec {real} "$@"\n')
    program.chmod(0o755)
    return f"{folder}:{os.environ['PATH']}"


@pytest.mark.parametrize("how", HOW)
def test_in_a_build(toy: Toy, how: str) -> None:
    toy.write({"default": {"STEP": f"echo {how} && sleep 61"}})
    running = begin(toy, "--no-tests", how=how)
    running.wait_for(lambda: printed(toy, "toy-cpu-amd64", f"| {how}"))
    running.wait_for(lambda: ("sleep", "61") in programs())
    cut_off(toy, running, how)
    assert toy.cell().reason == "the run ended before it was built"
    deadline = time.monotonic() + 15
    while ("sleep", "61") in programs():
        assert time.monotonic() < deadline, "the build goes on in the engine"
        time.sleep(0.1)


def printed(toy: Toy, cell: str, words: str) -> bool:
    """Whether a step of the cell's build has said so."""
    logs = [folder / "logs" / f"{cell}.build.log" for folder in toy.folders]
    return any(log.exists() and words in log.read_text() for log in logs)


def programs() -> set[tuple[str, ...]]:
    """All that runs on this machine."""
    return {daemon.command_line(int(entry.name)) for entry in Path("/proc").glob("[0-9]*")}


@pytest.mark.parametrize("how", HOW)
def test_in_a_proof(toy: Toy, tmp_path: Path, how: str) -> None:
    shutil.rmtree(toy.cache / "proofs", ignore_errors=True)  # an image that was proven is not proven again
    toy.write()
    running = begin(toy, "--no-tests", how=how, PATH=slow_docker(tmp_path / "slow", "image save"))
    running.wait_for((tmp_path / "slow" / "seen").exists)
    cut_off(toy, running, how)
    assert toy.cell().reason == "the run was cut off before everything was tried"
    goes_on(toy, "--no-tests")


@pytest.mark.parametrize("how", HOW)
def test_in_a_test(toy: Toy, how: str) -> None:
    toy.write({"default": {}, "twin": {}})
    running = begin(toy, how=how)
    running.wait_for(lambda: toy.folders and finished(toy, "toy-cpu-amd64") and toy.containers)
    cut_off(toy, running, how)
    assert toy.cell().verdict is Verdict.PASSED
    assert toy.cell("twin").verdict is Verdict.ERRORED
    if how == "SIGTERM":
        said = goes_on(toy)
        assert "toy-cpu-twin-amd64: built" in said
        assert "toy-cpu-amd64: built" not in said
        assert [subject["cell"] for subject in suite(toy)["subjects"]] == ["toy-cpu-twin-amd64"]


def finished(toy: Toy, cell: str) -> bool:
    path = toy.folders[-1] / "cells" / f"{cell}.json"
    return path.exists() and json.loads(path.read_text())["finished"] is not None


def suite(toy: Toy) -> dict[str, list[dict[str, str]]]:
    content: dict[str, list[dict[str, str]]] = json.loads((toy.folders[-1] / "suite.json").read_text())
    return content


def test_killed_in_a_test(toy: Toy) -> None:
    """Nobody is left to clean up: the suite ends when nobody listens, and the next run removes what has no owner."""
    toy.write()
    running = begin(toy)
    running.wait_for(lambda: toy.containers)
    running.kill()
    assert toy.report.finished is None
    goes_on(toy)
    deadline = time.monotonic() + 15
    while any(str(toy.root) in word for command in programs() for word in command):
        assert time.monotonic() < deadline, "something of the killed run goes on"
        time.sleep(0.1)


def test_two_runs_at_a_time_pass_and_never_measure_together(toy: Toy) -> None:
    toy.write()
    (toy.root / "tests" / "images" / "test_throughput.py").write_text(
        (PROJECT / "tests" / "images" / "test_throughput.py").read_text()
    )
    runs = [begin(toy), begin(toy)]
    alone = 0
    while any(run.process.poll() is None for run in runs):
        at_work = holders("cpu", folder=toy.cache / "leases")
        alone += any(holder.exclusive for holder in at_work)
        assert not (len(at_work) > 1 and any(holder.exclusive for holder in at_work)), at_work
        time.sleep(0.05)
    for run in runs:
        ended = run.end()
        assert ended.code == ExitCode.OK, ended.said
        assert "going on" not in ended.said
    assert alone
    assert len(toy.folders) == 2
    for folder in toy.folders:
        record = json.loads((folder / "run.json").read_text())
        assert record["verdict"] == "passed"
        assert [cell["measurements"] != [] for cell in record["cells"]] == [True]


# ------------------------------------------------------------------------------------------ the machine's faults


def test_an_engine_that_dies_in_a_build_is_no_judgement(toy: Toy, embedded: None) -> None:
    toy.write({"default": {}, "long": {"STEP": "echo started && sleep 5"}})
    running = begin(toy, "--no-tests")
    running.wait_for(lambda: printed(toy, "toy-cpu-long-amd64", "| started"))
    dockerd = find_dockerd(folders_for(toy.cache))
    assert dockerd
    os.kill(dockerd, signal.SIGKILL)
    ended = running.end()
    assert ended.code == ExitCode.INFRASTRUCTURE, ended.said
    assert "the embedded engine went away" in ended.said
    assert toy.report.finished is None
    assert toy.cell("long").verdict is Verdict.ERRORED
    assert "the Docker engine went away" in toy.cell("long").reason
    goes_on(toy, "--no-tests")


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    """A file system of 2 MiB."""
    if os.geteuid() != 0:
        pytest.skip("needs root: a small file system is mounted")
    folder = tmp_path / "small"
    folder.mkdir()
    subprocess.run(["mount", "-t", "tmpfs", "-o", "size=2m", "tmpfs", str(folder)], check=True)
    yield folder
    subprocess.run(["umount", "--lazy", str(folder)], check=True)


def fill(folder: Path, *, leaving: int = 0) -> None:
    free = os.statvfs(folder)
    (folder / "filler").write_bytes(bytes(max(0, free.f_bavail * free.f_frsize - leaving)))


@pytest.mark.parametrize("leaving", [0, 60_000])
def test_a_full_disk_below_the_reports(toy: Toy, small_disk: Path, leaving: int) -> None:
    toy.write()
    (toy.root / "reports").symlink_to(small_disk)
    fill(small_disk, leaving=leaving)
    ended = begin(toy, "--no-tests").end()
    assert ended.code == ExitCode.INFRASTRUCTURE, ended.said
    assert "No space left on device" in ended.said
    assert "Traceback" not in ended.said
    assert "bug" not in ended.said


def test_a_full_disk_below_the_cache(toy: Toy, small_disk: Path) -> None:
    toy.write()
    fill(small_disk)
    ended = begin(toy, "--no-tests", BAKEHOUSE_CACHE=str(small_disk)).end()
    assert ended.code == ExitCode.INFRASTRUCTURE, ended.said
    assert "No space left on device" in ended.said
    assert "bug" not in ended.said
