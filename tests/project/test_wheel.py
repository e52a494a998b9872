"""The wheel holds what projects elsewhere need: it is built, unpacked, and begins one in an empty folder."""

from __future__ import annotations

import json
import os
import sys
import zipfile
from pathlib import Path

import pytest
from hatchling.builders.wheel import WheelBuilder

from bakehouse.system import process

ROOT = Path(__file__).parents[2]


@pytest.fixture(scope="module")
def installed(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder that an installation of the wheel has in site-packages."""
    folder = tmp_path_factory.mktemp("wheel")
    (wheel,) = WheelBuilder(str(ROOT)).build(directory=str(folder), versions=["standard"])
    zipfile.ZipFile(wheel).extractall(folder / "site-packages")
    return folder / "site-packages"


def bakehouse(installed: Path, root: Path, *words: str) -> str:
    """Run the wheel's own modules, and none of this repository."""
    place = "import bakehouse, sys; assert bakehouse.__file__.startswith(sys.argv.pop(1)), bakehouse.__file__; "
    run = "from bakehouse.__main__ import run; run()"
    program = [sys.executable, "-c", place + run, str(installed), *words]
    done = process.run(program, cwd=root, env={**os.environ, "PYTHONPATH": str(installed)}, timeout=120)
    return done.stdout


def _files(root: Path, folder: str) -> set[str]:
    found = (path for path in (root / folder).rglob("*") if path.is_file() and "__pycache__" not in path.parts)
    return {path.relative_to(root).as_posix() for path in found}


def test_begins_a_project_in_an_empty_folder(installed: Path, tmp_path: Path) -> None:
    bakehouse(installed, tmp_path, "init")
    assert not (tmp_path / "dockerfiles").exists(), "the template is the shipped one"
    plan = json.loads(bakehouse(installed, tmp_path, "plan", "--json"))
    assert any(name.startswith("llama-server-cpu-") for name in plan["dockerfiles"])


def test_holds_every_file_that_a_project_may_use(installed: Path) -> None:
    shipped = installed / "bakehouse/shipped"
    for folder in ("recipes", "dockerfiles", "options", "stacks", "tests/images"):
        ours = {
            path.relative_to(ROOT).as_posix()
            for path in (ROOT / folder).rglob("*")
            if path.is_file() and "__pycache__" not in path.parts
        }
        assert {
            path.relative_to(shipped).as_posix() for path in (shipped / folder).rglob("*") if path.is_file()
        } == ours
    assert (shipped / "matrix.yaml").read_bytes() == (ROOT / "matrix.yaml").read_bytes()
    assert (shipped / "buildkit/daemon.json").is_file()
