"""What a pod of `ci kubernetes` runs, run here as it is written, with a registry that wants a password."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import pytest

from bakehouse.__main__ import main
from bakehouse.errors import ExitCode
from bakehouse.model import annotations as names
from bakehouse.reporters import json_file
from tests.doubles.fake_server import Behaviour, fake_server
from tests.registry.conftest import Real, RealWorld, Tool
from tests.registry.pod import Pod
from tests.unit import projects
from tests.unit.commands.test_publish import TEMPLATES, record
from tests.unit.publish.conftest import KEY, signer

CASE = {
    "name": "names-its-model",
    "http": {"path": "/v1/models"},
    "expect": {"values": {"data[0].meta.n_vocab": 1000}},
}
SENDS = {"name": "sends-a-file", "http": {"method": "POST", "path": "/completion", "file": "ask.json"}}
ASK = {"prompt": [1, 2], "n_predict": 2, "stream": False}


ASK_TEXT = json.dumps(ASK)


@pytest.fixture
def world(real_world: RealWorld, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> RealWorld:
    """A project whose image was built elsewhere and waits in staging."""
    world = real_world
    world.folder = tmp_path / "project"
    world.folder.mkdir()
    for name, value in {"BAKEHOUSE_SIGNING_KEY": KEY, "DOCKER_CONFIG": str(world.real.login)}.items():
        monkeypatch.setenv(name, value)
    monkeypatch.setenv("BAKEHOUSE_CACHE", str(tmp_path / "cache"))
    recipe = projects.RECIPE | {"server": "http", "probes": {"cases": [CASE, SENDS]}}
    policy = {
        "repository": f"{world.real.host}/{world.repository.partition('/')[0]}/{{recipe}}",
        "channels": {"nightly": {"gates": {"speed": "reported"}}},
    }
    matrix = projects.matrix(publish=policy, ci={"cluster": {"client": "ghcr.io/me/bakehouse:1"}})
    projects.write_project(world.folder, matrix=matrix, recipes={"toy": recipe}, templates=TEMPLATES)
    (world.folder / "recipes/toy/ask.json").write_text(ASK_TEXT)
    return world


def test_a_pod_tests_what_waits_in_staging_and_its_results_come_home(
    world: RealWorld, real: Real, tool: Callable[[str], Tool], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    built = world.folder / "reports" / record(world, tests="skipped")
    root = ["--root", str(world.folder)]
    assert main([*root, "publish"]) == ExitCode.CELL_FAILED, "nobody has started it"
    capsys.readouterr()
    assert main([*root, "ci", "kubernetes", str(built)]) == ExitCode.OK
    pod = Pod(capsys.readouterr().out, tmp_path / "pod", real)
    server = pod.container("server")
    name, _, digest = server["image"].partition("@")
    with fake_server(Behaviour(loading=2)) as url:
        done = pod.run("suite", url=url)
    assert done.code == ExitCode.OK, done.stdout + done.stderr

    found = json.loads(tool("oras")("discover", "--plain-http", "--format", "json", server["image"]).stdout)
    assert len(found.get("referrers") or found.get("manifests")) == 2
    (tmp_path / "key.pub").write_bytes(signer().public.pem)
    words = ("--key", str(tmp_path / "key.pub"), "--private-infrastructure", "--allow-http-registry")
    for kind in (names.TEST_RESULT, names.RUN):
        tool("cosign")("verify-attestation", *words, "--type", kind, f"{name}@{digest}")

    assert main([*root, "ci", "collect", str(built)]) == ExitCode.OK
    assert "passed on node-7" in capsys.readouterr().err
    (far,) = [path for path in (world.folder / "reports").glob("2*") if path != built and (path / "run.json").exists()]
    (cell,) = json_file.read(far).cells
    passed = {test.name.rpartition("::")[2] for test in cell.tests if test.verdict == "passed"}
    assert {"test_becomes_ready", "test_case[names-its-model]", "test_case[sends-a-file]"} <= passed
    assert main([*root, "publish", str(built), str(far)]) == ExitCode.OK
    assert real.client(f"{world.repository.partition('/')[0]}/toy").resolve("nightly-cpu")


def test_a_pod_whose_server_is_wrong_fails_its_job(
    world: RealWorld, real: Real, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    built = world.folder / "reports" / record(world, tests="skipped")
    capsys.readouterr()
    assert main(["--root", str(world.folder), "ci", "kubernetes", str(built)]) == ExitCode.OK
    pod = Pod(capsys.readouterr().out, tmp_path / "pod", real)
    with fake_server(Behaviour(vocabulary=7)) as url:
        done = pod.run("suite", url=url)
    assert done.code == ExitCode.CELL_FAILED, done.stdout + done.stderr
    (rule,) = pod.job["spec"]["podFailurePolicy"]["rules"]
    assert done.code in rule["onExitCodes"]["values"], "Kubernetes does not try it again"
