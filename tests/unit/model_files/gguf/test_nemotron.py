"""A made model: read by the reference reader, and of the form that the real one has."""

from __future__ import annotations

import hashlib
from pathlib import Path

import gguf
import numpy as np
import pytest
import yaml

from bakehouse.model_files.gguf.header import read_header
from bakehouse.model_files.gguf.nemotron import BLOCKS, nemotron_h_moe, words
from bakehouse.model_files.gguf.work import Work

ROW = yaml.safe_load((Path(__file__).parents[4] / "matrix.yaml").read_text(encoding="utf-8"))["models"][
    "nemotron-h-moe-random"
]


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("made") / "made.gguf"
    path.write_bytes(b"".join(nemotron_h_moe()))
    return path


def test_it_is_the_one_that_the_matrix_pins(made: Path) -> None:
    assert made.stat().st_size == ROW["size"]
    assert hashlib.sha256(made.read_bytes()).hexdigest() == ROW["sha256"]


def test_the_reference_reader_reads_it(made: Path) -> None:
    reader = gguf.GGUFReader(made)
    tensors = {tensor.name: tensor for tensor in reader.tensors}

    assert len(tensors) == 401
    assert tensors["token_embd.weight"].shape.tolist() == [128, len(words())]
    assert Work(read_header(made)).vocabulary == len(words())
    assert tensors["blk.0.ssm_a"].data.ravel().tolist() == [-1.0] * 4
    weights = tensors["blk.1.ffn_up_exps.weight"].data.astype(np.float64)
    assert weights.shape == (16, 64, 128)
    assert (weights.mean(), weights.std()) == (pytest.approx(0, abs=1e-3), pytest.approx(128**-0.5, rel=0.01))
    key = reader.fields["tokenizer.ggml.tokens"]
    assert [bytes(key.parts[at]).decode() for at in key.data] == words()


def test_its_blocks_are_those_of_the_real_one(made: Path) -> None:
    header = read_header(made)
    kv, ff = header.of("attention.head_count_kv"), header.of("feed_forward_length")

    assert (len(BLOCKS), BLOCKS.count("M"), BLOCKS.count("E"), BLOCKS.count("*")) == (52, 23, 23, 6)
    assert isinstance(kv, tuple)
    assert isinstance(ff, tuple)
    assert ["*" if heads else "E" if width else "M" for heads, width in zip(kv, ff, strict=True)] == list(BLOCKS)
    assert header.number("attention.head_count") == 4, "a list of it, with 0 for the first block, has no head at all"


def test_its_work_can_be_counted(made: Path) -> None:
    """By the same rules as that of any hybrid model: attention in six blocks, a constant state in the others."""
    work = Work(read_header(made))

    assert work.state > 0
    assert work.cache(depth=1000) == 2 * work.cache(depth=500) == 6 * 1000 * 2 * 2 * 2 * 128
