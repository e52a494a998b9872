"""`probe` as it is typed, and `ci collect`, which brings home what it attached: a machine far away, and one here."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from bakehouse.__main__ import main
from bakehouse.errors import ExitCode
from bakehouse.model import annotations as names
from bakehouse.model.enums import Verdict
from bakehouse.model.probe_job import ProbeJob
from bakehouse.pipeline.probe_served import HOST
from bakehouse.publish import reading
from bakehouse.publish.signing import new_key
from bakehouse.registry.layout import LayoutFolder
from bakehouse.reporters import json_file
from tests.doubles.fake_server import Behaviour, fake_server
from tests.doubles.registry import FakeRegistry, serving
from tests.unit import projects
from tests.unit.commands.test_publish import TEMPLATES, record
from tests.unit.publish.conftest import KEY, World, signer

ASK = """
def test_it(subject, server):
    pass
"""


@pytest.fixture
def world(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[World]:
    """A project whose image was built, and waits in staging."""
    for name, value in {
        "BAKEHOUSE_SIGNING_KEY": KEY,
        "BAKEHOUSE_CACHE": str(tmp_path / "cache"),
        "DOCKER_CONFIG": str(tmp_path / "docker"),
        HOST: "node-7",
    }.items():
        monkeypatch.setenv(name, value)
    root = tmp_path / "project"
    root.mkdir()
    with serving(FakeRegistry()) as registry:
        policy = {
            "repository": f"{registry.host}/me/{{recipe}}",
            "channels": {"nightly": {"gates": {"speed": "reported"}}},
        }
        recipes = {"toy": projects.RECIPE | {"server": "http"}}
        projects.write_project(root, matrix=projects.matrix(publish=policy), recipes=recipes, templates=TEMPLATES)
        tests = root / "tests/images"
        tests.mkdir(parents=True)
        for shipped in (projects.ROOT / "tests/images").glob("test_*.py"):
            (tests / shipped.name).write_text(ASK if shipped.name == "test_health.py" else "")
        yield World(layout=LayoutFolder(tmp_path / "engine"), registry=registry, folder=root)


def typed(world: World, *words: str) -> int:
    return main(["--root", str(world.folder), *words])


def built(world: World) -> str:
    """`HOST/me/toy-staging@DIGEST` of an image that nobody has started yet."""
    record(world, tests=Verdict.SKIPPED)
    (digest,) = {*world.registry.tag_names["me/toy-staging"].values()}
    return f"{world.registry.host}/me/toy-staging@{digest}"


def test_what_a_machine_far_away_found_opens_the_gate_here(world: World, capsys: pytest.CaptureFixture[str]) -> None:
    image = built(world)
    assert typed(world, "publish") == ExitCode.CELL_FAILED
    assert "probes not run" in " ".join(capsys.readouterr().err.split())
    assert typed(world, "ci", "collect") == ExitCode.CELL_FAILED
    assert "there are no results yet for toy-cpu-amd64" in capsys.readouterr().err
    with fake_server(Behaviour()) as url:
        assert (
            typed(world, "probe", url, "--cell", "toy-cpu-amd64", "--image", image, "--device", "a card") == ExitCode.OK
        )
    (far,) = [path for path in (world.folder / "reports").glob("2*") if json_file.read(path).host.name == "node-7"]
    (far / json_file.file).rename(world.folder / "kept.json")
    capsys.readouterr()
    here = [str(path.parent) for path in (world.folder / "reports").glob("2*/run.json")]
    assert typed(world, "ci", "collect", *here) == ExitCode.OK
    assert f"wrote reports/{far.name}: toy-cpu-amd64 passed on node-7" in capsys.readouterr().err
    assert (far / json_file.file).read_text() == (world.folder / "kept.json").read_text()
    assert typed(world, "publish", *here, str(far)) == ExitCode.OK


def test_what_is_attached_is_read_by_others(world: World) -> None:
    image = built(world)
    with fake_server(Behaviour(health=500)) as url:
        assert typed(world, "probe", url, "--cell", "toy-cpu-amd64", "--image", image) == ExitCode.CELL_FAILED
    _, staging = world.stores()
    digest = image.rpartition("@")[2]
    bundles = [opened for _, opened in reading.bundles(staging, digest, signer().public)]
    assert {one.predicate_type for one in bundles} == {names.TEST_RESULT, names.RUN}
    assert all(one.valid and one.subjects == {digest} for one in bundles)
    (tests,) = (one.predicate for one in bundles if one.predicate_type == names.TEST_RESULT)
    assert (tests["result"], tests["failedTests"]) == ("FAILED", ["test_health.py::test_it"])


def test_reports_of_others_do_not_count(
    world: World, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    image = built(world)
    monkeypatch.setenv("BAKEHOUSE_SIGNING_KEY", new_key().decode())
    with fake_server(Behaviour()) as url:
        assert typed(world, "probe", url, "--cell", "toy-cpu-amd64", "--image", image) == ExitCode.OK
    monkeypatch.setenv("BAKEHOUSE_SIGNING_KEY", KEY)
    here = [str(path.parent) for path in (world.folder / "reports").glob("2*/run.json")]
    assert typed(world, "ci", "collect", here[0]) == ExitCode.CELL_FAILED
    assert "left out: the report of run" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("http://127.0.0.1:1", "--cell", "toy-cpu-amd46"), "Perhaps you meant 'toy-cpu-amd64'"),
        (("http://127.0.0.1:1",), "name the server's cell with --cell, or a file with --job"),
        (("--cell", "toy-cpu-amd64"), "no server is named"),
        (("http://127.0.0.1:1", "--cell", "toy-cpu-amd64", "--image", "127.0.0.1:1/x:tag"), "names no digest"),
        (("127.0.0.1:8080", "--cell", "toy-cpu-amd64"), "127.0.0.1:8080 is no server's address"),
        (("http://127.0.0.1:1/health", "--cell", "toy-cpu-amd64"), "http://HOST:PORT, without a path"),
        (("http://127.0.0.1:1", "--job", "nothing.json"), "nothing.json cannot be read"),
    ],
)
def test_what_cannot_be_asked_is_said_before(
    world: World, capsys: pytest.CaptureFixture[str], words: tuple[str, ...], said: str
) -> None:
    assert typed(world, "probe", *words) == ExitCode.BAD_INPUT
    assert said in " ".join(capsys.readouterr().err.split())


def test_a_job_needs_no_project(world: World, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Its file is all that it knows."""
    (tmp_path / "job.json").write_text(json.dumps({"cell": {}}))
    assert typed(world, "probe", "http://127.0.0.1:1", "--job", str(tmp_path / "job.json")) == ExitCode.BAD_INPUT
    assert "is no job: cell.name: Field required" in " ".join(capsys.readouterr().err.split())
    assert ProbeJob.model_fields.keys() >= {"cell", "subject", "image", "models"}
