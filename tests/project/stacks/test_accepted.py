"""What we render of every stack that ships, and of the samples, is accepted by the programs that read it."""

from __future__ import annotations

import json
import os
import re
import stat
import sys
from collections.abc import Mapping
from functools import cache
from pathlib import Path
from typing import Any

import pytest
import yaml
from cloudcoil.models.prometheus_operator import v1 as operator
from rich.console import Console

from bakehouse.__main__ import main
from bakehouse.config.layout import STACKS, ProjectLayout
from bakehouse.config.load import load_project
from bakehouse.errors import ExitCode
from bakehouse.pipeline import stack_plan
from bakehouse.pipeline.context import Context
from bakehouse.pipeline.stack_plan import Wanted, make_stack_plan
from bakehouse.stacks.elsewhere import for_other_vendors
from bakehouse.stacks.files import Rendered, render
from bakehouse.stacks.load import names
from bakehouse.stacks.plan import StackPlan
from bakehouse.stacks.resolve import resolve_stack
from bakehouse.system import process
from tests.tools import TIME_LIMIT, tool
from tests.unit.stacks import sample, test_golden

pytestmark = TIME_LIMIT
ROOT = Path(__file__).parents[3]
SHIPPED = names(ProjectLayout(root=ROOT), STACKS)
SAMPLES = {"full": (test_golden.FULL, sample.MIXED), "plain": (test_golden.PLAIN_STACK, sample.PLAIN)}
ALL = [*SHIPPED, *SAMPLES]
BIN = str(Path(sys.executable).parent)
STAND_IN = '#!/bin/sh\ncase "$1" in --version) echo "podman version 5.4.2";; ps) echo "[]";; esac\n'
"""Enough of podman for podman-compose, which only prints what it would call."""


@cache
def made(name: str) -> tuple[StackPlan, Rendered]:
    if name in SAMPLES:
        given = sample.inputs(*SAMPLES[name], name=name)
        plan = resolve_stack(given)
        return plan, render(plan, for_other_vendors(plan, given))
    context = Context(root=ROOT, cache=Path("/nonexistent"), environ={}, console=Console(quiet=True))
    of_file = make_stack_plan(context, Wanted(name=name, untested=True))
    return of_file.plan, render(of_file.plan, of_file.others)


def planned(name: str) -> StackPlan:
    return made(name)[0]


def written(name: str, folder: Path) -> Path:
    for path, text in made(name)[1].files.items():
        (folder / path).parent.mkdir(parents=True, exist_ok=True)
        (folder / path).write_text(text, encoding="utf-8")
    return folder


def environment(**more: str) -> dict[str, str]:
    return {"PATH": f"{BIN}:{os.environ['PATH']}", "HOME": "/nonexistent", "LC_ALL": "C.UTF-8", **more}


def run(*words: str | Path, cwd: Path, **more: str) -> str:
    """Standard output. Fails with what the program said."""
    done = process.run([str(word) for word in words], env=environment(**more), cwd=cwd, check=False, timeout=120)
    assert done.code == 0, f"{words[0]}: {done.stdout[-2000:]}\n{done.stderr[-2000:]}"
    return done.stdout


def test_there_are_stacks() -> None:
    assert SHIPPED


@pytest.mark.parametrize("name", ALL)
def test_compose_schema(name: str, tmp_path: Path) -> None:
    run("check-jsonschema", "--builtin-schema", "vendor.compose-spec", "compose.yaml", cwd=written(name, tmp_path))


@pytest.mark.parametrize("name", ALL)
def test_docker_compose_reads_it(name: str, tmp_path: Path) -> None:
    compose = tool("docker-compose")
    folder = written(name, tmp_path)

    for profile in ("", "*"):
        text = run(
            compose, "-f", "compose.yaml", *(["--profile", profile] if profile else []), "config", "--format", "json",
            cwd=folder,
        )  # fmt: skip

    services = json.loads(text)["services"]
    assert set(services) == {service.name for service in planned(name).services}
    for service in planned(name).services:
        merged = services[service.name]
        assert tuple(word.replace("$$", "$") for word in merged["command"] or ()) == service.args
        assert merged["read_only"] is True
        assert merged["cap_drop"] == ["ALL"]
        assert merged["security_opt"] == ["no-new-privileges:true"]


@pytest.mark.parametrize("name", ALL)
def test_podman_compose_hands_over_cards_and_limits(name: str, tmp_path: Path) -> None:
    folder = written(name, tmp_path)
    podman = tmp_path / "bin" / "podman"
    podman.parent.mkdir()
    podman.write_text(STAND_IN, encoding="utf-8")
    podman.chmod(podman.stat().st_mode | stat.S_IXUSR)
    text = (folder / "compose.yaml").read_text(encoding="utf-8").replace('source: "/', 'source: "./root/')
    (folder / "compose.yaml").write_text(text, encoding="utf-8")
    for path in sources(name):
        (folder / path).parent.mkdir(parents=True, exist_ok=True)
        (folder / path).touch()

    profiles = [word for profile in planned(name).profiles for word in ("--profile", profile)]
    done = process.run(
        ["podman-compose", *profiles, "--verbose", "--dry-run", "up", "-d"],
        env=environment(PATH=f"{podman.parent}:{BIN}:{os.environ['PATH']}"),
        cwd=folder,
        check=False,
        timeout=120,
    )

    said = done.stdout + done.stderr
    assert done.code == 0, said[-2000:]
    for service in planned(name).services:
        (created,) = [line for line in said.splitlines() if f"--name={planned(name).name}_{service.name}_1 " in line]
        assert "--cap-drop ALL" in created
        assert "--read-only" in created
        for slot in service.slots:
            expected = slot.render or f"nvidia.com/gpu={slot.id}"
            assert expected in created, created


@pytest.mark.parametrize("name", ALL)
def test_quadlet_makes_units_of_it(name: str, tmp_path: Path) -> None:
    quadlet = tool("quadlet")
    folder = written(name, tmp_path) / "quadlet"

    said = run(quadlet, "-dryrun", "-no-kmsg-log", cwd=folder, QUADLET_UNIT_DIRS=str(folder))

    units = dict(re.findall(r"^---([\w-]+\.service)---$(.*?)(?=^---|\Z)", said, re.MULTILINE | re.DOTALL))
    plan = planned(name)
    for service in plan.services:
        (line,) = re.findall(r"^ExecStart=(.*)$", units[f"{plan.name}-{service.name}.service"], re.MULTILINE)
        for option in ("--read-only", "--cap-drop=all", "--security-opt=no-new-privileges", "--sdnotify=healthy"):
            assert option in line.replace("--cap-drop all", "--cap-drop=all"), line
        for slot in service.slots:
            assert (slot.render or f"nvidia.com/gpu={slot.id}") in line
    verify(units, tmp_path / "units")


def verify(units: Mapping[str, str], folder: Path) -> None:
    """As systemd reads them. What it says of programs and units that are not on this machine does not count."""
    analyze = process.find("systemd-analyze")
    if analyze is None:
        return
    folder.mkdir()
    for unit, text in units.items():
        (folder / unit).write_text(text, encoding="utf-8")
    done = process.run(
        [str(analyze), "verify", *(str(folder / unit) for unit in units if "network" not in unit)],
        env=environment(SYSTEMD_UNIT_PATH=f"{folder}:"),
        check=False,
        timeout=120,
    )
    wrong = [line for line in done.stderr.splitlines() if "podman" not in line and str(folder) in line]
    assert not wrong, done.stderr


@pytest.mark.parametrize("name", ALL)
def test_prometheus_reads_it(name: str, tmp_path: Path) -> None:
    promtool = tool("promtool")
    folder = written(name, tmp_path) / "prometheus"

    run(promtool, "check", "config", "--lint=all", "--lint-fatal", "prometheus.yml", cwd=folder)
    run(promtool, "check", "rules", "--lint=all", "--lint-fatal", "rules.yml", cwd=folder)
    run(promtool, "test", "rules", "rules_test.yml", cwd=folder)


@pytest.mark.parametrize("name", ALL)
def test_the_dashboard_asks_what_prometheus_understands(name: str, tmp_path: Path) -> None:
    promtool = tool("promtool")
    board = json.loads((written(name, tmp_path) / "grafana/dashboard.json").read_text(encoding="utf-8"))

    numbers = [panel["id"] for panel in board["panels"]]
    assert len(set(numbers)) == len(numbers)
    expressions = [target["expr"] for panel in board["panels"] for target in panel["targets"]]
    rules = [{"record": f"x:y:z{number}", "expr": expression} for number, expression in enumerate(expressions)]
    (tmp_path / "asked.yml").write_text(yaml.safe_dump({"groups": [{"name": "asked", "rules": rules}]}))
    run(promtool, "check", "rules", "asked.yml", cwd=tmp_path)


def kustomizations(name: str) -> list[str]:
    """Folders that are built: the base and the overlays."""
    return sorted(
        path.rpartition("/")[0]
        for path in made(name)[1].files
        if path.endswith("/kustomization.yaml") and ("/base/" in path or "/overlays/" in path)
    )


@pytest.mark.parametrize(("name", "folder"), [(name, folder) for name in ALL for folder in kustomizations(name)])
def test_kubernetes_takes_it(name: str, folder: str, tmp_path: Path) -> None:
    text = built(written(name, tmp_path), folder)
    valid(text, tmp_path)
    documents = list(yaml.safe_load_all(text))
    kinds = [document["kind"] for document in documents]
    always = [service for service in planned(name).services if not service.profile]
    assert kinds.count("Deployment") == kinds.count("Service") == len(always)
    for document in documents:
        if document["kind"] == "Deployment":
            (container,) = document["spec"]["template"]["spec"]["containers"]
            assert container["securityContext"]["readOnlyRootFilesystem"] is True
            assert container["securityContext"]["capabilities"] == {"drop": ["ALL"]}


@pytest.mark.parametrize("name", [name for name in ALL if made(name)[0].profiles])
def test_kubernetes_takes_profiles_and_monitoring(name: str, tmp_path: Path) -> None:
    folder = written(name, tmp_path)
    parts = [f"../k8s/profiles/{profile}" for profile in planned(name).profiles]
    (folder / "all").mkdir()
    document: dict[str, Any] = {"apiVersion": "kustomize.config.k8s.io/v1beta1", "kind": "Kustomization"}
    document |= {"resources": ["../k8s/base"], "components": parts}
    (folder / "all/kustomization.yaml").write_text(yaml.safe_dump(document), encoding="utf-8")

    text = built(folder, "all")

    valid(text, tmp_path)
    deployed = [one for one in yaml.safe_load_all(text) if one["kind"] == "Deployment"]
    assert len(deployed) == len(planned(name).services)


def built(folder: Path, part: str) -> str:
    """What kustomize makes of it."""
    kubectl = process.find("kubectl")
    words: list[str | Path] = [kubectl, "kustomize"] if kubectl else [tool("kustomize"), "build"]
    return run(*words, folder / part, cwd=folder)


def valid(text: str, folder: Path) -> None:
    """By Kubernetes' own schemas, strictly. A kind without a schema is only warned of, and counts as wrong here."""
    (folder / "built.yaml").write_text(text, encoding="utf-8")
    done = process.run(
        ["kubernetes-validate", "-k", "1.34.0", "--strict", "built.yaml"],
        env=environment(),
        cwd=folder,
        check=False,
        timeout=120,
    )
    said = done.stdout + done.stderr
    assert done.code == 0, said
    assert "Couldn't find schema" not in said, said


@pytest.mark.parametrize("name", ALL)
def test_the_operators_objects_have_no_unknown_key(name: str, tmp_path: Path) -> None:
    folder = written(name, tmp_path) / "k8s/monitoring"
    for file, kind in (("servicemonitor.yaml", operator.ServiceMonitor), ("rules.yaml", operator.PrometheusRule)):
        document = yaml.safe_load((folder / file).read_text(encoding="utf-8"))
        read = kind.model_validate(document).model_dump(by_alias=True, exclude_unset=True, mode="json")
        assert read == document


def sources(name: str) -> list[str]:
    """Paths that are mounted, below the folder: podman-compose wants to see them."""
    mounts = [mount for service in planned(name).services for mount in service.mounts if mount.kind != "volume"]
    return [f"root{mount.source}" if mount.source.startswith("/") else mount.source for mount in mounts]


def test_the_shipped_stacks_name_recipes_that_exist() -> None:
    recipes: Mapping[str, Any] = load_project(ROOT).world.recipes
    assert {service.recipe for name in SHIPPED for service in planned(name).services} <= set(recipes)
    assert stack_plan.passed_digests(Path("/nonexistent")) == {}


def test_a_check_starts_nothing_and_an_unknown_stack_is_named(
    capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    assert main(["--root", str(ROOT), "stack", "demo", "--check", "--untested"]) == ExitCode.OK
    assert "llama-server-cpu-amd64" in capsys.readouterr().out
    assert main(["--root", str(ROOT), "stack", "deno", "--check"]) == ExitCode.BAD_INPUT
    assert "Perhaps you meant 'demo'." in capsys.readouterr().err
    words = ["--root", str(ROOT), "stack", "demo", "--untested", "--render", str(tmp_path / "out")]
    assert main(words) == ExitCode.OK
    assert (tmp_path / "out/compose.yaml").is_file()
