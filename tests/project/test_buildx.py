"""buildx itself reads the bake files that we render. No engine is asked: `--print` only resolves."""

from __future__ import annotations

import json
import shlex
import shutil
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from bakehouse.model.lock import Lock
from bakehouse.planning.planner import published_supplies
from bakehouse.planning.render.bake_file import bake_file
from bakehouse.system import process
from tests.tools import TIME_LIMIT, tool
from tests.unit.accelerated import accelerated
from tests.unit.projects import ROOT

pytestmark = TIME_LIMIT


def printed(path: Path) -> dict[str, Any]:
    """What buildx makes of a bake file."""
    done = process.run([tool("docker-buildx"), "bake", "--file", str(path), "--print"], timeout=120)
    return dict(json.loads(done.stdout))


@pytest.mark.parametrize("case", ["published", "bootstrapped"])
def test_buildx_reads_every_target_as_we_wrote_it(case: str, tmp_path: Path) -> None:
    ours = json.loads((ROOT / f"tests/golden/plans/{case}/docker-bake.json").read_text())
    for target in ours["target"].values():
        target.pop("secret", None)  # their files must exist
    path = tmp_path / "docker-bake.json"
    path.write_text(json.dumps(ours))
    theirs = printed(path)
    wanted = ours["group"]["default"]["targets"]
    assert theirs["group"]["default"]["targets"] == wanted
    for name in wanted:
        for key in ("contexts", "args", "target", "tags", "platforms", "dockerfile"):
            assert theirs["target"][name][key] == ours["target"][name][key], (name, key)


def test_buildx_takes_the_build_cache_from_a_registry(tmp_path: Path) -> None:
    """A cell's own, and what the first cell of its recipe shares."""
    world, resolution = accelerated()
    supplies = replace(published_supplies(world, Lock()), cache="registry.example.org/me/cache")
    amd64 = tuple(cell for cell in resolution.cells if cell.at.platform == "linux/amd64")[:2]
    ours = bake_file(amd64, world, supplies)
    path = tmp_path / "docker-bake.json"
    path.write_text(json.dumps(ours))
    targets = printed(path)["target"]
    first, second = (targets[cell.target] for cell in amd64)
    place, shared = "registry.example.org/me/cache", "server-linux-amd64"
    for target, cell in ((first, amd64[0]), (second, amd64[1])):
        assert [one for one in (cell.target, shared) if f"{place}:{one}" in str(target["cache-from"])] == [
            cell.target,
            shared,
        ]
        assert all(f"{word}=true" in str(target["cache-to"]) for word in ("ignore-error", "image-manifest"))
    assert f"{place}:{shared}" in str(first["cache-to"])
    assert f"{place}:{shared}" not in str(second["cache-to"])
    plain = bake_file(amd64, world, published_supplies(world, Lock()))
    assert all("cache-to" not in target for target in plain["target"].values())


def documented() -> list[list[str]]:
    """The builders that docs/hosts.md makes: words behind `docker buildx`."""
    text = (ROOT / "docs/hosts.md").read_text(encoding="utf-8").replace("\\\n", " ")
    return [shlex.split(line)[2:] for line in text.splitlines() if line.startswith("docker buildx create")]


@pytest.fixture
def environ(tmp_path: Path) -> dict[str, str]:
    """Settings of its own, and a cluster at which nobody is."""
    cluster = {"server": "https://127.0.0.1:9"}
    kubeconfig = {
        "apiVersion": "v1",
        "kind": "Config",
        "clusters": [{"name": "c", "cluster": cluster}],
        "users": [{"name": "u", "user": {}}],
        "contexts": [{"name": "x", "context": {"cluster": "c", "user": "u"}}],
        "current-context": "x",
    }
    (tmp_path / "kubeconfig").write_text(json.dumps(kubeconfig))
    for name in ("ca.pem", "cert.pem", "key.pem"):
        (tmp_path / name).touch()
    home = {
        "HOME": str(tmp_path),
        "BUILDX_CONFIG": str(tmp_path / "buildx"),
        "KUBECONFIG": str(tmp_path / "kubeconfig"),
    }
    return {"PATH": "/usr/bin:/bin", **home}


@pytest.mark.parametrize("driver", ["remote", "kubernetes"])
def test_buildx_takes_the_builders_that_the_documents_make(
    driver: str, environ: dict[str, str], tmp_path: Path
) -> None:
    (words,) = [[word.replace("$PWD", str(tmp_path)) for word in one] for one in documented() if driver in one]
    shutil.copytree(ROOT / "buildkit", tmp_path / "buildkit")

    done = process.run([tool("docker-buildx"), *words], env=environ, cwd=tmp_path, check=False, timeout=120)

    assert done.code == 0, done.stderr
    name = words[words.index("--name") + 1]
    recorded = json.loads((tmp_path / "buildx/instances" / name).read_text())
    assert recorded["Driver"] == driver
    options = recorded["Nodes"][0]["DriverOpts"]
    given = words[words.index("--driver-opt") + 1].split(",")
    assert {option.partition("=")[0] for option in given} <= set(options)


def test_buildx_loads_what_a_builder_elsewhere_made(tmp_path: Path) -> None:
    """Cells come into the engine; bases, which have no output, stay with the builder."""
    path = ROOT / "tests/golden/plans/bootstrapped/docker-bake.json"
    ours = json.loads(path.read_text())
    for target in ours["target"].values():
        target.pop("secret", None)
    (tmp_path / "docker-bake.json").write_text(json.dumps(ours))
    cells = ours["group"]["default"]["targets"]
    words = [word for name in cells for word in ("--set", f"{name}.output=type=docker")]

    done = process.run(
        [tool("docker-buildx"), "bake", "--file", "docker-bake.json", *words, "--print"], cwd=tmp_path, timeout=120
    )

    targets = json.loads(done.stdout)["target"]
    assert {name for name, target in targets.items() if target.get("output")} == set(cells)
