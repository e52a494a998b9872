from __future__ import annotations

import json
from pathlib import Path
from statistics import median

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bakehouse.measure.request_cost import MOST, RequestCost, request_cost

RECORDED = json.loads((Path(__file__).parents[1] / "probes/data/h200-lengths.json").read_text())
"""Milliseconds of prompts on an H200 (driver 580.159.04), of a model of 135 million and one of 8 billion parameters."""


def recorded(model: str, after: str) -> RequestCost:
    server = {
        row["tokens"]: median(row["each"][2:]) / 1e3
        for row in RECORDED["server_ms"]
        if (row["model"], row["after"]) == (model, after)
    }
    bench = {int(tokens): median(each) / 1e3 for tokens, each in RECORDED["llama_bench_ms"][model].items()}
    found = request_cost(server, bench)
    assert found is not None
    return found


@pytest.mark.parametrize(
    ("model", "after", "least", "most"),
    [
        ("small", "after-decode", 1.3e-3, 2.6e-3),
        ("big", "after-decode", 1.3e-3, 2.6e-3),
        ("big", "back-to-back", 0.2e-3, 1.3e-3),
    ],
)
def test_the_recorded_lengths_of_a_fast_card(model: str, after: str, least: float, most: float) -> None:
    """25 % of a prompt of 9 ms and 5 % of one of 50 ms are the same two milliseconds."""
    found = recorded(model, after)
    assert least < found.constant < most
    assert abs(found.share) < 0.05
    assert found.lengths == 4


def close(found: RequestCost | None, *, constant: float, share: float, lengths: int) -> bool:
    assert found is not None
    return abs(found.constant - constant) < 1e-9 and abs(found.share - share) < 1e-9 and found.lengths == lengths


def test_a_slope_is_no_constant() -> None:
    bench = {512: 0.05, 2048: 0.2, 4096: 0.4}
    found = request_cost({tokens: 1.2 * time + 0.002 for tokens, time in bench.items()}, bench)
    assert close(found, constant=0.002, share=0.2, lengths=3)


def test_one_length_shows_no_slope() -> None:
    assert close(request_cost({512: 0.0112}, {512: 0.0088}), constant=0.0024, share=0.0, lengths=1)
    share = (0.0278 - 0.0088 - MOST) / 0.0088
    assert close(request_cost({512: 0.0278}, {512: 0.0088}), constant=MOST, share=share, lengths=1)
    assert close(request_cost({512: 0.008}, {512: 0.01}), constant=0.0, share=-0.2, lengths=1)


def test_lengths_that_take_equally_long_are_one() -> None:
    found = request_cost({512: 0.052, 513: 0.053}, {512: 0.05, 513: 0.05})
    assert found is not None
    assert found.lengths == 1


def test_one_disturbed_length_of_four_moves_nothing() -> None:
    bench = {64: 0.01, 512: 0.05, 2048: 0.2, 4096: 0.4}
    server = {tokens: time + 0.002 for tokens, time in bench.items()} | {512: 0.3}
    found = request_cost(server, bench)
    assert found is not None
    assert found.constant == pytest.approx(0.002, abs=0.001)


def test_nothing_in_common() -> None:
    assert request_cost({512: 1.0}, {64: 1.0}) is None
    assert request_cost({512: 1.0}, {512: 0.0}) is None


@given(
    st.floats(0, 0.01),
    st.floats(-0.3, 0.3),
    st.lists(st.floats(0.01, 10), min_size=2, max_size=6, unique_by=lambda x: round(x, 2)),
)
def test_a_line_is_found_again(constant: float, share: float, times: list[float]) -> None:
    bench = dict(enumerate(times, start=1))
    if max(times) < 1.5 * min(times):
        return
    found = request_cost({tokens: constant + (1 + share) * time for tokens, time in bench.items()}, bench)
    assert found is not None
    assert found.constant == pytest.approx(constant, abs=1e-9)
    assert found.share == pytest.approx(share, abs=1e-9)
