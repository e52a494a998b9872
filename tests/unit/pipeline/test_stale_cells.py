from __future__ import annotations

import os
from pathlib import Path

import pytest

from bakehouse.config.load import load_project
from bakehouse.model.image_catalogue import ImageCatalogue
from bakehouse.pipeline.stale_cells import stale_cells
from bakehouse.planning.resolve import resolve
from tests.unit.accelerated import MATRIX, RECIPE
from tests.unit.projects import write_project
from tests.unit.reporters.images import NOON, image
from tests.unit.supply.newest.conftest import Git

TEMPLATE = "FROM {{ cell.runtime_base }} AS image\n{% if cell.at.toolkit == 'cuda12.9' %}RUN one\n{% endif %}"


class Project:
    def __init__(self, folder: Path) -> None:
        self.git = Git(folder)
        self.root = write_project(
            folder, matrix=MATRIX, recipes={"server": RECIPE}, templates={"server.Dockerfile.j2": TEMPLATE}
        )

    def commit(self) -> str:
        self.git("add", ".")
        return self.git.commit("2026-11-27")

    def stale(self, *images: tuple[str, str], channel: str = "nightly", is_stale: bool = False) -> dict[str, str]:
        """`images`: cell and commit."""
        world = load_project(self.root).world
        rows = []
        for cell, commit in images:
            row = image("x", "a", is_stale=is_stale)
            platform = row.platforms[0].model_copy(update={"cell": cell, "commit": commit})
            rows.append(row.model_copy(update={"platforms": [platform]}))
        published = ImageCatalogue(bakehouse="1", made=NOON, images=rows)
        cells = resolve(world).cells
        environ = {**os.environ, "HOME": str(self.root)}
        return dict(stale_cells(self.root, cells, published, channel=channel, world=world, environ=environ).why)


@pytest.fixture
def project(tmp_path: Path) -> Project:
    return Project(tmp_path / "project")


CPU, CUDA = "server-cpu-amd64", "server-cuda12.9-sm86-amd64"


def test_what_was_built_from_other_inputs_is_built_again(project: Project) -> None:
    commit = project.commit()
    assert project.stale((CPU, commit), (CUDA, commit)).keys().isdisjoint({CPU, CUDA})
    template = project.root / "dockerfiles/server.Dockerfile.j2"
    template.write_text(TEMPLATE.replace("RUN one", "RUN another"))
    found = project.stale((CPU, commit), (CUDA, commit))
    assert CPU not in found
    assert found[CUDA] == f"other than at {commit[:9]}: Dockerfile"


def test_what_nothing_is_known_of_is_built(project: Project) -> None:
    commit = project.commit()
    found = project.stale((CPU, ""), (CUDA, "f" * 40))
    assert found[CPU] == "its image does not say which commit it was built from"
    assert "git knows no such revision" in found[CUDA]
    assert found["server-cuda13.0-sm86-amd64"] == "the channel names no image of it"
    assert CPU in project.stale((CPU, commit), channel="stable")
    assert "confirmed" in project.stale((CPU, commit), is_stale=True)[CPU]
