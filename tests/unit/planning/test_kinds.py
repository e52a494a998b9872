"""Recipes that are not compiled here have exactly the cells they ask for, under their own versions."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from bakehouse.config.load import load_project
from bakehouse.errors import InputError
from bakehouse.model.cell import World
from bakehouse.planning.installed import installed
from bakehouse.planning.render.labels import labels
from bakehouse.planning.resolve import resolve
from tests.unit.accelerated import MATRIX
from tests.unit.projects import recipe, wheels, write_lock, write_project

PIN = "onnxruntime-gpu==1.31.1 --hash=sha256:" + "0" * 64
CUDA = {
    "toolkits": ["cuda12.9"],
    "archs": ["sm_86", "sm_120"],
    "codes": {"sm_120": "sm_120a"},
    "platforms": ["linux/amd64"],
}


def world(root: Path, name: str, **changes: Any) -> World:
    write_project(root, matrix=MATRIX, recipes={name: wheels(**changes)}, templates={})
    for lock in ("cpu-amd64", "cpu-arm64", "cuda-amd64"):
        write_lock(root, name, PIN, lock=lock)
    return load_project(root).world


def names(found: World) -> list[str]:
    return [cell.name for cell in resolve(found).cells]


def cuda(**changes: Any) -> dict[str, Any]:
    build: dict[str, Any] = wheels()["build"]
    return build | {"backends": {"cuda": CUDA | changes}}


def test_a_small_server_is_one_cell(tmp_path: Path) -> None:
    assert names(world(tmp_path, "small", platforms=["linux/amd64"])) == ["small-cpu-amd64"]


def test_an_accelerator_is_a_cell_for_each_toolkit_it_names(tmp_path: Path) -> None:
    found = world(tmp_path, "small", accelerators=["cpu", "cuda"], build=cuda(), platforms=["linux/amd64"])

    assert names(found) == ["small-cpu-amd64", "small-cuda12.9-amd64"]
    cell = resolve(found).cells[1]
    assert (cell.archs, cell.codes) == (("sm_86", "sm_120"), ("sm_86", "sm_120a"))
    assert cell.bases == ("debian",)
    assert labels(cell, found)["io.bakehouse.archs"] == "sm_86,sm_120"


def test_nothing_of_it_is_excluded(tmp_path: Path) -> None:
    found = world(tmp_path, "small", accelerators=["cpu", "cuda"], build=cuda(), platforms=["linux/amd64"])

    assert resolve(found).excluded == ()


def test_its_version_is_its_own(tmp_path: Path) -> None:
    found = world(tmp_path, "small")
    (cell, *_) = resolve(found).cells

    said = labels(cell, found)

    assert said["org.opencontainers.image.version"] == "1.2.0"
    assert said["io.bakehouse.requirements"].startswith("sha256:")
    assert "org.opencontainers.image.revision" not in said


def test_or_that_of_the_distribution_it_names(tmp_path: Path) -> None:
    build = wheels()["build"] | {"version": None, "package": "ONNXruntime_GPU".lower()}
    found = world(tmp_path, "small", build=build)

    assert installed(resolve(found).cells[0], found).version == "1.31.1"


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"toolkits": ["cuda99"]}, "'cuda99' is not in the matrix's toolkits"),
        ({"toolkits": []}, "cuda needs toolkits"),
        ({"archs": []}, "cuda needs archs"),
        ({"archs": ["gfx1100"], "codes": {}}, "gfx1100 is not of cuda"),
    ],
)
def test_says_what_an_accelerator_lacks(tmp_path: Path, changes: dict[str, Any], message: str) -> None:
    found = world(tmp_path, "small", accelerators=["cpu", "cuda"], build=cuda(**changes))

    with pytest.raises(InputError, match=message):
        resolve(found)


def test_flag_sets_name_the_recipes_they_are_for(tmp_path: Path) -> None:
    matrix = MATRIX | {
        "flag_sets": MATRIX["flag_sets"]
        | {"blas": {"summary": "x", "accelerators": ["cpu"], "plugins": ["ggml-blas"], "recipes": ["server"]}},
        "axes": MATRIX["axes"] | {"flag_set": ["default", "blas"], "accelerator": ["cpu"]},
    }
    write_project(tmp_path, matrix=matrix, recipes={"server": recipe(), "other": recipe()}, templates={})

    found = names(load_project(tmp_path).world)

    assert "server-cpu-blas-amd64" in found
    assert not [name for name in found if name.startswith("other") and "blas" in name]


def test_a_published_image_is_known_by_its_tag(tmp_path: Path) -> None:
    place = [{"registry": "docker.io/vllm/vllm-openai:v0.33.0"}]
    base = MATRIX["bases"]["debian"] | {"places": place}
    part = {"base": "vllm", "toolkits": ["cuda12.9"], "archs": ["sm_120"]}
    published = recipe(accelerators=["cuda"], build={"kind": "image", "backends": {"cuda": part}})
    matrix = MATRIX | {"bases": MATRIX["bases"] | {"vllm": base}}
    write_project(tmp_path, matrix=matrix, recipes={"vllm": published}, templates={})
    found = load_project(tmp_path).world

    (cell, *_) = resolve(found).cells

    assert cell.bases == ("vllm",)
    said = labels(cell, found)
    assert said["org.opencontainers.image.version"] == "v0.33.0"
    assert said["org.opencontainers.image.base.name"] == "docker.io/vllm/vllm-openai:v0.33.0"
