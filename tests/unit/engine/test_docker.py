"""Against a `docker` that is a shell script: what it is told, and what becomes of what it says."""

from __future__ import annotations

import itertools
import json
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from bakehouse.engine.connection import Engine
from bakehouse.engine.docker import Docker, DockerError, NoSuchObjectError
from bakehouse.engine.objects import Creation
from bakehouse.errors import EngineError

ENGINE = Engine(kind="external", host="unix:///run/e.sock", version="26", buildx="", containerd_store=True)
CREATION = Creation(image="bakehouse/x:y", name="n")

Script = Callable[[str], Path]


@pytest.fixture
def docker_says(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Script:
    """Make `docker` run these shell lines after it has written its arguments, one a line, to a file."""

    def write(body: str) -> Path:
        told = tmp_path / "told"
        script = tmp_path / "bin/docker"
        script.parent.mkdir(exist_ok=True)
        script.write_text(f'#!/bin/sh\nprintf "%s\\n" "$@" >> {told}\n{body}\n', encoding="utf-8")
        script.chmod(0o755)
        monkeypatch.setenv("PATH", f"{script.parent}:{os.environ['PATH']}")
        return told

    return write


def inspected(**changes: Any) -> str:
    state = {"Status": "running", "Running": True, "ExitCode": 0, "OOMKilled": False, "Pid": 7, "Error": ""}
    value = {
        "Id": "c1",
        "Name": "/n",
        "RestartCount": 2,
        "State": state | changes,
        "NetworkSettings": {"Ports": {"8080/tcp": [{"HostIp": "127.0.0.1", "HostPort": "32768"}], "9/udp": None}},
    }
    return f"cat <<'END'\n{json.dumps([value])}\nEND"


@pytest.mark.parametrize(
    "said",
    [
        "Cannot connect to the Docker daemon at unix:///run/e.sock. Is the docker daemon running?",
        "error during connect: Get http://e/v1.45/info: EOF",
        "dial tcp 127.0.0.1:2375: connect: connection refused",
        "permission denied while trying to connect to the Docker daemon socket",
    ],
)
def test_an_engine_that_went_away_is_an_engine_error(docker_says: Script, said: str) -> None:
    docker_says(f"echo '{said}' >&2; exit 1")
    with pytest.raises(EngineError, match="the Docker engine does not answer") as caught:
        Docker(ENGINE).start("n")
    assert caught.value.hint


def test_an_engine_that_refuses_says_why_and_what_it_was_told(docker_says: Script) -> None:
    docker_says("echo 'Error response from daemon: no space left on device' >&2; exit 1")
    with pytest.raises(DockerError, match="no space left on device") as caught:
        Docker(ENGINE).create(CREATION)
    assert "--host unix:///run/e.sock create" in (caught.value.hint or "")
    assert not isinstance(caught.value, NoSuchObjectError)


def test_a_missing_docker(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(EngineError, match="the program docker is not installed"):
        Docker(ENGINE).start("n")


def test_what_is_gone_is_told_apart(docker_says: Script) -> None:
    docker_says("echo 'Error response from daemon: No such container: n' >&2; exit 1")
    docker = Docker(ENGINE)
    with pytest.raises(NoSuchObjectError):
        docker.state("n")
    assert docker.remove("container", "n") is False


def test_a_removal_that_somebody_else_began_is_no_error(docker_says: Script) -> None:
    docker_says("echo 'Error response from daemon: removal of container n is already in progress' >&2; exit 1")
    assert Docker(ENGINE).remove("container", "n") is False


def test_containers_are_hardened(docker_says: Script) -> None:
    told = docker_says("echo c1")
    creation = Creation(
        image="bakehouse/x:y", name="n", args=("--model", "/m"), port=8080, mounts={"/a,b": "/m"}, memory=1024, pids=9
    )
    Docker(ENGINE).create(creation)
    words = told.read_text(encoding="utf-8").splitlines()
    for pair in (
        ("--cap-drop", "ALL"),
        ("--security-opt", "no-new-privileges"),
        ("--tmpfs", "/tmp"),
        ("--memory", "1024"),
        ("--memory-swap", "1024"),
        ("--pids-limit", "9"),
        ("-p", "127.0.0.1::8080"),
        ("--restart", "no"),
        ("--pull", "never"),
        ("--mount", 'type=bind,"source=/a,b",target=/m,readonly'),
    ):
        assert pair in itertools.pairwise(words), pair
    assert "--read-only" in words
    assert "--init" not in words
    assert "--privileged" not in words
    assert words[-3:] == ["bakehouse/x:y", "--model", "/m"]


def test_state(docker_says: Script) -> None:
    log = [{"Output": "connection refused\n", "ExitCode": 1}]
    docker_says(inspected(Health={"Status": "starting", "Log": log}))
    state = Docker(ENGINE).state("n")
    assert state.running
    assert (state.pid, state.restarts, state.health) == (7, 2, "starting")
    assert state.health_said == ("connection refused",)
    assert state.ports == {8080: 32768}


@pytest.mark.parametrize("health", [{}, {"Health": {"Status": "none"}}])
def test_state_without_a_healthcheck(docker_says: Script, health: dict[str, Any]) -> None:
    docker_says(inspected(Running=False, ExitCode=137, OOMKilled=True, **health))
    state = Docker(ENGINE).state("n")
    assert (state.running, state.exit_code, state.oom_killed, state.health) == (False, 137, True, None)


def test_logs_survive_bytes_that_are_no_text(docker_says: Script) -> None:
    docker_says('case "$*" in *logs*) printf "a\\377b\\n";; *) ' + inspected() + "\n;; esac")
    assert Docker(ENGINE).logs("n") == "a\ufffdb\n"


def test_extra_environment_reaches_docker(docker_says: Script) -> None:
    told = docker_says('echo "config=$DOCKER_CONFIG" >> "${0%/bin/docker}/told"; echo c1')
    engine = Engine(
        kind="embedded", host=None, version="", buildx="", containerd_store=True, extra={"DOCKER_CONFIG": "/own"}
    )
    Docker(engine).create(CREATION)
    text = told.read_text(encoding="utf-8")
    assert "config=/own" in text
    assert "--host" not in text
