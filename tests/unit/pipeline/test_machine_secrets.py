from __future__ import annotations

import base64
import json
import os
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from rich.console import Console

from bakehouse.model.enums import Verdict
from bakehouse.pipeline import stages
from bakehouse.pipeline.context import Context
from bakehouse.pipeline.machine_secrets import machine_secrets, secrets_among
from bakehouse.prove.expect import Expectation
from tests.unit.accelerated import accelerated

CACHE = Path("/home/anna/.cache/bakehouse")


def found(environ: dict[str, str] | None = None, **changes: Any) -> dict[str, bytes]:
    facts: dict[str, Any] = {"cache": Path("/cache"), "host": "vm", "user": "root", "docker_config": ""} | changes
    return {one.what: one.text for one in secrets_among(environ or {}, **facts)}


def test_home_cache_and_names() -> None:
    assert found({"HOME": "/home/anna"}, cache=CACHE, host="gpu-box-01", user="anna-k42") == {
        "the home folder of the build machine's user": b"/Users/anna-k42",
        "the path of the build machine's cache": b"/home/anna/.cache/bakehouse",
        "the host name of the build machine": b"gpu-box-01",
        "the name of the build machine's user": b"anna-k42",
    }
    texts = {one.text for one in secrets_among({"HOME": "/home/anna"}, cache=CACHE, host="", user="", docker_config="")}
    assert texts == {b"/home/anna", b"/home/anna/.cache/bakehouse"}


@pytest.mark.parametrize(
    ("environ", "facts"),
    [
        ({"HOME": "/root"}, {}),
        ({"HOME": "/home/runner"}, {"user": "runner", "host": "runner"}),
        ({"HOME": "/home/ubuntu"}, {"user": "ubuntu", "host": "ubuntu"}),
        ({"HOME": "/"}, {"cache": Path("/var/cache")}),
        ({}, {"host": "llamaserver"}),
        ({}, {"host": "server-1"[:7]}),
        ({"GPG_KEY": "E3FF2839C048B25C084DEBE9B26995E310250568", "SSH_AUTH_SOCK": "/tmp/agent.12"}, {}),
        ({"GOOGLE_APPLICATION_CREDENTIALS": "/home/x/key.json", "USE_TOKEN": "true", "TOKEN": ""}, {}),
        ({}, {"docker_config": "{not json"}),
        ({}, {"docker_config": '["auths"]'}),
        ({}, {"docker_config": '{"auths": {"r": "x"}, "credsStore": "pass"}'}),
    ],
)
def test_what_is_in_many_images_or_no_secret_is_not_looked_for(environ: dict[str, str], facts: dict[str, Any]) -> None:
    assert found(environ, **facts) == {}


@pytest.mark.parametrize(
    "name",
    ["HF_TOKEN", "GITHUB_TOKEN", "AWS_SECRET_ACCESS_KEY", "OPENAI_API_KEY", "DB_PASSWORD", "CLIENT_SECRET", "GH_PAT"],
)
def test_tokens_of_the_environment(name: str) -> None:
    assert found({name: "hf_abcdef123\n"}) == {f"the value of the environment variable {name}": b"hf_abcdef123"}


def test_logins_of_docker() -> None:
    auth = base64.b64encode(b"anna:correct horse").decode()
    config = json.dumps({"auths": {"reg.example": {"auth": auth}, "ghcr.io": {"identitytoken": "eyJhbGciOi"}}})
    texts = {one.text for one in secrets_among({}, cache=Path("/c"), host="", user="", docker_config=config)}
    assert texts == {auth.encode(), b"correct horse", b"eyJhbGciOi"}


@given(st.text(max_size=40))
def test_any_docker_config_is_read_without_an_error(text: str) -> None:
    found(docker_config=text)
    found(docker_config=json.dumps({"auths": {"r": {"auth": text, "password": text}}}))


class _State:
    """Of a run whose cells all passed."""

    folder = SimpleNamespace(name="run")

    def passed_so_far(self, cells: Any) -> Any:
        return cells

    def update(self, name: str, **changes: Any) -> None: ...

    def __getitem__(self, name: str) -> Any:
        return SimpleNamespace(checks=[], verdict=Verdict.PASSED)

    def finish_bad(self, cells: Any) -> None: ...


def test_a_run_looks_for_the_secrets_of_its_machine(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    config = tmp_path / "docker"
    config.mkdir()
    (config / "config.json").write_text('{"auths": {"reg": {"identitytoken": "eyJhbGciOi"}}}')
    environ = {"HF_TOKEN": "hf_abcdef123", "DOCKER_CONFIG": str(config), "HOME": "/home/anna"}
    context = Context(root=tmp_path, cache=tmp_path / "cache" / "deep", environ=environ, console=Console(quiet=True))
    world, resolution = accelerated()
    cells = resolution.cells[:2]
    promised: list[Expectation] = []

    def proof(_job: object, _cell: object, expected: Expectation, _folder: Path) -> dict[str, Any]:
        promised.append(expected)
        return {}

    monkeypatch.setattr(stages, "_proof", proof)
    job = SimpleNamespace(
        context=context, state=_State(), plan=SimpleNamespace(cells=cells), project=SimpleNamespace(world=world)
    )
    stages.prove(job)  # type: ignore[arg-type]
    texts = {one.text for expected in promised for one in expected.forbidden}
    assert len(promised) == len(cells)
    assert {b"hf_abcdef123", b"eyJhbGciOi", b"/home/anna", os.fsencode(context.cache)} <= texts
    assert set(promised[0].forbidden) == set(machine_secrets(context))
