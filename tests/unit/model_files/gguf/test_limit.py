from __future__ import annotations

from pathlib import Path

import pytest

from bakehouse.model_files.gguf.header import read_header
from bakehouse.model_files.gguf.limit import Ceiling, Device, Kept, limits_of, model_work
from bakehouse.model_files.gguf.work import Work, kv_type
from tests.unit.model_files.gguf.build import eight_billion

H200 = Device(
    memory=Ceiling(value=4.8e12, source="data sheet of h200"),
    compute=Ceiling(value=989e12, source="data sheet of h200"),
)
SETTINGS = {"prompt_tokens": 4096, "output_tokens": 128}
KEPT = Kept()


@pytest.fixture
def big(tmp_path: Path) -> Work:
    """The 8B shape of docs/limits.md, with SmolLM2's vocabulary as it was measured: 4.15 GB."""
    return Work(read_header(eight_billion(tmp_path / "8b.gguf", vocabulary=49152)))


def test_one_user_is_bound_by_memory(big: Work) -> None:
    """Measured on an H200: 307 tokens/s, which was found to be 26 % by hand."""
    memory, compute = limits_of("decode_rate", SETTINGS, big, H200, KEPT)
    assert (memory.by, compute.by) == ("memory", "compute")
    cache = 64 * 32 * 2 * 8 * 128 * 2
    assert memory.work == pytest.approx(big.weights + cache)
    assert memory.rate == pytest.approx(4.8e12 / (big.weights + cache))
    assert 307 / memory.rate == pytest.approx(0.26, abs=0.01)


def test_a_long_prompt_is_bound_by_computing(big: Work) -> None:
    """Measured: 10,100 tokens/s, about 15 % of the dense bf16 rate."""
    compute, memory = limits_of("prompt_rate", SETTINGS, big, H200, KEPT)
    assert (compute.by, memory.by) == ("compute", "memory")
    assert 10_100 / compute.rate == pytest.approx(0.15, abs=0.01)


def test_a_short_prompt_is_bound_by_memory(big: Work) -> None:
    first, _ = limits_of("prompt_rate", SETTINGS | {"prompt_tokens": 16}, big, H200, KEPT)
    assert first.by == "memory"


def test_the_types_of_the_cache_count(big: Work) -> None:
    small = Kept(key=kv_type("q8_0"), value=kv_type("q8_0"))
    longer = SETTINGS | {"output_tokens": 65536}
    wide, narrow = (limits_of("decode_rate", longer, big, H200, kept)[0] for kept in (KEPT, small))
    assert narrow.rate > 1.2 * wide.rate


def test_of_what_is_not_known_nothing_is_said(big: Work) -> None:
    assert limits_of("decode_rate", SETTINGS, big, Device(), KEPT) == []
    assert [one.by for one in limits_of("decode_rate", SETTINGS, big, Device(memory=H200.memory), KEPT)] == ["memory"]
    assert limits_of("ttft", SETTINGS, big, H200, KEPT) == []
    assert limits_of("decode_rate", {"kind": "chat"} | SETTINGS, big, H200, KEPT) == []
    assert limits_of("decode_rate", {}, big, H200, KEPT) == []


def test_what_a_report_says_of_the_model(big: Work) -> None:
    said = model_work("big", big, KEPT)
    assert (said.name, said.architecture, said.bytes_per_token) == ("big", "llama", big.weights)
    assert [(one.tokens, one.bytes) for one in said.cache_bytes] == [(512, 512 * 131072)]
    assert said.operations_per_prompt_token == 2 * big.products
