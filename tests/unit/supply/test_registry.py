from __future__ import annotations

import json
import socket
from collections.abc import Callable

import pytest

from bakehouse.engine.connection import Engine
from bakehouse.errors import SupplyError
from bakehouse.supply.registry import EngineRegistries, Reference, ResolvedReference
from tests.unit.supply.conftest import Programs

DIGEST = "sha256:" + "1" * 64
INDEX = {
    "mediaType": "application/vnd.oci.image.index.v1+json",
    "digest": DIGEST,
    "manifests": [
        {"platform": {"os": "linux", "architecture": "amd64"}},
        {"platform": {"os": "linux", "architecture": "arm64", "variant": "v8"}},
        {"platform": {"os": "linux", "architecture": "arm", "variant": "v7"}},
        {"platform": {"os": "unknown", "architecture": "unknown"}},
    ],
}


def listening(_host: str, _port: int) -> None:
    pass


def registries(
    programs: Programs, *, connect: Callable[[str, int], None] = listening, environ: dict[str, str] | None = None
) -> EngineRegistries:
    engine = Engine(
        kind="external", host=None, version="1", buildx="1", containerd_store=True, extra={"PATH": programs.path}
    )
    return EngineRegistries(engine=engine, environ=environ or {}, connect=connect)


@pytest.mark.parametrize(
    ("text", "full", "address"),
    [
        ("debian:trixie-slim", "docker.io/library/debian:trixie-slim", ("registry-1.docker.io", 443)),
        ("nvidia/cuda:12.9.1", "docker.io/nvidia/cuda:12.9.1", ("registry-1.docker.io", 443)),
        ("docker.io/library/debian", "docker.io/library/debian:latest", ("registry-1.docker.io", 443)),
        ("nvcr.io/nvidia/vllm:26.09-py3", "nvcr.io/nvidia/vllm:26.09-py3", ("nvcr.io", 443)),
        ("localhost:5000/a/b:c", "localhost:5000/a/b:c", ("localhost", 5000)),
        (f"nvcr.io/a:b@{DIGEST}", "nvcr.io/a:b", ("nvcr.io", 443)),
    ],
)
def test_references_have_one_full_form(text: str, full: str, address: tuple[str, int]) -> None:
    assert str(Reference.parse(text)) == full
    assert Reference.parse(full) == Reference.parse(text)
    assert Reference.parse(text).address == address


def test_a_mirror_is_asked_after_the_public_place(programs: Programs) -> None:
    setting = {"BAKEHOUSE_REGISTRY_MIRROR": "mirror.example:5000/hub/"}
    places = registries(programs, environ=setting).places("debian:trixie-slim")
    assert [str(place) for place in places] == [
        "docker.io/library/debian:trixie-slim",
        "mirror.example:5000/hub/library/debian:trixie-slim",
    ]
    assert places[1].address == ("mirror.example", 5000)
    assert len(registries(programs).places("debian:trixie-slim")) == 1


def test_the_client_tells_digest_and_platforms(programs: Programs) -> None:
    programs.add("docker", f"{programs.record('docker')}\ncat <<'END'\n{json.dumps(INDEX)}\nEND")
    manifest = registries(programs).look_up(Reference.parse("debian:trixie-slim"), digest=None)
    assert manifest.digest == DIGEST
    assert manifest.platforms is not None
    assert manifest.platforms >= {"linux/amd64", "linux/arm64", "linux/arm/v7"}
    assert "docker.io/library/debian:trixie-slim" in programs.calls("docker")


def test_a_pinned_digest_is_what_is_asked_for(programs: Programs) -> None:
    programs.add("docker", f'{programs.record("docker")}\necho \'{{"digest": "{DIGEST}"}}\'')
    manifest = registries(programs).look_up(Reference.parse("debian:trixie-slim"), digest=DIGEST)
    assert manifest == ResolvedReference(digest=DIGEST, platforms=None)
    assert f"docker.io/library/debian:trixie-slim@{DIGEST}" in programs.calls("docker")


def test_the_clients_complaint_is_one_line(programs: Programs) -> None:
    programs.add("docker", "echo noise >&2; echo 'ERROR: docker.io/library/none:x: not found' >&2; exit 1")
    with pytest.raises(SupplyError, match=r"^docker\.io/library/none:x: not found$"):
        registries(programs).look_up(Reference.parse("none:x"), digest=None)


@pytest.mark.parametrize("answer", ["", "[]", "{}", "null", '{"digest": "x", "manifests": [{"platform": {}}]}'])
def test_an_answer_that_cannot_be_read_is_said(programs: Programs, answer: str) -> None:
    programs.add("docker", f"echo '{answer}'")
    with pytest.raises(SupplyError, match="the client's answer cannot be read"):
        registries(programs).look_up(Reference.parse("debian"), digest=None)


def test_a_machine_without_docker_has_no_registry(programs: Programs, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("bakehouse.system.process.SYSTEM_FOLDERS", "")
    engine = Engine(kind="external", host=None, version="", buildx="", containerd_store=True, extra={"PATH": "/none"})
    with pytest.raises(SupplyError, match="the program docker is not installed"):
        EngineRegistries(engine=engine, environ={}, connect=listening).look_up(Reference.parse("debian"), digest=None)


@pytest.mark.parametrize(
    ("error", "message"),
    [
        (socket.gaierror(-2, "Name or service not known"), "its name does not resolve"),
        (TimeoutError("timed out"), "no connection within 5 s"),
        (ConnectionRefusedError(111, "Connection refused"), "Connection refused"),
    ],
)
def test_a_registry_out_of_reach_is_found_out_once(programs: Programs, error: OSError, message: str) -> None:
    asked: list[tuple[str, int]] = []

    def fail(host: str, port: int) -> None:
        asked.append((host, port))
        raise error

    programs.add("docker", programs.record("docker"))
    out_of_reach = registries(programs, connect=fail)
    for name in ("debian", "ubuntu", "nvidia/cuda:1"):
        with pytest.raises(SupplyError, match=f"registry-1.docker.io cannot be reached: {message}"):
            out_of_reach.look_up(Reference.parse(name), digest=None)
    assert asked == [("registry-1.docker.io", 443)]
    assert programs.calls("docker") == []


def test_behind_a_proxy_only_the_client_can_tell(programs: Programs) -> None:
    def fail(_host: str, _port: int) -> None:
        raise socket.gaierror

    programs.add("docker", f'echo \'{{"digest": "{DIGEST}"}}\'')
    proxied = registries(programs, connect=fail, environ={"HTTPS_PROXY": "http://proxy.example:3128"})
    assert proxied.look_up(Reference.parse("debian"), digest=None).digest == DIGEST


def test_an_image_in_the_engines_store_is_found_by_its_tag(programs: Programs) -> None:
    answer = json.dumps({"digests": [f"debian@{DIGEST}"], "id": "sha256:0", "platform": "linux/amd64"})
    programs.add("docker", f"{programs.record('docker')}\necho '{answer}'")
    held = registries(programs).held_by_engine(Reference.parse("debian:trixie-slim"))
    assert held == ResolvedReference(digest=DIGEST, platforms=frozenset({"linux/amd64"}))
    assert programs.calls("docker")[-1] == "docker.io/library/debian:trixie-slim"


@pytest.mark.parametrize("script", ["exit 1", "echo nonsense"])
def test_an_image_that_is_not_in_the_store(programs: Programs, script: str) -> None:
    programs.add("docker", script)
    assert registries(programs).held_by_engine(Reference.parse("debian")) is None
