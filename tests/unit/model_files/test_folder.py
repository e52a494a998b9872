"""Folders as downloads leave them: whole, cut short, with a shard that never came."""

from __future__ import annotations

import contextlib
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bakehouse.errors import InputError
from bakehouse.model_files.check import check_model
from bakehouse.model_files.finding import CheckedModel
from bakehouse.model_files.safetensors import BrokenFileError, read
from tests.unit.model_files.gguf.build import llama

SHARDS = ("model-00001-of-00002.safetensors", "model-00002-of-00002.safetensors")


def safetensors(path: Path, **tensors: tuple[int, ...]) -> Path:
    """Zeros in bfloat16."""
    table: dict[str, Any] = {"__metadata__": {"format": "pt"}}
    end = 0
    for name, shape in tensors.items():
        elements = 1
        for length in shape:
            elements *= length
        table[name] = {"dtype": "BF16", "shape": list(shape), "data_offsets": [end, end + 2 * elements]}
        end += 2 * elements
    header = json.dumps(table).encode()
    path.write_bytes(len(header).to_bytes(8, "little") + header + bytes(end))
    return path


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A model in two shards."""
    safetensors(tmp_path / SHARDS[0], embed=(4, 8))
    safetensors(tmp_path / SHARDS[1], head=(8, 4), norm=(8,))
    places = {"embed": SHARDS[0], "head": SHARDS[1], "norm": SHARDS[1]}
    (tmp_path / "model.safetensors.index.json").write_text(json.dumps({"metadata": {}, "weight_map": places}))
    (tmp_path / "config.json").write_text(json.dumps({"architectures": ["Glm4MoeForCausalLM"]}))
    (tmp_path / "tokenizer.json").write_text("{}")
    return tmp_path


def said(checked: CheckedModel, severity: str = "error") -> list[str]:
    return [one.what for one in checked.findings if one.severity == severity]


def test_a_whole_folder_passes_and_says_how_large_it_is(folder: Path) -> None:
    checked = check_model(folder)

    assert checked.is_whole
    assert checked.weight_bytes == 2 * (32 + 32 + 8)
    assert said(checked, "ok") == ["Glm4MoeForCausalLM", "2 files with 144 B of weights, each as its header says"]
    assert said(checked, "warning") == []


def cut(folder: Path) -> None:
    data = (folder / SHARDS[1]).read_bytes()
    (folder / SHARDS[1]).write_bytes(data[:-10])


def grow(folder: Path) -> None:
    with (folder / SHARDS[1]).open("ab") as file:
        file.write(b"more")


def pointer(folder: Path) -> None:
    (folder / SHARDS[1]).write_text("version https://git-lfs.github.com/spec/v1\noid sha256:1\n")


def older(folder: Path) -> None:
    safetensors(folder / SHARDS[1], norm=(8,))


def dangle(folder: Path) -> None:
    (folder / SHARDS[1]).unlink()
    (folder / SHARDS[1]).symlink_to("../../blobs/gone")


def leave(folder: Path) -> None:
    (folder / "model.safetensors.index.json").write_text(json.dumps({"weight_map": {"a": "../../etc/passwd"}}))


@pytest.mark.parametrize(
    ("damage", "message"),
    [
        (lambda folder: (folder / SHARDS[1]).unlink(), f"{SHARDS[1]} is missing"),
        (cut, f"{SHARDS[1]}: it is cut short: "),
        (grow, f"{SHARDS[1]}: it has 4 bytes more than its header says"),
        (pointer, f"{SHARDS[1]}: it is a pointer of Git LFS, not the file itself"),
        (dangle, f"{SHARDS[1]} is a link to nothing: ../../blobs/gone"),
        (older, f"the index names tensors that are not there: head in {SHARDS[1]}"),
        (leave, "model.safetensors.index.json names a file outside the folder: ../../etc/passwd"),
        (
            lambda folder: (folder / "model.safetensors.index.json").write_text("[]"),
            "is no index: it has no weight_map",
        ),
        (lambda folder: (folder / "config.json").unlink(), "config.json is missing"),
        (lambda folder: (folder / "config.json").write_text("<html>"), "config.json is no JSON"),
    ],
)
def test_what_is_wrong_is_named(folder: Path, damage: Callable[[Path], object], message: str) -> None:
    damage(folder)

    checked = check_model(folder)

    assert not checked.is_whole
    assert any(message in one for one in said(checked)), said(checked)


def test_without_an_index_a_series_must_be_whole(folder: Path) -> None:
    (folder / "model.safetensors.index.json").unlink()
    (folder / SHARDS[0]).unlink()

    assert said(check_model(folder)) == [f"{SHARDS[0]} is missing"]


def test_what_may_be_wrong_is_a_warning(folder: Path) -> None:
    (folder / "tokenizer.json").unlink()
    downloads = folder / ".cache/huggingface/download"
    downloads.mkdir(parents=True)
    (downloads / "abc.incomplete").touch()

    checked = check_model(folder)

    assert checked.is_whole
    assert [one.split(":")[0] for one in said(checked, "warning")] == [
        "there is no tokenizer",
        "1 download did not end",
    ]


def test_a_checkpoint_of_pytorch_is_named(tmp_path: Path) -> None:
    (tmp_path / "pytorch_model.bin").touch()

    assert "pytorch_model.bin is a checkpoint of PyTorch" in said(check_model(tmp_path))[0]


def test_a_single_file_and_a_gguf_are_models_too(tmp_path: Path) -> None:
    gguf = llama(tmp_path / "m.gguf")

    assert check_model(safetensors(tmp_path / "m.safetensors", a=(2, 2))).weight_bytes == 8
    assert check_model(gguf).is_whole
    gguf.write_bytes(gguf.read_bytes()[:-100])
    assert "is cut short" in said(check_model(gguf))[0]


def test_all_parts_of_a_gguf_must_be_there(tmp_path: Path) -> None:
    first = llama(tmp_path / "big-00001-of-00003.gguf")
    llama(tmp_path / "big-00003-of-00003.gguf")

    assert said(check_model(first)) == ["big-00002-of-00003.gguf is missing"]
    assert said(check_model(tmp_path)) == ["big-00002-of-00003.gguf is missing"]


def test_nothing_there_is_an_error_of_the_one_who_typed_it(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="does not exist"):
        check_model(tmp_path / "nothing")


@given(st.binary(max_size=200))
def test_whatever_the_bytes_are_a_file_is_read_or_refused(
    tmp_path_factory: pytest.TempPathFactory, data: bytes
) -> None:
    path = tmp_path_factory.mktemp("a") / "x.safetensors"
    path.write_bytes(data)
    with contextlib.suppress(BrokenFileError):
        assert read(path).bytes >= 0
