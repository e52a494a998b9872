"""`publish` and `verify` as they are typed, with a registry in memory."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from bakehouse.__main__ import main
from bakehouse.errors import ExitCode, InputError
from bakehouse.model.enums import Verdict
from bakehouse.publish import channel
from bakehouse.publish.candidates import Candidate
from bakehouse.publish.reading import read_history
from bakehouse.publish.sources import Images
from bakehouse.registry.content import blob_of
from bakehouse.registry.copying import copy
from bakehouse.registry.layout import LayoutFolder
from bakehouse.registry.store import opener
from bakehouse.reporters import json_file
from bakehouse.reporters.latest import update_latest
from tests.doubles.registry import FakeRegistry, serving
from tests.unit import projects
from tests.unit.publish.conftest import KEY, World

TEMPLATES = {"server.Dockerfile.j2": "FROM debian AS image\n"}


@pytest.fixture
def world(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[World]:
    monkeypatch.setenv("BAKEHOUSE_SIGNING_KEY", KEY)
    monkeypatch.setenv("BAKEHOUSE_OFFLINE", "1")
    monkeypatch.setenv("BAKEHOUSE_CACHE", str(tmp_path / "cache"))
    monkeypatch.setenv("DOCKER_CONFIG", str(tmp_path / "docker"))
    with serving(FakeRegistry()) as registry:
        root = tmp_path / "project"
        root.mkdir()
        policy = {
            "repository": f"{registry.host}/me/{{recipe}}",
            "channels": {"nightly": {"plain": "cpu"}, "stable": {}},
        }
        projects.write_project(
            root, matrix=projects.matrix(publish=policy), recipes={"toy": projects.RECIPE}, templates=TEMPLATES
        )
        day = datetime.now(UTC) - timedelta(hours=1)
        yield World(layout=LayoutFolder(tmp_path / "engine"), registry=registry, folder=root, day=day)


Type = Callable[..., int]


@pytest.fixture
def typed(world: World) -> Type:
    return lambda *words: main(["--root", str(world.folder), *words])


def record(world: World, **how: object) -> str:
    """A run whose image waits in staging already. Its name."""
    cell = world.cell(**how)  # type: ignore[arg-type]
    run = world.run(cell)
    folder = world.folder / "reports" / run.run
    folder.mkdir(parents=True)
    (folder / json_file.file).write_text(json_file.render(run, folder=folder))
    update_latest(world.folder / "reports", run.run)
    assert cell.image
    copy(cell.image.digest, source=world.layout, target=world.stores()[1], tag="waits")
    return run.run


def test_the_plan_that_is_printed_is_the_one_that_is_executed(
    world: World, typed: Type, capsys: pytest.CaptureFixture[str]
) -> None:
    run = record(world)
    world.registry.log.clear()
    assert typed("publish", "--dry-run") == ExitCode.OK
    printed = capsys.readouterr().out.splitlines()
    assert world.registry.writes == []
    assert typed("publish") == ExitCode.OK
    report = json.loads((world.folder / "reports" / run / "publish.json").read_text())
    (variant,) = report["variants"]
    assert [line.split()[0] for line in variant["steps"]] == [line.split()[0] for line in printed]
    assert variant["steps"][:-1] == printed[:-1], "the last holds the moment"
    assert variant["outcome"] == "moves"
    assert {gate["gate"]: gate["state"] for gate in variant["gates"]}["vulnerabilities"] == "not run"
    assert KEY.splitlines()[1] not in json.dumps(report)


def test_verify_says_what_it_is(world: World, typed: Type, capsys: pytest.CaptureFixture[str]) -> None:
    record(world)
    assert typed("publish") == ExitCode.OK
    capsys.readouterr()
    assert typed("verify", f"{world.registry.host}/me/toy:nightly") == ExitCode.OK
    said = capsys.readouterr().out
    assert "it is what it says it is" in said
    assert "b11312" in said


def test_verify_fails_on_what_is_missing(world: World, typed: Type, capsys: pytest.CaptureFixture[str]) -> None:
    record(world)
    assert typed("verify", f"{world.registry.host}/me/toy-staging:waits") == ExitCode.CELL_FAILED
    said = capsys.readouterr().out
    assert "missing  it is not signed" in said
    assert "no test results are attached" in said


def test_a_gate_that_failed_is_told(world: World, typed: Type, capsys: pytest.CaptureFixture[str]) -> None:
    record(world, tests=Verdict.FAILED)
    assert typed("publish") == ExitCode.CELL_FAILED
    assert "toy-cpu-amd64: probes failed" in capsys.readouterr().err
    assert world.tag("nightly") is None


def test_list_fails_where_a_channel_is_stale(world: World, typed: Type, capsys: pytest.CaptureFixture[str]) -> None:
    """pytorch#88833, text-generation-webui-docker#67: nobody had looked at the nightly for weeks."""
    record(world)
    assert typed("publish") == ExitCode.OK
    assert typed("publish", "--list", "--json") == ExitCode.OK
    (listed,) = json.loads(capsys.readouterr().out)
    (nightly,) = listed["channels"]
    assert (nightly["tag"], nightly["stale"]) == ("nightly-cpu", False)
    _age(world, days=30)
    assert typed("publish", "--list") == ExitCode.CELL_FAILED
    printed = capsys.readouterr()
    assert "toy nightly-cpu is stale" in printed.err
    assert "nightly-cpu" in printed.out, "what was asked for can be piped"


def _age(world: World, *, days: int) -> None:
    """As if the channel had been moved so long ago."""
    target, _ = world.stores()
    history = read_history(target, "nightly", "cpu")
    entries = tuple(one.model_copy(update={"time": one.time - timedelta(days=days)}) for one in history.entries)
    manifest, content = channel.write(history.model_copy(update={"entries": entries}))
    target.put_blob(blob_of(content, "x/y"), opener(content))
    target.put_manifest(manifest, tag=channel.history_tag("nightly", "cpu"))


def test_rollback_and_forward_again(world: World, typed: Type) -> None:
    record(world, seed="1")
    assert typed("publish") == ExitCode.OK
    first = world.tag("nightly")
    world.day += timedelta(minutes=10)
    record(world, seed="2", version="b11313")
    assert typed("publish") == ExitCode.OK
    second = world.tag("nightly")
    assert first != second
    assert typed("publish", "--rollback", "nightly", "--dry-run") == ExitCode.OK
    assert world.tag("nightly") == second
    assert typed("publish", "--rollback", "nightly") == ExitCode.OK
    assert world.tag("nightly") == world.tag("nightly-cpu") == first
    assert typed("publish", "--rollback", "nightly") == ExitCode.OK
    assert world.tag("nightly") == first
    assert typed("publish") == ExitCode.CELL_FAILED, "what was left does not come back by itself"
    assert typed("publish", "--rollback", "nightly", "--to", str(second)) == ExitCode.OK
    assert world.tag("nightly") == second


def test_what_the_channel_does_not_take(world: World, typed: Type, capsys: pytest.CaptureFixture[str]) -> None:
    record(world)
    matrix = (world.folder / "matrix.yaml").read_text()
    (world.folder / "matrix.yaml").write_text(matrix.replace("stable: {}", "stable: {cells: ['*-cuda*']}"))
    assert typed("publish", "--channel", "stable") == ExitCode.BAD_INPUT
    assert "no run holds an image to publish that stable takes" in capsys.readouterr().err


def test_an_image_that_is_nowhere(
    world: World, typed: Type, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """It was built on another machine, which brought it to no staging."""
    run = record(world)
    world.registry.tag_names.clear()
    world.registry.manifests.clear()

    def refuse(self: Images, candidate: Candidate, tar: Path) -> None:
        raise InputError(f"{candidate.cell}: it is neither in staging nor in this machine's engine")

    monkeypatch.setattr(Images, "_save", refuse)
    assert typed("publish") == ExitCode.CELL_FAILED
    assert "neither in staging nor in this machine's engine" in capsys.readouterr().err
    report = json.loads((world.folder / "reports" / run / "publish.json").read_text())
    assert [one["outcome"] for one in report["variants"]] == ["failed"]


def test_the_report_is_written_when_the_registry_fails(world: World, typed: Type) -> None:
    run = record(world)
    world.registry.fail("PUT .*me/toy/manifests/b11312", status=403, code="DENIED")
    assert typed("publish") == ExitCode.INFRASTRUCTURE
    report = json.loads((world.folder / "reports" / run / "publish.json").read_text())
    assert [one["outcome"] for one in report["variants"]] == ["failed"]
    assert typed("publish") == ExitCode.OK


def test_an_oci_archive(world: World, typed: Type, tmp_path: Path) -> None:
    record(world)
    layout = tmp_path / "layout"
    copy(world.stores()[1].resolve("waits") or "", source=world.stores()[1], target=LayoutFolder(layout))
    assert typed("publish", "--to", f"oci:{layout}") == ExitCode.OK
    assert typed("verify", f"oci:{layout}:nightly") == ExitCode.OK


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["publish", "--channel", "nightli"], "there is no channel nightli"),
        (["publish", "--to", "sha256:" + "0" * 64], "--to DIGEST goes with --rollback"),
        (["publish", "--to", "a/b", "--to", "c/d"], "--to names more than one place"),
        (["publish", "--prune", "x"], "reports of runs are for publishing"),
        (["publish", "--json"], "--json goes with --list"),
        (["publish", "--rollback", "nightly"], "no variant has a channel nightly"),
        (["publish", "--to", "ghcr.io/me/{recipe}:x"], "has a tag or a digest"),
        (["publish", "--only", "nothing-*"], "no run holds an image to publish that --only selects"),
        (["publish", "reports/none"], "holds no run.json"),
        (["verify", "ghcr.io/me/toy"], "names no image"),
        (["verify", "nonsense:a:b"], "names no place for images"),
        (["publish", "--channel", "nightli"], "there is no channel nightli\n  Perhaps you meant 'nightly'."),
        (["publish", "--rollback", "nightly", "--to", "sha256:0000"], "--to sha256:0000 is no digest"),
    ],
)
def test_what_cannot_be_meant_is_told(
    world: World, typed: Type, words: list[str], said: str, capsys: pytest.CaptureFixture[str]
) -> None:
    record(world)
    assert typed(*words) == ExitCode.BAD_INPUT
    assert said in capsys.readouterr().err


def test_a_run_whose_cells_are_all_bad_is_no_mistake_of_who_types(
    world: World, typed: Type, capsys: pytest.CaptureFixture[str]
) -> None:
    run = record(world)
    path = world.folder / "reports" / run / json_file.file
    content = json.loads(path.read_text())
    (cell,) = content["cells"]
    cell |= {"image": None, "build": None, "verdict": "failed", "reason": "the build ended with exit code 7"}
    path.write_text(json.dumps(content))
    assert typed("publish") == ExitCode.CELL_FAILED
    assert f"no image to publish: {cell['name']} did not pass" in capsys.readouterr().err


def of_stack(world: World, name: str) -> None:
    """A later run, of a stack."""
    run = world.run(world.cell())
    tried = [cell.model_copy(update={"name": "stack-demo", "recipe": "stack", "image": None}) for cell in run.cells]
    folder = world.folder / "reports" / name
    folder.mkdir(parents=True)
    stack = run.model_copy(update={"run": name, "cells": tried})
    (folder / json_file.file).write_text(json_file.render(stack, folder=folder))
    update_latest(world.folder / "reports", name)


def test_a_run_of_a_stack_is_passed_over(world: World, typed: Type, capsys: pytest.CaptureFixture[str]) -> None:
    run = record(world)
    of_stack(world, "29991231-000000-stack0")

    assert typed("publish") == ExitCode.OK
    assert f"The latest run tried a stack; the newest of images is {run}" in capsys.readouterr().err
    assert (world.folder / "reports" / run / "publish.json").is_file()


def test_runs_of_stacks_alone_hold_nothing_to_publish(
    world: World, typed: Type, capsys: pytest.CaptureFixture[str]
) -> None:
    of_stack(world, "29991231-000000-stack0")

    assert typed("publish") == ExitCode.BAD_INPUT
    assert "no run here is of images" in capsys.readouterr().err
