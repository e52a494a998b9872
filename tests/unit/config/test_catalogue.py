from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import yaml

from bakehouse.config.catalogue import SECTIONS, complete, read_catalogue, shipped
from bakehouse.config.load import Project, load_project
from bakehouse.config.references import check_references
from bakehouse.config.yaml_document import Document, parse
from bakehouse.errors import InfrastructureError, InputError
from tests.unit.projects import matrix, write_project

ROWS: dict[str, dict[str, Any]] = {
    "bases": {"debian": {"os": "debian13", "platforms": ["linux/amd64"], "places": [{"registry": "debian"}]}},
    "toolkits": {"cuda13.0": {"accelerator": "cuda", "version": "13.0.2", "build_base": "debian"}},
    "archs": {"sm_86": {"accelerator": "cuda"}, "sm_120": {"accelerator": "cuda", "first_driver": "570"}},
    "gpus": {
        "rtx3090": {"accelerator": "cuda", "arch": "sm_86", "memory": "24 GiB", "aliases": ["a", "b"]},
        "rtx5090": {"accelerator": "cuda", "arch": "sm_120", "memory": "32 GiB"},
    },
}


def catalogue() -> list[Document]:
    return [
        parse(yaml.safe_dump({section: rows}, sort_keys=False), file=f"cat/{section}.yaml")
        for section, rows in ROWS.items()
    ]


def load(root: Path, **rows: Any) -> Project:
    return load_project(write_project(root, matrix=matrix(catalogue=True, **rows)), catalogue=catalogue())


def test_a_matrix_without_rows_has_those_of_the_catalogue(tmp_path: Path) -> None:
    found = load(tmp_path).world.matrix

    assert list(found.gpus) == ["rtx3090", "rtx5090"]
    assert found.archs["sm_120"].first_driver == "570"


def test_one_key_is_overridden_and_the_others_stay(tmp_path: Path) -> None:
    project = load(tmp_path, gpus={"rtx3090": {"memory": "48 GiB", "aliases": ["c"]}})

    row, document = project.world.matrix.gpus["rtx3090"], project.documents["matrix.yaml"]
    assert (row.memory, row.arch, row.aliases) == ("48 GiB", "sm_86", ("c",))
    assert document.where(("gpus", "rtx3090", "memory")).file == "matrix.yaml"
    assert document.where(("gpus", "rtx3090", "aliases", 1)).file == "matrix.yaml"
    assert document.where(("gpus", "rtx3090", "arch")).file == "cat/gpus.yaml"
    assert document.where(("gpus", "rtx5090", "memory")).file == "cat/gpus.yaml"
    assert document.where(("axes",)).file == "matrix.yaml"


def test_rows_are_added_and_removed_and_keys_unset(tmp_path: Path) -> None:
    mine = {"accelerator": "cuda", "arch": "sm_86"}
    project = load(tmp_path, gpus={"mine": mine, "rtx5090": None}, archs={"sm_120": {"first_driver": None}})

    assert list(project.world.matrix.gpus) == ["rtx3090", "mine"]
    assert project.world.matrix.archs["sm_120"].first_driver is None


def test_the_catalogue_can_be_left_out(tmp_path: Path) -> None:
    project = load_project(write_project(tmp_path, matrix=matrix(catalogue=False)), catalogue=catalogue())

    assert not project.world.matrix.gpus


@pytest.mark.parametrize(
    ("rows", "place", "words"),
    [
        ({"gpus": {"rtx509": {"memory": "24 GiB"}}}, "matrix.yaml", ["needs 'accelerator'", "'rtx5090'"]),
        ({"gpus": {"rtx509": None}}, "matrix.yaml", ["has no such row", "'rtx5090'"]),
        ({"gpus": {"zebra": {"memory": "24 GiB"}}}, "matrix.yaml", ["the key 'accelerator' is missing"]),
        ({"gpus": {"rtx3090": {"memory": "24"}}}, "matrix.yaml", ["'24' is not allowed here"]),
        ({"gpus": {"rtx3090": "24 GiB"}}, "matrix.yaml", ["must be a mapping"]),
        ({"gpus": ["rtx3090"]}, "matrix.yaml", ["must be a mapping"]),
        ({"gpus": None}, "matrix.yaml", ["must be a mapping"]),
        ({"catalogue": "no"}, "matrix.yaml", ["must be true or false"]),
    ],
)  # fmt: skip
def test_what_can_be_neither_an_override_nor_a_row(
    tmp_path: Path, rows: dict[str, Any], place: str, words: list[str]
) -> None:
    with pytest.raises(InputError) as caught:
        load_project(write_project(tmp_path, matrix=matrix() | {"catalogue": True} | rows), catalogue=catalogue())

    said = str(caught.value)
    assert said.startswith(f"{place}:")
    assert all(word in said for word in words), said


def test_an_error_between_two_files_names_the_file_it_stands_in(tmp_path: Path) -> None:
    project = load(tmp_path, archs={"sm_86": None})

    with pytest.raises(InputError) as caught:
        check_references(project.world)

    assert str(project.pinpoint(caught.value)).startswith("cat/gpus.yaml:4: gpus.rtx3090.arch: 'sm_86' is not in")


def test_a_broken_catalogue_is_told_with_its_file(tmp_path: Path) -> None:
    with pytest.raises(InfrastructureError, match=r"bases\.yaml"):
        read_catalogue(tmp_path, name="cat")

    for section in SECTIONS:
        (tmp_path / f"{section}.yaml").write_text(f"{section}: {{}}\n")
    assert read_catalogue(tmp_path, name="cat")[0].file == "cat/bases.yaml"

    (tmp_path / "gpus.yaml").write_text("cards: {}\n")
    with pytest.raises(InputError, match=r"cat/gpus\.yaml:1: must have the one key 'gpus'"):
        read_catalogue(tmp_path, name="cat")


def test_the_shipped_one_is_read_once_and_completes_an_empty_matrix() -> None:
    document = complete(parse("version: 1\n", file="matrix.yaml"), shipped())

    assert shipped() is shipped()
    assert document.where(("gpus", "rtx5090")).file == "bakehouse/catalogue/gpus.yaml"
