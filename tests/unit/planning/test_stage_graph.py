from __future__ import annotations

from pathlib import Path

from bakehouse.config.load import load_project
from bakehouse.model.lock import Lock
from bakehouse.planning.planner import make_plan, published_supplies
from bakehouse.planning.resolve import resolve
from bakehouse.planning.stage_graph import CellWork, works_of
from tests.unit.accelerated import MATRIX, RECIPE
from tests.unit.projects import write_project

TEMPLATE = """\
# of {{ cell.name | comment }}
FROM {{ cell.host_base }} AS tools
RUN install
FROM tools AS host
RUN --mount=type=bind,from=tree,target=/src cmake --build /build
FROM tools AS unused
RUN something
FROM {{ cell.build_base }} AS backend
ARG SOURCE_DATE_EPOCH
RUN cmake -DARCHS={{ cell.codes | join("-") }} && cmake --build /build
FROM {{ cell.runtime_base }} AS image
COPY --link --from=host /out /app
COPY --from=backend /out /app
LABEL cell={{ cell.name | docker }}
"""


def works(tmp_path: Path, template: str = TEMPLATE) -> dict[str, CellWork]:
    cuda = {"plugins": ["ggml-cuda"], "archs_option": "CMAKE_CUDA_ARCHITECTURES"}
    build = RECIPE["build"] | {"backends": RECIPE["build"]["backends"] | {"cuda": cuda}}
    recipes = {"server": RECIPE | {"build": build}}
    root = write_project(tmp_path, matrix=MATRIX, recipes=recipes, templates={"server.Dockerfile.j2": template})
    world = load_project(root).world
    cells = resolve(world).cells
    plan = make_plan(root=root, world=world, cells=cells, excluded=(), supplies=published_supplies(world, Lock()))
    return {work.cell.name: work for work in works_of(plan)}


def identities(work: CellWork) -> dict[str, str]:
    return {stage.name: stage.identity for stage in work.stages}


def test_equal_stages_on_equal_inputs_are_one_work(tmp_path: Path) -> None:
    found = works(tmp_path)
    one, other = (identities(found[name]) for name in ("server-cuda12.9-sm86-amd64", "server-cuda13.0-sm120-amd64"))
    assert list(one) == ["tools", "host", "backend", "image"], "what no image needs is no work"
    assert one["tools"] == other["tools"]
    assert one["host"] == other["host"]
    assert one["backend"] != other["backend"]
    assert one["image"] != other["image"], "its label names the cell"


def test_a_stage_on_another_base_is_other_work_though_its_text_is_the_same(tmp_path: Path) -> None:
    found = works(tmp_path, TEMPLATE.replace('{{ cell.codes | join("-") }}', "x"))
    cuda, rocm = (identities(found[name]) for name in ("server-cuda12.9-sm86-amd64", "server-rocm7.2-gfx1100-amd64"))
    assert cuda["backend"] != rocm["backend"]


def test_what_compiles_for_several_archs_counts_each(tmp_path: Path) -> None:
    found = works(tmp_path, TEMPLATE.replace("-DARCHS=", "-DCMAKE_CUDA_ARCHITECTURES="))
    stages = {stage.name: stage for stage in found["server-cuda12.9-many-amd64"].stages}
    assert (stages["tools"].compiles, stages["host"].compiles, stages["backend"].compiles) == (0, 1, 3)
    assert (stages["tools"].runs, stages["image"].runs) == (1, 0)
