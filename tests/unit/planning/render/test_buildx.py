"""buildx itself reads the bake files that we render. No engine is asked: `--print` only resolves."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from bakehouse.system import process
from tests.unit.projects import ROOT


@pytest.mark.parametrize("case", ["published", "bootstrapped"])
def test_buildx_reads_every_target_as_we_wrote_it(case: str, tmp_path: Path) -> None:
    if process.find("docker") is None or process.run(["docker", "buildx", "version"], check=False).code:
        pytest.skip("no docker with buildx on the PATH")
    ours = json.loads((ROOT / f"tests/golden/plans/{case}/docker-bake.json").read_text())
    for target in ours["target"].values():
        target.pop("secret", None)  # their files must exist
    path = tmp_path / "docker-bake.json"
    path.write_text(json.dumps(ours))
    theirs = json.loads(process.run(["docker", "buildx", "bake", "--file", str(path), "--print"]).stdout)
    wanted = ours["group"]["default"]["targets"]
    assert theirs["group"]["default"]["targets"] == wanted
    for name in wanted:
        for key in ("contexts", "args", "target", "tags", "platforms", "dockerfile"):
            assert theirs["target"][name][key] == ours["target"][name][key], (name, key)
