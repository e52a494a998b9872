"""Golden plans: `tests/golden/plans/CASE/` holds a project and what is rendered from it.

`pytest tests/project/test_plan.py --regenerate` writes the expected files; review them as a diff.
"""

from __future__ import annotations

import json
import shutil
from dataclasses import replace
from functools import cache
from pathlib import Path

import pytest

from bakehouse.config.load import load_project
from bakehouse.model.bake_names import base_target
from bakehouse.model.lock import Lock
from bakehouse.model.plan import Plan, Secret, Supplies, Supply
from bakehouse.planning.planner import make_plan, published_supplies
from bakehouse.planning.render.bake_file import dockerfile_name
from bakehouse.planning.resolve import resolve
from tests.unit.projects import ROOT

GOLDEN = ROOT / "tests/golden/plans"


def bootstrapped() -> Supplies:
    """What a machine on a closed network would use for everything in the project's own matrix."""
    matrix = load_project(ROOT).world.matrix
    return Supplies(
        bases={
            name: Supply(context=f"target:{base_target(name)}", rootfs=f"/cache/bases/{name}") for name in matrix.bases
        },
        sources={name: Supply(context=f"/cache/sources/{name}") for name in matrix.sources},
        secrets=(Secret(id="network", path="/cache/network.env"), Secret(id="ca-bundle", path="/etc/ssl/certs/ca.crt")),
        recipe_root="/project/recipes",
        bake_root="/project/reports/run/bake",
    )


def plan_of(root: Path, supplies: Supplies | None = None) -> Plan:
    world = load_project(root).world
    found = resolve(world)
    chosen = supplies or published_supplies(world, Lock())
    return make_plan(root=root, world=world, cells=found.cells, excluded=found.excluded, supplies=chosen)


@cache
def own_plan(case: str) -> Plan:
    """Of the project's own matrix, rendered once for all tests."""
    return plan_of(ROOT, None if case == "published" else bootstrapped())


@pytest.mark.parametrize("case", ["published", "bootstrapped"])
def test_the_projects_own_plan(case: str, request: pytest.FixtureRequest) -> None:
    """The Dockerfiles stand in one of the folders: the next test says that they are the same in the other."""
    made = own_plan(case)
    files = {"docker-bake.json": json.dumps(made.bake, indent=2) + "\n"}
    files |= made.dockerfiles if case == "published" else {}
    folder = GOLDEN / case
    if request.config.getoption("--regenerate"):
        shutil.rmtree(folder, ignore_errors=True)
        folder.mkdir(parents=True)
        for name, text in files.items():
            (folder / name).write_text(text)
    assert {path.name: path.read_text() for path in folder.iterdir()} == files


def test_the_dockerfile_is_the_same_whichever_place_served() -> None:
    assert own_plan("published").dockerfiles == own_plan("bootstrapped").dockerfiles


@pytest.mark.parametrize("platform", ["linux/amd64", "linux/arm64"])
def test_the_cells_of_a_recipe_share_the_text_of_their_stages(platform: str) -> None:
    made = own_plan("published")
    cells = [cell for cell in made.cells if cell.at.platform == platform]
    for recipe_name in {cell.at.recipe for cell in cells}:
        texts = [made.dockerfiles[dockerfile_name(cell)] for cell in cells if cell.at.recipe == recipe_name]
        for stage in ("toolchain", "host", "cpu-plugins", "healthcheck"):
            assert len({_stage(text, stage) for text in texts if f" AS {stage}" in text}) <= 1, (recipe_name, stage)
    llama = [made.dockerfiles[dockerfile_name(cell)] for cell in cells if cell.at.recipe == "llama-server"]
    assert len({_stage(text, "host") for text in llama}) == 1


def _stage(dockerfile: str, name: str) -> str:
    stages = dockerfile.split("\nFROM ")
    return next(part for part in stages if part.splitlines()[0].endswith(f" AS {name}")).split("\n# ----")[0]


def test_the_fingerprint_ignores_folders_and_notices_content() -> None:
    elsewhere = replace(bootstrapped(), bake_root="/elsewhere", recipe_root="/other")
    assert own_plan("bootstrapped").fingerprint == plan_of(ROOT, elsewhere).fingerprint
    other = replace(bootstrapped(), sources={"llama-cpp": Supply(context="/patched")})
    assert own_plan("bootstrapped").fingerprint != plan_of(ROOT, other).fingerprint


def test_what_buildx_would_take_for_a_template_is_escaped() -> None:
    odd = replace(bootstrapped(), sources={"llama-cpp": Supply(context="/home/${USER}/%{if}/$x")})
    target = plan_of(ROOT, odd).bake["target"]["llama-server-cpu-amd64"]
    assert target["contexts"]["llama-cpp"] == "/home/$${USER}/%%{if}/$x"
