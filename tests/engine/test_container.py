"""Containers on a real engine, with an image of this machine's own shell."""

from __future__ import annotations

import os
import secrets
import signal
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from tests.engine.conftest import Ground

from bakehouse.engine.connection import Engine
from bakehouse.engine.container import Launch, WillNotStartError, run_once, start
from bakehouse.engine.docker import Docker, NoSuchObjectError
from bakehouse.engine.reaper import reap
from bakehouse.system import daemon, process

pytestmark = pytest.mark.engine

MIB = 1 << 20
RUN = f"test-{secrets.token_hex(4)}"


@pytest.fixture(scope="module")
def engine(ground: Ground) -> Engine:
    return ground.engine


@pytest.fixture(scope="module")
def image(engine: Engine, shell_image: Path) -> Iterator[str]:
    name = f"bakehouse-test/shell:{RUN}"
    process.run(["docker", "buildx", "build", "--load", "-q", "-t", name, str(shell_image)], env=engine.environment())
    yield name
    process.run(["docker", "image", "rm", "-f", name], env=engine.environment())


def shell(image: str, script: str, *, memory: int = 256 * MIB) -> Launch:
    return Launch(reference=image, run=RUN, cell="shell", args=("-c", script), entrypoint="/bin/sh", memory=memory)


def test_its_root_is_read_only_and_tmp_is_not(engine: Engine, image: str, tmp_path: Path) -> None:
    script = "echo a > /tmp/a && echo tmp is fine; echo a > /a || echo root is not; cat /proc/1/status"
    done = run_once(engine, shell(image, script), log=tmp_path / "log", timeout=20)
    assert "tmp is fine" in done.output
    assert "root is not" in done.output
    assert "CapEff:\t0000000000000000" in done.output
    assert "NoNewPrivs:\t1" in done.output
    # Docker gives the two outputs apart, so their lines can come in another order each time.
    assert sorted((tmp_path / "log").read_text(encoding="utf-8").splitlines()) == sorted(done.output.splitlines())


def test_who_runs_into_the_memory_limit_is_seen(engine: Engine, image: str, tmp_path: Path) -> None:
    grow = "x=0123456789abcdef; while :; do x=$x$x; done"
    done = run_once(engine, shell(image, grow, memory=16 * MIB), log=tmp_path / "log", timeout=30)
    assert (done.oom_killed, done.exit_code) == (True, 137)


def test_sigterm_reaches_the_first_process(engine: Engine, image: str, tmp_path: Path) -> None:
    launch = shell(image, "trap 'echo told; exit 0' TERM; echo ready; while :; do sleep 0.05; done")
    with start(engine, launch, log=tmp_path / "log") as container:
        _until_it_says(container.logs, "ready")
        stopped = container.stop(grace=5)
    assert (stopped.in_time, stopped.state.exit_code) == (True, 0)
    assert "told" in (tmp_path / "log").read_text(encoding="utf-8")
    with pytest.raises(NoSuchObjectError):
        Docker(engine).state(container.name)


def test_who_does_not_listen_is_killed(engine: Engine, image: str, tmp_path: Path) -> None:
    with start(engine, shell(image, "trap '' TERM; sleep 60"), log=tmp_path / "log") as container:
        stopped = container.stop(grace=0.5)
    assert (stopped.in_time, stopped.state.exit_code) == (False, 137)


def test_an_entrypoint_that_is_not_there(engine: Engine, image: str, tmp_path: Path) -> None:
    launch = Launch(reference=image, run=RUN, cell="shell", entrypoint="/app/nope")
    with pytest.raises(WillNotStartError, match="no such file"):
        run_once(engine, launch, log=tmp_path / "log", timeout=10)
    assert Docker(engine).labelled(f"io.bakehouse.run={RUN}") == []


OWNER = """
import sys, time
from pathlib import Path
from bakehouse.engine.connection import Engine
from bakehouse.engine.container import Launch, start
engine = Engine(kind="external", host=sys.argv[1] or None, version="", buildx="", containerd_store=True)
launch = Launch(reference=sys.argv[2], run=sys.argv[3], cell="left", args=("-c", "sleep 60"), entrypoint="/bin/sh")
with start(engine, launch, log=Path(sys.argv[4])):
    Path(sys.argv[4] + ".started").touch()
    time.sleep(60)
"""


def test_what_a_killed_process_left_is_reaped_and_nothing_else(engine: Engine, image: str, tmp_path: Path) -> None:
    run = f"{RUN}-left"
    command = [sys.executable, "-c", OWNER, engine.host or "", image, run, str(tmp_path / "left.log")]
    owner = daemon.start(command, log=tmp_path / "owner.log")
    _until_it_says(lambda: "started" if (tmp_path / "left.log.started").exists() else "", "started")
    os.kill(owner, signal.SIGKILL)
    os.waitpid(owner, 0)
    with start(engine, shell(image, "sleep 60"), log=tmp_path / "log") as mine:
        said: list[str] = []
        reap(engine, say=said.append)
        assert any(f"run {run} " in line for line in said)
        assert not any(mine.name in line for line in said)
        assert mine.state().running
    assert Docker(engine).labelled(f"io.bakehouse.run={run}") == []


def _until_it_says(read: Callable[[], str], word: str, *, within: float = 20.0) -> None:
    deadline = time.monotonic() + within
    while word not in read():
        assert time.monotonic() < deadline, f"it never said {word!r}"
        time.sleep(0.05)
