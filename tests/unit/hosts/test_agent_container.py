"""What is heard of a host, with a script in the place of docker."""

from __future__ import annotations

import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from bakehouse.engine.connection import Engine
from bakehouse.errors import InfrastructureError
from bakehouse.hosts import agent_container
from bakehouse.hosts.agent_container import Agent, HostLostError

NVIDIA: dict[str, object] = {"Runtimes": {"nvidia": {}}}
CDI: dict[str, object] = {"DiscoveredDevices": [{"Source": "cdi", "ID": "nvidia.com/gpu=all"}]}


def agent(info: dict[str, object] | None = None, *, with_nvidia: bool = False) -> Agent:
    engine = Engine(
        kind="external", host="ssh://me@there", version="28", buildx="0.13", containerd_store=True, info=info or {}
    )
    return Agent(
        host="green",
        engine=engine,
        image="bakehouse/suite:1",
        volume="/var/lib/docker/volumes/bakehouse/_data",
        socket="/run/user/1000/docker.sock",
        run="20261128-1",
        with_nvidia=with_nvidia,
    )


@pytest.fixture
def docker(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[[str], None]:
    monkeypatch.setenv("PATH", f"{tmp_path}:/usr/bin:/bin")

    def write(script: str) -> None:
        program = tmp_path / "docker"
        program.write_text(f"#!{sys.executable}\nimport sys, time\n{script}\n")
        program.chmod(0o755)

    return write


def test_an_answer_is_told_from_words_and_signs_of_life(docker: Callable[[str], None]) -> None:
    docker('print("bakehouse-alive\\nwords\\nbakehouse-answer: 42\\nbakehouse-ended: 0")')
    assert agent().ask("facts", "/v") == "42"
    lines: list[str] = []
    heard = agent().hear("run", on_line=lines.append)
    assert (heard.code, heard.said, lines) == (0, ("words",), ["words"])


def test_the_input_is_what_was_given(docker: Callable[[str], None], tmp_path: Path) -> None:
    docker('print("bakehouse-answer: " + sys.stdin.read() + "\\nbakehouse-ended: 0")')
    (tmp_path / "given").write_text("from a file")
    assert agent().ask("facts", text="{}") == "{}"
    assert agent().ask("model", feed=tmp_path / "given") == "from a file"


def test_what_failed_there_is_no_lost_host(docker: Callable[[str], None]) -> None:
    docker('print("m.gguf arrived torn\\nbakehouse-ended: 4")')
    with pytest.raises(InfrastructureError, match=r"host green: m\.gguf arrived torn") as caught:
        agent().ask("model")
    assert not isinstance(caught.value, HostLostError)


@pytest.mark.parametrize(
    ("said", "told"),
    [
        ("ssh: no route to host\n\nRun 'docker run --help' for more", "ssh: no route to host"),
        ('time=2026 level=error msg="error waiting for container: unexpected EOF"', "error waiting for container"),
        ("", "docker ended with status 1"),
    ],
)
def test_an_end_without_a_word_is_a_lost_host(docker: Callable[[str], None], said: str, told: str) -> None:
    docker(f"print('words'); print({said!r}, file=sys.stderr); sys.exit(1)")
    with pytest.raises(HostLostError, match=f"host green went away: {told}"):
        agent().hear("run")


def test_silence_is_a_lost_host(docker: Callable[[str], None], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(agent_container, "SILENCE", 0.5)
    docker("time.sleep(60)")
    with pytest.raises(HostLostError, match=r"host green went away: nothing was heard of it for 0\.5 s"):
        agent().hear("run")


def test_the_container_sees_its_whole_machine_and_belongs_to_the_run() -> None:
    command = agent().command(("run", "/v"))
    for words in (
        ("--label", "io.bakehouse.run=20261128-1"),
        ("--network", "host"),
        ("--pid", "host"),
        ("--cgroupns", "host"),
        ("--volume", "bakehouse:/var/lib/docker/volumes/bakehouse/_data"),
        ("--volume", "/run/user/1000/docker.sock:/var/run/docker.sock"),
        ("bakehouse/suite:1", "-m", "bakehouse.hosts", "run", "/v"),
    ):
        assert any(tuple(command[at : at + len(words)]) == words for at in range(len(command))), words
    assert "--gpus" not in command


@pytest.mark.parametrize(("info", "words"), [(NVIDIA, ["--gpus", "all"]), (CDI, ["--device", "nvidia.com/gpu=all"])])
def test_nvidias_driver_is_handed_in_as_the_engine_can(info: dict[str, object], words: list[str]) -> None:
    command = agent(info, with_nvidia=True).command(("facts",))
    at = command.index(words[0])
    assert command[at : at + 2] == words
    assert "NVIDIA_DRIVER_CAPABILITIES=utility" in command
