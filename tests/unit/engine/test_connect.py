"""Which engine is used, and what people are told where there is none. The `docker` here is a script."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any, Self

import pytest

from bakehouse.engine import connect as module
from bakehouse.engine.connect import ask, connect
from bakehouse.engine.connection import Engine
from bakehouse.errors import EngineError, InfrastructureError

ANSWERS = """#!/bin/sh
case "$1" in
version) echo '{{"Client":{{"Context":"{context}"}},"Server":{{"Version":"{version}"}}}}' ;;
buildx) {buildx} ;;
info) echo '{{"DriverStatus":{status}}}' ;;
esac
"""
REFUSES = """#!/bin/sh
if [ "$1" = buildx ]; then echo "github.com/docker/buildx v0.20.0 abc"; exit 0; fi
if [ -n "$DOCKER_HOST" ] && [ -e "{folder}/started" ]; then exec "{folder}/answering" "$@"; fi
echo '{{"Client":{{"Context":"{context}"}},"Server":null}}'
echo "{reason}" >&2
exit 1
"""
BUILDX = 'echo "github.com/docker/buildx 0.13.1+ds1 0.13.1+ds1-3"'
CONTAINERD = '[["driver-type","io.containerd.snapshotter.v1"]]'


def program(path: Path, text: str) -> None:
    path.write_text(text)
    path.chmod(0o755)


def answering(
    folder: Path,
    *,
    version: str = "26.1.5+dfsg1",
    buildx: str = BUILDX,
    status: str = CONTAINERD,
    context: str = "default",
) -> dict[str, str]:
    program(folder / "docker", ANSWERS.format(version=version, buildx=buildx, status=status, context=context))
    return {"PATH": f"{folder}:/bin"}


def refusing(
    folder: Path, *, reason: str = "Cannot connect to the Docker daemon", context: str = "default"
) -> dict[str, str]:
    program(folder / "docker", REFUSES.format(folder=folder, reason=reason, context=context))
    return {"PATH": f"{folder}:/bin"}


def connected(environ: Mapping[str, str], folder: Path, **options: Any) -> Engine:
    with connect(cache=folder / "cache", environ=environ, say=lambda _: None, **options) as engine:
        return engine


class TestAnEngineThatAnswers:
    def test_is_used_as_it_is(self, tmp_path: Path) -> None:
        engine = connected(answering(tmp_path), tmp_path)
        assert engine == Engine(
            kind="external",
            host=None,
            version="26.1.5+dfsg1",
            buildx="0.13.1",
            containerd_store=True,
            extra={"BUILDX_BUILDER": "default"},
        )

    def test_docker_host_is_kept(self, tmp_path: Path) -> None:
        engine = connected(answering(tmp_path) | {"DOCKER_HOST": "ssh://gpu-box"}, tmp_path)
        assert engine.host == "ssh://gpu-box"

    def test_without_the_containerd_store_it_says_so(self, tmp_path: Path) -> None:
        assert not connected(answering(tmp_path, status='[["Backing Filesystem","extfs"]]'), tmp_path).containerd_store
        assert not connected(answering(tmp_path, status="null"), tmp_path).containerd_store

    @pytest.mark.parametrize("version", ["20.10.24+dfsg1", "no number"])
    def test_one_that_is_too_old_is_refused(self, tmp_path: Path, version: str) -> None:
        with pytest.raises(EngineError, match=r"too old: 23 or later.*\n.*Upgrade"):
            connected(answering(tmp_path, version=version), tmp_path)

    def test_without_buildx_it_names_the_package(self, tmp_path: Path) -> None:
        with pytest.raises(EngineError, match="apt-get install docker-buildx"):
            connected(answering(tmp_path, buildx="exit 1"), tmp_path)

    def test_an_old_buildx_is_refused(self, tmp_path: Path) -> None:
        with pytest.raises(EngineError, match=r"buildx 0.11.2 is too old: 0.12"):
            connected(answering(tmp_path, buildx="echo github.com/docker/buildx v0.11.2 x"), tmp_path)


class TestAChosenEngineThatDoesNotAnswer:
    @pytest.mark.parametrize("chosen", [{"DOCKER_HOST": "tcp://far:2376"}, {"DOCKER_CONTEXT": "far"}])
    def test_is_never_replaced_in_silence(self, tmp_path: Path, chosen: dict[str, str]) -> None:
        with pytest.raises(EngineError, match=r"the chosen engine does not answer \(DOCKER_.*far"):
            connected(refusing(tmp_path) | chosen, tmp_path, is_root=True)

    def test_a_context_in_use_is_a_choice(self, tmp_path: Path) -> None:
        with pytest.raises(EngineError, match=r"\(context far\)"):
            connected(refusing(tmp_path, context="far"), tmp_path, is_root=True)

    def test_where_it_refuses_this_user_it_names_the_group(self, tmp_path: Path) -> None:
        environ = refusing(tmp_path, reason="permission denied while trying to connect") | {"DOCKER_HOST": "unix:///x"}
        with pytest.raises(EngineError, match="usermod -aG docker"):
            connected(environ, tmp_path)


class TestNoEngineAndNotRoot:
    def test_nothing_there(self, tmp_path: Path) -> None:
        with pytest.raises(EngineError) as caught:
            connected(refusing(tmp_path), tmp_path, is_root=False)
        assert "no Docker engine answers: Cannot connect" in str(caught.value)
        assert "run as root" in str(caught.value)

    def test_not_allowed(self, tmp_path: Path) -> None:
        with pytest.raises(EngineError, match=r"(?s)permission denied.*usermod -aG docker"):
            connected(refusing(tmp_path, reason="Permission denied: docker.sock"), tmp_path, is_root=False)

    def test_no_docker_at_all(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr("bakehouse.system.process.SYSTEM_FOLDERS", "/nowhere")
        with pytest.raises(EngineError, match="docker is not installed"):
            connected({"PATH": str(tmp_path)}, tmp_path, is_root=False)

    def test_what_docker_prints_may_be_no_json(self, tmp_path: Path) -> None:
        program(tmp_path / "docker", "#!/bin/sh\necho json\n")
        assert ask({"PATH": f"{tmp_path}:/bin"}).version is None


class Embedded:
    """Stands in for the embedded engine."""

    died = False

    def __init__(self, *, cache: Path, **_: object) -> None:
        self.socket = cache / "docker.sock"
        self._started = cache.parent / "started"

    def __enter__(self) -> Self:
        self._started.touch()
        return self

    def __exit__(self, *_: object) -> None:
        self._started.unlink()

    def ensure_alive(self) -> None:
        if self.died:
            raise EngineError("the embedded engine went away")


class TestNoEngineAndRoot:
    @pytest.fixture
    def environ(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> dict[str, str]:
        monkeypatch.setattr(module, "EmbeddedEngine", Embedded)
        monkeypatch.setattr("bakehouse.system.process.SYSTEM_FOLDERS", "/nowhere")
        answering(tmp_path)
        (tmp_path / "docker").rename(tmp_path / "answering")
        program(tmp_path / "dockerd", "#!/bin/sh\n")
        return refusing(tmp_path)

    def test_an_embedded_one_is_started_and_stopped(self, tmp_path: Path, environ: dict[str, str]) -> None:
        said: list[str] = []
        with connect(cache=tmp_path / "cache", environ=environ, say=said.append, is_root=True) as engine:
            assert (engine.kind, engine.host) == ("embedded", f"unix://{tmp_path}/cache/docker.sock")
            assert (tmp_path / "started").exists()
        assert not (tmp_path / "started").exists()
        assert "No Docker engine answers (Cannot connect" in said[0]

    def test_one_that_dies_is_the_reason_given(
        self, tmp_path: Path, environ: dict[str, str], monkeypatch: pytest.MonkeyPatch
    ) -> None:
        def build() -> None:
            with connect(cache=tmp_path / "cache", environ=environ, say=lambda _: None, is_root=True):
                raise InfrastructureError("connection reset")

        with pytest.raises(InfrastructureError, match="connection reset"):
            build()
        monkeypatch.setattr(Embedded, "died", True)
        with pytest.raises(EngineError, match="went away"):
            build()

    def test_where_nothing_may_be_installed_it_names_what_is_missing(
        self, tmp_path: Path, environ: dict[str, str]
    ) -> None:
        (tmp_path / "dockerd").unlink()
        with pytest.raises(EngineError, match="dockerd is not installed"):
            connected(environ, tmp_path, is_root=True, allow_install=False)

    def test_what_is_missing_is_installed(
        self, tmp_path: Path, environ: dict[str, str], monkeypatch: pytest.MonkeyPatch
    ) -> None:
        installed: list[object] = []
        monkeypatch.setattr(module, "install_docker", lambda *, machine: installed.append(machine))
        connected(environ, tmp_path, is_root=True)
        assert installed == []
        (tmp_path / "dockerd").unlink()
        connected(environ, tmp_path, is_root=True)
        assert len(installed) == 1
