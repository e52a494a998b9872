from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field, replace
from pathlib import Path

import pytest

from bakehouse.engine import container as module
from bakehouse.engine.connection import Engine
from bakehouse.engine.container import CELL_LABEL, OWNER_LABEL, RUN_LABEL, Launch, WillNotStartError, run_once, start
from bakehouse.engine.devices import Devices
from bakehouse.engine.docker import DockerError, NoSuchObjectError
from bakehouse.engine.objects import Creation, State
from bakehouse.engine.owner import Standing, standing
from bakehouse.errors import EngineError, InfrastructureError

ENGINE = Engine(kind="external", host=None, version="", buildx="", containerd_store=True)
LAUNCH = Launch(reference="bakehouse/x:y", run="r1", cell="c1", port=8080)
RUNS = State(status="running", running=True, exit_code=0, oom_killed=False, pid=7, ports={8080: 32768})
ENDED = replace(RUNS, status="exited", running=False, ports={})


@dataclass(kw_only=True)
class FakeDocker:
    """Remembers what happened to containers."""

    states: list[State] = field(default_factory=lambda: [RUNS])
    """The last one stays."""
    fail: dict[str, Exception] = field(default_factory=dict)
    created: list[Creation] = field(default_factory=list)
    signals: list[str] = field(default_factory=list)
    removed: list[str] = field(default_factory=list)
    ends_on: str = ""

    def create(self, creation: Creation) -> None:
        self.created.append(creation)
        self._may_fail("create", creation.name)

    def start(self, name: str) -> None:
        self._may_fail("start", name)

    def kill(self, name: str, *, signal: str) -> None:
        self.signals.append(signal)
        self._may_fail("kill", name)
        if signal == self.ends_on:
            self.states[:] = [ENDED]

    def state(self, name: str) -> State:
        self._may_fail("state", name)
        return self.states.pop(0) if len(self.states) > 1 else self.states[0]

    def logs(self, name: str) -> str:
        self._may_fail("logs", name)
        return "loaded\n"

    def remove(self, kind: str, name: str) -> bool:
        assert kind == "container"
        self.removed.append(name)
        return True

    def _may_fail(self, what: str, name: str) -> None:
        assert name == self.created[-1].name
        if what in self.fail:
            raise self.fail[what]


Fake = Callable[..., FakeDocker]


@pytest.fixture
def docker(monkeypatch: pytest.MonkeyPatch) -> FakeDocker:
    fake = FakeDocker()

    def connect(engine: Engine) -> FakeDocker:
        return fake

    monkeypatch.setattr(module, "Docker", connect)
    return fake


def test_a_container_carries_its_run_its_cell_and_a_living_owner(docker: FakeDocker, tmp_path: Path) -> None:
    with start(ENGINE, replace(LAUNCH, labels={"more": "1"}), log=tmp_path / "logs/a.log") as container:
        assert container.url == "http://127.0.0.1:32768"
        labels = docker.created[0].labels
        assert (labels[RUN_LABEL], labels[CELL_LABEL], labels["more"]) == ("r1", "c1", "1")
        assert standing(labels[OWNER_LABEL]) is Standing.ALIVE
        assert docker.removed == []
    assert docker.removed == [container.name]
    assert (tmp_path / "logs/a.log").read_text(encoding="utf-8") == "loaded\n"


@pytest.mark.parametrize("error", [KeyboardInterrupt(), AssertionError("wrong"), SystemExit(1)])
def test_it_is_removed_whatever_happens(docker: FakeDocker, tmp_path: Path, error: BaseException) -> None:
    with pytest.raises(type(error)), start(ENGINE, LAUNCH, log=tmp_path / "a.log"):
        raise error
    assert len(docker.removed) == 1
    assert (tmp_path / "a.log").exists()


def test_it_is_removed_when_its_log_cannot_be_read(docker: FakeDocker, tmp_path: Path) -> None:
    docker.fail["logs"] = EngineError("gone")
    with pytest.raises(EngineError), start(ENGINE, LAUNCH, log=tmp_path / "a.log"):
        pass
    assert len(docker.removed) == 1


def test_it_is_removed_by_its_name_when_creating_it_was_interrupted(docker: FakeDocker, tmp_path: Path) -> None:
    docker.fail = {"create": DockerError("interrupted"), "logs": NoSuchObjectError("No such container")}
    with pytest.raises(DockerError, match="interrupted"), start(ENGINE, LAUNCH, log=tmp_path / "a.log"):
        pytest.fail("it was never created")
    assert docker.removed == [docker.created[0].name]
    assert not (tmp_path / "a.log").exists()


OCI = "failed to create task: OCI runtime create failed: unable to start container process: "


@pytest.mark.parametrize(
    "said",
    [
        OCI + 'exec: "/app/nope": stat /app/nope: no such file or directory: unknown',
        OCI + 'exec: "nope": executable file not found in $PATH: unknown',
        OCI + "exec /app/llama-server: exec format error",
    ],
)
def test_an_entrypoint_that_cannot_be_executed_is_the_images_fault(
    docker: FakeDocker, tmp_path: Path, said: str
) -> None:
    docker.fail["start"] = DockerError(said)
    with pytest.raises(WillNotStartError) as caught, start(ENGINE, LAUNCH, log=tmp_path / "a.log"):
        pytest.fail("it did not start")
    assert not isinstance(caught.value, InfrastructureError)
    assert len(docker.removed) == 1


@pytest.mark.parametrize(
    ("said", "message"),
    [
        ("Bind for 127.0.0.1:32768 failed: port is already allocated", "a port on this machine was taken"),
        ("failed to create endpoint on network bridge: Device does not exist", "the Docker engine refused"),
    ],
)
def test_what_the_engine_cannot_do_is_not_the_images_fault(
    docker: FakeDocker, tmp_path: Path, said: str, message: str
) -> None:
    docker.fail["start"] = DockerError(said)
    with pytest.raises(InfrastructureError, match=message), start(ENGINE, LAUNCH, log=tmp_path / "a.log"):
        pytest.fail("it did not start")


def test_a_container_that_ended_at_once_has_no_address(docker: FakeDocker, tmp_path: Path) -> None:
    docker.states[:] = [ENDED]
    with start(ENGINE, LAUNCH, log=tmp_path / "a.log") as container:
        assert container.url == ""


def test_stop_asks_politely_first(docker: FakeDocker, tmp_path: Path) -> None:
    docker.ends_on = "SIGTERM"
    with start(ENGINE, LAUNCH, log=tmp_path / "a.log") as container:
        stopped = container.stop(grace=5)
    assert (stopped.in_time, stopped.state.running, docker.signals) == (True, False, ["SIGTERM"])


def test_stop_kills_who_does_not_listen(docker: FakeDocker, tmp_path: Path) -> None:
    docker.ends_on = "SIGKILL"
    with start(ENGINE, LAUNCH, log=tmp_path / "a.log") as container:
        stopped = container.stop(grace=0.01)
    assert (stopped.in_time, docker.signals) == (False, ["SIGTERM", "SIGKILL"])


def test_stop_of_a_container_that_just_ended(docker: FakeDocker, tmp_path: Path) -> None:
    docker.fail["kill"] = DockerError("cannot kill container: n: container 1234 is not running")
    with start(ENGINE, LAUNCH, log=tmp_path / "a.log") as container:
        docker.states[:] = [ENDED]
        assert container.stop(grace=1).in_time


def test_run_once(docker: FakeDocker, tmp_path: Path) -> None:
    docker.states[:] = [RUNS, RUNS, replace(ENDED, exit_code=3)]
    done = run_once(ENGINE, replace(LAUNCH, port=None), log=tmp_path / "a.log", timeout=5)
    assert (done.exit_code, done.output) == (3, "loaded\n")


def test_run_once_gives_up(docker: FakeDocker, tmp_path: Path) -> None:
    assert run_once(ENGINE, LAUNCH, log=tmp_path / "a.log", timeout=0.0).exit_code == -1
    assert len(docker.removed) == 1


def test_a_model_is_mounted_by_its_real_path(docker: FakeDocker, tmp_path: Path) -> None:
    model, link = tmp_path / "m.gguf", tmp_path / "link.gguf"
    model.touch(mode=0o644)
    link.symlink_to(model)
    with start(ENGINE, replace(LAUNCH, files={str(link): "/models/m.gguf"}), log=tmp_path / "a.log"):
        assert docker.created[0].mounts == {str(model): "/models/m.gguf"}


def test_a_model_that_a_container_cannot_read(docker: FakeDocker, tmp_path: Path) -> None:
    secret = tmp_path / "m.gguf"
    secret.touch()
    secret.chmod(0o600)
    for path, message in ((secret, "cannot read"), (tmp_path / "gone.gguf", "is not there")):
        launch = replace(LAUNCH, files={str(path): "/models/m.gguf"})
        with pytest.raises(InfrastructureError, match=message), start(ENGINE, launch, log=tmp_path / "a.log"):
            pytest.fail("it did not start")
    assert docker.created == []


@pytest.mark.parametrize(
    ("step", "said"),
    [
        ("start", 'could not select device driver "" with capabilities: [[gpu]]'),
        ("create", "CDI device injection failed: unresolvable CDI devices nvidia.com/gpu=0"),
    ],
)
def test_an_engine_that_cannot_hand_out_a_card_is_no_verdict_on_the_image(
    docker: FakeDocker, tmp_path: Path, step: str, said: str
) -> None:
    docker.fail[step] = DockerError(said)
    with pytest.raises(InfrastructureError) as caught, start(ENGINE, LAUNCH, log=tmp_path / "log"):
        pass
    assert "NVIDIA Container Toolkit" in str(caught.value.hint)
    assert len(docker.removed) == 1


def test_a_container_gets_the_environment_of_its_devices(docker: FakeDocker, tmp_path: Path) -> None:
    devices = Devices(env={"GGML_VK_VISIBLE_DEVICES": "0", "A": "device"})
    with start(ENGINE, replace(LAUNCH, devices=devices, env={"A": "launch"}), log=tmp_path / "log"):
        assert docker.created[-1].env == {"GGML_VK_VISIBLE_DEVICES": "0", "A": "launch"}
