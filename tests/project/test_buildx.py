"""buildx itself reads the bake files that we render. No engine is asked: `--print` only resolves."""

from __future__ import annotations

import json
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
