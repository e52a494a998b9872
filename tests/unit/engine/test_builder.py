"""Which builder of buildx builds in the engine's place. The `docker` here is a script."""

from __future__ import annotations

import tomllib
from pathlib import Path

import pytest

from bakehouse.engine.builder import VARIABLE, Builder, find_builder
from bakehouse.engine.connection import Engine
from bakehouse.errors import EngineError, InputError

ENGINE = Engine(kind="external", host=None, version="28.2.2", buildx="0.13.1", containerd_store=True)
REMOTE = """\
Name:          far
Driver:        remote

Nodes:
Name:      far0
Endpoint:  tcp://builder.example.org:1234
Status:    running
Platforms: linux/amd64, linux/amd64/v2
Name:      far1
Status:    running
Platforms: linux/arm64*, linux/amd64
"""


@pytest.fixture
def docker(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("PATH", f"{tmp_path}:/bin")
    return tmp_path / "docker"


def answers(docker: Path, text: str, *, code: int = 0) -> None:
    """What the script says of a builder; without one that answers, to standard error."""
    (docker.parent / "said").write_text(text)
    to = "" if code == 0 else " >&2"
    docker.write_text(f'#!/bin/sh\necho "$@" > {docker.parent}/asked\ncat {docker.parent}/said{to}\nexit {code}\n')
    docker.chmod(0o755)


@pytest.mark.parametrize("environ", [{}, {VARIABLE: " "}])
def test_without_a_choice_it_is_the_engines_own(environ: dict[str, str], docker: Path) -> None:
    assert find_builder(ENGINE, environ) is None
    assert not docker.exists()


def test_one_that_answers_is_told_with_its_driver_and_all_its_platforms(docker: Path) -> None:
    answers(docker, REMOTE)

    found = find_builder(ENGINE, {VARIABLE: "far"})

    assert found == Builder(name="far", driver="remote", platforms=("linux/amd64", "linux/amd64/v2", "linux/arm64"))
    assert (docker.parent / "asked").read_text() == "buildx inspect --bootstrap far\n"


@pytest.mark.parametrize("name", ["--push", "a b", "é", "1far", "x" * 200])
def test_what_is_no_name_is_asked_nobody(name: str, docker: Path) -> None:
    with pytest.raises(InputError, match="is no name of a builder"):
        find_builder(ENGINE, {VARIABLE: name})
    assert not docker.exists()


def test_one_that_nobody_made_is_a_wrong_input(docker: Path) -> None:
    answers(docker, 'ERROR: no builder "far" found\n', code=1)

    with pytest.raises(InputError, match="there is no builder 'far'") as raised:
        find_builder(ENGINE, {VARIABLE: "far"})
    assert "docker buildx create" in str(raised.value)


def test_one_that_does_not_answer_is_no_wrong_input(docker: Path) -> None:
    answers(docker, "ERROR: failed to dial: connection refused\n", code=1)

    with pytest.raises(EngineError, match="does not answer: ERROR: failed to dial: connection refused"):
        find_builder(ENGINE, {VARIABLE: "far"})


def test_an_engines_own_builder_is_refused(docker: Path) -> None:
    answers(docker, "Name: default\nDriver: docker\n")

    with pytest.raises(InputError, match="whose images stay there"):
        find_builder(ENGINE, {VARIABLE: "default"})


def test_the_settings_for_builders_keep_what_those_of_the_engine_keep() -> None:
    text = (Path(__file__).parents[3] / "buildkit/buildkitd.toml").read_text(encoding="utf-8")
    worker = tomllib.loads(text)["worker"]["oci"]

    assert [policy["keepBytes"] for policy in worker["gcpolicy"]] == ["60GB", "80GB"]
    assert worker["gc"] is True
