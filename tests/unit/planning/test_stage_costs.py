from __future__ import annotations

from datetime import UTC, datetime, timedelta

from bakehouse.model.enums import Verdict
from bakehouse.model.report import BuildResult, CellReport, Step
from bakehouse.planning.stage_costs import COMPILING, COPYING, INSTALLING, Measured, costs, measured
from bakehouse.planning.stage_graph import CellWork, Stage
from tests.unit.accelerated import accelerated

CELLS = {cell.name: cell for cell in accelerated()[1].cells}
FIRST, SECOND = "server-cuda12.9-sm86-amd64", "server-cuda12.9-many-amd64"
NOON = datetime(2026, 11, 27, 12, tzinfo=UTC)


def step(name: str, seconds: float, *, cached: bool = False) -> Step:
    return Step(name=name, started=NOON, completed=NOON + timedelta(seconds=seconds), cached=cached)


def report(name: str, *steps: Step) -> CellReport:
    return CellReport(
        name=name, recipe="server", accelerator="cuda", flag_set="default", platform="linux/amd64",
        verdict=Verdict.PASSED, build=BuildResult(verdict=Verdict.PASSED, seconds=1, steps=list(steps)),
    )  # fmt: skip


def stage(name: str, identity: str, *, runs: int = 1, compiles: int = 0) -> Stage:
    return Stage(name=name, identity=identity, runs=runs, compiles=compiles)


def test_the_steps_of_a_stage_are_added_and_what_was_cached_tells_nothing() -> None:
    target = "server-cuda12_9-sm86-amd64"
    found = measured(
        [
            report(
                FIRST,
                step(f"[{target} backend 2/3] RUN compile", 100),
                step(f"[{target} backend 3/3] COPY x", 20),
                step(f"[{target} linux/amd64->arm64 tools 2/2] RUN install", 8),
                step(f"[{target} host 2/2] RUN compile", 5, cached=True),
                step("[server-cpu-amd64 image 1/2] FROM runtime", 3),
                step(f"[{target} internal] load build definition", 3),
            )
        ]
    )
    assert found.of_cells == {(FIRST, "backend"): 120, (FIRST, "tools"): 8}
    assert found.of_kinds == {("cuda", "backend"): 120, ("cuda", "tools"): 8}


def test_what_a_build_told_comes_first_then_its_kind_then_a_guess() -> None:
    works = [
        CellWork(cell=CELLS[FIRST], stages=(stage("host", "h"), stage("backend", "b1", compiles=1))),
        CellWork(
            cell=CELLS[SECOND],
            stages=(stage("host", "h"), stage("backend", "b2", compiles=3), stage("image", "i", runs=0)),
        ),
    ]
    known = Measured(of_cells={(SECOND, "host"): 70.0}, of_kinds={("cuda", "backend"): 50.0})
    assert costs(works, known) == {"h": 70.0, "b1": 50.0, "b2": 50.0, "i": COPYING}
    assert costs(works, Measured()) == {"h": INSTALLING, "b1": COMPILING, "b2": 3 * COMPILING, "i": COPYING}
