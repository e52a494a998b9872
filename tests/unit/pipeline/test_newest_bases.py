from __future__ import annotations

from pathlib import Path

import pytest

from bakehouse.model.cell import Cell, World
from bakehouse.pipeline.newest_bases import Tag, newest_bases, newest_of
from bakehouse.registry.opening import Registries
from bakehouse.supply.newest.move import News
from bakehouse.system.patience import Patience
from tests.doubles.registry import FakeRegistry, serving
from tests.unit.accelerated import BOTH, MATRIX, accelerated


@pytest.mark.parametrize(
    ("tag", "newest"),
    [
        ("12.9.1-devel-ubuntu24.04", "12.9.10-devel-ubuntu24.04"),
        ("12.9.1-devel-ubuntu22.04", "12.9.1-devel-ubuntu22.04"),
        ("13.0.2", "13.0.3"),
        ("7.2.1-complete", "7.2.1-complete"),
    ],
)
def test_only_the_patch_moves(tag: str, newest: str) -> None:
    there = [
        *("12.9.2-devel-ubuntu24.04", "12.9.10-devel-ubuntu24.04", "13.0.0-devel-ubuntu24.04", "13.0.3"),
        *("12.9.11-runtime-ubuntu24.04", "12.9.12-devel-ubuntu24.04-rc1", "latest", "12.9-devel-ubuntu24.04"),
    ]
    own = Tag.read(tag)
    assert own
    assert str(newest_of(own, there)) == newest


@pytest.mark.parametrize("text", ["trixie-slim", "24.04", "12.9-devel", "v1.2.3", "1.2.3.4", ""])
def test_what_names_no_patch_is_left_to_the_lockfile(text: str) -> None:
    assert Tag.read(text) is None


class Asked:
    def __init__(self, registry: FakeRegistry, folder: Path) -> None:
        self.registry, self.folder = registry, folder

    def world(self, *more: object) -> tuple[World, tuple[Cell, ...]]:
        place = {"registry": f"{self.registry.host}/nvidia/cuda:12.9.1-devel"}
        row = {"os": "ubuntu24", "platforms": BOTH, "places": [place, *more]}
        toolkits = MATRIX["toolkits"]["cuda12.9"] | {"build_base": "cuda"}
        found, resolution = accelerated(
            bases=MATRIX["bases"] | {"cuda": row}, toolkits=MATRIX["toolkits"] | {"cuda12.9": toolkits}
        )
        return found, tuple(cell for cell in resolution.cells if cell.at.toolkit == "cuda12.9")

    def news(self, *more: object, **environ: str) -> News:
        world, cells = self.world(*more)
        patience = Patience(sleep=lambda _: None, attempts=1, connect=2, stall=2)
        registries = Registries({"DOCKER_CONFIG": str(self.folder)}, patience=patience)
        (found,) = newest_bases(world, cells, environ=environ, registries=registries)
        registries.close()
        return found


def test_a_base_and_its_toolkit_move_together(tmp_path: Path) -> None:
    with serving(FakeRegistry()) as registry:
        asked = Asked(registry, tmp_path)
        registry.tag_names["nvidia/cuda"] = dict.fromkeys(["12.9.1-devel", "12.9.2-devel", "13.1.0-devel"], "x")
        news = asked.news()
        assert {move.path[:2]: (move.old, move.new) for move in news.moves} == {
            ("bases", "cuda"): (
                f"{registry.host}/nvidia/cuda:12.9.1-devel", f"{registry.host}/nvidia/cuda:12.9.2-devel",
            ),
            ("toolkits", "cuda12.9"): ("12.9.1", "12.9.2"),
        }  # fmt: skip
        assert news.notes == ("driver floors of cuda12.9 are those of 12.9.1: see https://example.org/cuda",)
        stage = {"dockerfile": {"template": "bases/x.Dockerfile.j2", "on": "debian"}}
        assert "move all of them" in asked.news(stage).notes[0]
        registry.tag_names["nvidia/cuda"] = {"12.9.1-devel": "x"}
        assert asked.news().notes == ("12.9.1-devel is the newest",)


def test_a_registry_that_cannot_be_asked_is_said(tmp_path: Path) -> None:
    asked = Asked(FakeRegistry(port=9), tmp_path)
    news = asked.news()
    assert news.moves == ()
    assert "registry 127.0.0.1:9/nvidia/cuda cannot be reached" in news.silent[0]
    assert asked.news(BAKEHOUSE_OFFLINE="1").silent == ("not asked, BAKEHOUSE_OFFLINE is set",)
