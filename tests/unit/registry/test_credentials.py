from __future__ import annotations

import base64
import json
from pathlib import Path
from typing import Any

import pytest

from bakehouse.errors import InputError
from bakehouse.registry.credentials import Credentials, Login


def credentials(folder: Path, content: Any = None, **environ: str) -> Credentials:
    if content is not None:
        (folder / "config.json").write_text(content if isinstance(content, str) else json.dumps(content))
    return Credentials(environ={"DOCKER_CONFIG": str(folder), **environ}, helper=_helper)


def _helper(name: str, server: str) -> tuple[str, str] | None:
    known = {
        ("desktop", "ghcr.io"): ("me", "kept-by-the-helper"),
        ("ecr", "1.dkr.ecr.example"): ("<token>", "identity"),
    }
    return known.get((name, server))


def encoded(text: str) -> str:
    return base64.b64encode(text.encode()).decode()


def test_nothing_is_known(tmp_path: Path) -> None:
    assert credentials(tmp_path).of("ghcr.io") is None


def test_auths(tmp_path: Path) -> None:
    login = credentials(tmp_path, {"auths": {"ghcr.io": {"auth": encoded("me:a:b")}}}).of("ghcr.io")
    assert login
    assert (login.user, login.password) == ("me", "a:b")
    assert login.basic == f"Basic {encoded('me:a:b')}"


def test_docker_hub_has_an_old_name(tmp_path: Path) -> None:
    content = {"auths": {"https://index.docker.io/v1/": {"auth": encoded("me:x")}}}
    assert credentials(tmp_path, content).of("docker.io")


def test_helpers_go_first(tmp_path: Path) -> None:
    content = {"credsStore": "desktop", "credHelpers": {"1.dkr.ecr.example": "ecr"}, "auths": {"ghcr.io": {}}}
    found = credentials(tmp_path, content)
    assert found.of("ghcr.io") == Login(user="me", password="kept-by-the-helper", source="docker-credential-desktop")
    token = found.of("1.dkr.ecr.example")
    assert token
    assert token.identity_token == "identity"


def test_ci_variables_count_for_their_own_registry(tmp_path: Path) -> None:
    environ = {"CI_REGISTRY": "r.example:5050", "CI_REGISTRY_USER": "job", "CI_REGISTRY_PASSWORD": "p"}
    found = credentials(tmp_path, **environ, GITHUB_ACTOR="actor", GITHUB_TOKEN="t")
    assert found.of("r.example:5050")
    assert found.of("ghcr.io")
    assert found.of("other.example") is None


@pytest.mark.parametrize("content", ["{", '{"auths": {"ghcr.io": {"auth": "bWU6aHVudGVyMg"}}}'])
def test_a_damaged_file_is_told_and_not_shown(tmp_path: Path, content: str) -> None:
    with pytest.raises(InputError) as error:
        credentials(tmp_path, content).of("ghcr.io")
    assert "docker login" in str(error.value)
    assert "bWU6" not in str(error.value)


def test_a_login_hides_its_secrets() -> None:
    login = Login(user="me", password="hunter2", identity_token="token7")
    assert "hunter2" not in repr(login)
    assert "token7" not in repr(login)


def test_a_helper_is_asked_through_its_input(tmp_path: Path) -> None:
    program = tmp_path / "docker-credential-toy"
    program.write_text('#!/bin/sh\nread server\necho "{\\"Username\\": \\"u\\", \\"Secret\\": \\"for $server\\"}"\n')
    program.chmod(0o755)
    (tmp_path / "config.json").write_text('{"credsStore": "toy"}')
    found = Credentials(environ={"DOCKER_CONFIG": str(tmp_path), "PATH": f"{tmp_path}:/usr/bin:/bin"}).of("ghcr.io")
    assert found
    assert found.password == "for ghcr.io"
