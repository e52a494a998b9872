from __future__ import annotations

from pathlib import Path

import gguf
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bakehouse.model_files.gguf.header import GgufError, read_header
from bakehouse.model_files.gguf.tensor_types import TENSOR_TYPES
from tests.unit.model_files.gguf.build import llama, write_gguf


@pytest.mark.parametrize("order", ["<", ">"])
def test_metadata_and_tensors(tmp_path: Path, order: str) -> None:
    path = write_gguf(
        tmp_path / "a.gguf",
        {
            "general.architecture": "llama",
            "llama.block_count": 30,
            "llama.rope": 1.5,
            "flag": True,
            "list": [1, 2],
            "w": ["x", "y"],
        },
        {"a.weight": ("q4_0", (64, 3)), "b.weight": ("f32", (5,))},
        order=order,
    )
    header = read_header(path)
    assert header.architecture == "llama"
    assert header.number("block_count") == 30
    assert (header.of("rope"), header.metadata["flag"], header.metadata["list"]) == (1.5, True, (1, 2))
    assert header.metadata["w"] is None, "words are stepped over"
    assert [(one.name, one.shape, one.elements, one.bytes) for one in header.tensors] == [
        ("a.weight", (64, 3), 192, 108),
        ("b.weight", (5,), 5, 20),
    ]
    assert header.file_bytes == path.stat().st_size


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (b"", "it is empty"),
        (b"GG", "it is 2 bytes long"),
        (b"<!DOCTYPE html><html>log in", "it is a web page"),
        (b"version https://git-lfs.github.com/spec/v1", "git lfs pull"),
        (b"PK\x03\x04rest", "ZIP archive"),
        (b"lmgg\0\0\0\0", "before GGUF"),
        (b'\x10\0\0\0\0\0\0\0{"__metadata__"', "safetensors"),
        (b"hello, world", "it begins with b'hello, w'"),
        (b"GGUF" + bytes(60), "GGUF of version 0"),
        (b"GGUF\x01\0\0\0" + bytes(60), "GGUF of version 1"),
        (b"GGUF\x03\0\0\0", "ends inside its own header"),
        (b"GGUF\x03\0\0\0" + b"\xff" * 16, "do not fit"),
    ],
)
def test_what_is_no_gguf_is_named(tmp_path: Path, content: bytes, said: str) -> None:
    path = tmp_path / "model.gguf"
    path.write_bytes(content)
    with pytest.raises(GgufError) as caught:
        read_header(path)
    assert said in caught.value.message
    assert str(path) in caught.value.message


def test_a_download_that_stopped_is_found(tmp_path: Path) -> None:
    path = write_gguf(tmp_path / "a.gguf", {}, {"a": ("f32", (1000,))}, missing=1000)
    with pytest.raises(GgufError, match="cut short: its weights end at"):
        read_header(path)


@settings(max_examples=60, deadline=None)
@given(at=st.integers(0, 400), bits=st.integers(1, 255), length=st.integers(0, 600))
def test_damaged_headers_are_errors_and_nothing_else(
    tmp_path_factory: pytest.TempPathFactory, at: int, bits: int, length: int
) -> None:
    path = llama(tmp_path_factory.mktemp("gguf") / "a.gguf", layers=1)
    data = bytearray(path.read_bytes())
    data[at] ^= bits
    path.write_bytes(data[: max(0, len(data) - length)])
    try:
        read_header(path)
    except GgufError as error:
        assert str(path) in error.message  # noqa: PT017 - either outcome is right, no other is


def test_sizes_are_those_of_ggml() -> None:
    theirs = {kind.value: (kind.name, *size) for kind, size in gguf.GGML_QUANT_SIZES.items()}
    ours = {number: (one.name, one.elements, one.bytes) for number, one in TENSOR_TYPES.items()}
    assert {number: found for number, found in ours.items() if number in theirs} == {
        number: found for number, found in theirs.items() if number in ours
    }
    assert not theirs.keys() - ours.keys(), "a type that this reader does not know"


def test_the_package_gguf_reads_the_same(tmp_path: Path) -> None:
    path = llama(tmp_path / "a.gguf", kind="q4_0", layers=3)
    theirs = gguf.GGUFReader(path)
    assert [(one.name, int(one.n_bytes)) for one in theirs.tensors] == [
        (one.name, one.bytes) for one in read_header(path).tensors
    ]
