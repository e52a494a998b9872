from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from bakehouse.config.load import load_project
from bakehouse.model.lock import Lock
from bakehouse.model.plan import Plan
from bakehouse.pipeline.fingerprint import run_fingerprint
from bakehouse.pipeline.job import Options
from bakehouse.planning.planner import make_plan, published_supplies
from bakehouse.planning.resolve import resolve
from bakehouse.planning.select import Selection
from tests.unit.projects import wheels, write_lock, write_project

OPTIONS = Options(selection=Selection())
HERE = ("box", "")
TEMPLATES = {"server.Dockerfile.j2": "FROM {{ cell.build_base }} AS image\n"}


@pytest.fixture
def plan(tmp_path: Path) -> Plan:
    world = load_project(write_project(tmp_path, templates=TEMPLATES)).world
    (tmp_path / "recipes" / "server" / "healthcheck.c").write_text("int main(void) { return 0; }")
    (tmp_path / "tests" / "images").mkdir(parents=True)
    (tmp_path / "tests" / "images" / "test_smoke.py").write_text("")
    supplies = published_supplies(world, Lock())
    return make_plan(root=tmp_path, world=world, cells=resolve(world).cells, excluded=(), supplies=supplies)


def test_the_same_is_the_same(tmp_path: Path, plan: Plan) -> None:
    assert run_fingerprint(plan, OPTIONS, root=tmp_path, where=HERE) == run_fingerprint(
        plan, replace(OPTIONS, workers=3, fresh=True, install=False), root=tmp_path, where=HERE
    )


@pytest.mark.parametrize(
    "change",
    [
        {"tests": False},
        {"prove": False},
        {"quick": True},
        {"starts": 2},
        {"repetitions": 2},
        {"calibrate": False},
        {"probes": ("smoke",)},
        {"client": "aiperf", "calibrate": False},
    ],
)
def test_another_question_is_another_run(tmp_path: Path, plan: Plan, change: dict[str, object]) -> None:
    other = replace(OPTIONS, **change)  # type: ignore[arg-type]
    assert run_fingerprint(plan, other, root=tmp_path, where=HERE) != run_fingerprint(
        plan, OPTIONS, root=tmp_path, where=HERE
    )


def test_rates_are_calibrated_unless_it_is_to_be_quick() -> None:
    assert OPTIONS.calibrates
    assert not replace(OPTIONS, quick=True).calibrates
    assert replace(OPTIONS, quick=True, calibrate=True).calibrates
    assert not replace(OPTIONS, calibrate=False).calibrates
    assert not replace(OPTIONS, client="aiperf").calibrates


@pytest.mark.parametrize("file", ["recipes/server/healthcheck.c", "tests/images/test_smoke.py"])
def test_another_file_is_another_run(tmp_path: Path, plan: Plan, file: str) -> None:
    before = run_fingerprint(plan, OPTIONS, root=tmp_path, where=HERE)
    (tmp_path / file).write_text("changed")
    assert run_fingerprint(plan, OPTIONS, root=tmp_path, where=HERE) != before


def test_another_machine_is_another_run(tmp_path: Path, plan: Plan) -> None:
    there = run_fingerprint(plan, OPTIONS, root=tmp_path, where=("other", ""))
    assert there != run_fingerprint(plan, OPTIONS, root=tmp_path, where=HERE)


def test_files_that_recipes_share_are_part_of_it(tmp_path: Path) -> None:
    build = wheels()["build"] | {"shares": ["_service"]}
    recipes = {"server": wheels(build=build)}
    write_project(
        tmp_path, recipes=recipes, templates={"python-server.Dockerfile.j2": TEMPLATES["server.Dockerfile.j2"]}
    )
    write_lock(tmp_path, "server")
    shared = tmp_path / "recipes" / "_service"
    shared.mkdir()
    (shared / "web.py").write_text("A = 1\n")
    world = load_project(tmp_path).world
    supplies = published_supplies(world, Lock())
    plan = make_plan(root=tmp_path, world=world, cells=resolve(world).cells, excluded=(), supplies=supplies)
    before = run_fingerprint(plan, OPTIONS, root=tmp_path, where=HERE)

    (shared / "web.py").write_text("A = 2\n")

    assert run_fingerprint(plan, OPTIONS, root=tmp_path, where=HERE) != before
