from __future__ import annotations

import hashlib
from pathlib import Path

import pytest

from bakehouse.__main__ import main
from bakehouse.errors import ExitCode, InputError
from bakehouse.model.cell import World
from bakehouse.model.question import Question
from bakehouse.pipeline.expectations import subject
from bakehouse.pipeline.given_model import put_in, require_model
from bakehouse.pipeline.project import open_project
from tests.unit.model_files.gguf.build import llama, write_gguf
from tests.unit.projects import matrix, recipe, write_project

PROBES = {"throughput": {"model": "tiny"}, "memory_limit": "1 GiB"}
PARIS = {"prompt": "The capital of France is", "expect": ["Paris"]}


def project(tmp_path: Path, known: Path) -> Path:
    content = known.read_bytes()
    row = {
        "file": "tiny.gguf",
        "size": len(content),
        "sha256": hashlib.sha256(content).hexdigest(),
        "question": PARIS,
        "places": [{"path": str(known)}],
    }
    root = tmp_path / "project"
    root.mkdir()
    return write_project(
        root, matrix=matrix(models={"tiny": row}), recipes={"server": recipe(server="llama.cpp", probes=PROBES)}
    )


def given(tmp_path: Path, path: Path, known: Path) -> tuple[World, list[str], str]:
    said: list[str] = []
    before = open_project(project(tmp_path, known))
    after, resolution = put_in(*before, path, cache=tmp_path / "cache", say=said.append)
    cell = resolution.cells[0]
    assert cell.recipe.probes.throughput is not None
    assert [one.name for one in resolution.cells] == [one.name for one in before[1].cells]
    return after.world, said, cell.recipe.probes.throughput.model


def test_it_takes_the_place_of_the_recipes_model_and_is_asked_nothing(tmp_path: Path) -> None:
    path = llama(tmp_path / "My Gemma 3 (270M).gguf")
    world, said, name = given(tmp_path, path, llama(tmp_path / "known.gguf", layers=1))
    assert name == "my-gemma-3-270m"
    row = world.matrix.models[name]
    assert (row.file, row.size, row.question) == ("My-Gemma-3-270M-.gguf", path.stat().st_size, None)
    assert row.sha256 == hashlib.sha256(path.read_bytes()).hexdigest()
    assert "so it is asked nothing" in said[-1]
    (only,) = world.recipes.values()
    assert only.probes.memory_limit == f"{2**30 + path.stat().st_size} B"


def test_a_name_of_the_matrix_is_a_model_wherever_it_comes_from(tmp_path: Path) -> None:
    world, said, name = given(tmp_path, Path("tiny"), llama(tmp_path / "known.gguf", layers=1))

    assert name == "tiny"
    assert world.matrix.models[name].question == Question(prompt="The capital of France is", expect=("Paris",))
    assert said[-1].startswith("the model is tiny (of the matrix, ")


def test_a_file_that_the_matrix_has_keeps_its_question(tmp_path: Path) -> None:
    known = llama(tmp_path / "known.gguf")
    other = tmp_path / "copy.gguf"
    other.write_bytes(known.read_bytes())
    world, said, name = given(tmp_path, other, known)
    assert name == "tiny"
    assert world.matrix.models[name].question == Question(prompt="The capital of France is", expect=("Paris",))
    assert "asked nothing" not in said[-1]


def test_a_model_of_the_same_name_is_another_one(tmp_path: Path) -> None:
    world, _, name = given(tmp_path, llama(tmp_path / "tiny.gguf"), llama(tmp_path / "known.gguf", layers=1))
    assert name.startswith("tiny-")
    assert set(world.matrix.models) == {"tiny", name}


def test_the_subject_is_told_of_it(tmp_path: Path) -> None:
    path = llama(tmp_path / "other.gguf")
    known = llama(tmp_path / "known.gguf", layers=1)
    root = project(tmp_path, known)
    opened, resolution = put_in(*open_project(root), path, cache=tmp_path / "cache", say=lambda _: None)
    told = subject(resolution.cells[0], opened.world, reference="r", digest="d", models=[str(path)])
    assert told.workload is not None
    assert (told.workload.model, told.workload.question) == ("other", None)
    assert told.workload.model_sha256 == hashlib.sha256(path.read_bytes()).hexdigest()


@pytest.mark.parametrize(
    ("metadata", "tensors", "said"),
    [
        ({"general.type": "adapter"}, {"a": ("f32", (4,))}, "holds an adapter (LoRA)"),
        ({"general.type": "mmproj"}, {"a": ("f32", (4,))}, "a projector for pictures"),
        ({"general.architecture": "clip"}, {"a": ("f32", (4,))}, "a projector for pictures"),
        ({}, {}, "a vocabulary and no weights"),
        ({"split.count": 3}, {"a": ("f32", (4,))}, "one of 3 pieces"),
    ],
)
def test_what_no_server_can_serve_is_refused(
    tmp_path: Path, metadata: dict[str, str | int], tensors: dict[str, tuple[str, tuple[int]]], said: str
) -> None:
    path = write_gguf(tmp_path / "a.gguf", metadata, tensors)
    with pytest.raises(InputError) as caught:
        require_model(path)
    assert said in caught.value.message


def test_a_file_that_no_container_can_read(tmp_path: Path) -> None:
    path = llama(tmp_path / "a.gguf")
    path.chmod(0o600)
    with pytest.raises(InputError, match="cannot read") as caught:
        require_model(path)
    assert caught.value.hint == f"chmod o+r '{path}'"


@pytest.mark.parametrize("verb", ["bench", "build-matrix"])
@pytest.mark.parametrize(
    ("name", "said"), [("no.gguf", "does not exist"), (".", "is a folder"), ("x.txt", "not a GGUF")]
)
def test_the_command_line_says_what_is_wrong_with_the_file(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], verb: str, name: str, said: str
) -> None:
    root = project(tmp_path, llama(tmp_path / "known.gguf"))
    (tmp_path / "x.txt").write_text("hello")
    assert main(["--root", str(root), verb, "--model", str(tmp_path / name)]) == ExitCode.BAD_INPUT
    error = capsys.readouterr().err
    assert said in error
    assert str(tmp_path) in error


def test_a_model_and_no_tests(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    words = ["--root", str(tmp_path), "build-matrix", "--no-tests", "--model", "a.gguf"]
    assert main(words) == ExitCode.BAD_INPUT
    assert "--no-tests runs none" in capsys.readouterr().err
