from __future__ import annotations

from typing import Any

import pytest

from bakehouse.measure import metrics
from bakehouse.measure.loadgen.replies import Reply
from bakehouse.measure.loadgen.workloads import Request
from bakehouse.measure.metrics import VoidError

REQUEST = Request(prompt=(1,) * 512, output_tokens=128)
GOOD = {"cache_n": 0, "prompt_n": 512, "prompt_ms": 2000.0, "predicted_n": 128, "predicted_ms": 1270.0}


def reply(timings: dict[str, Any] | None = GOOD, **changes: Any) -> Reply:
    fields: dict[str, Any] = {"text": "", "sent": 10.0, "first": 10.5, "ended": 11.77, "chunks": 128}
    return Reply(timings=timings, **(fields | changes))


def test_rates_follow_their_definitions() -> None:
    assert metrics.prompt_rate(reply()) == 256.0
    assert metrics.decode_rate(reply()) == 100.0
    assert metrics.ttft(reply()) == 0.5
    assert metrics.client_decode_rate(reply()) == pytest.approx(100.0)


def test_decode_rate_is_ours_and_not_the_servers() -> None:
    """llama.cpp changed `predicted_per_second` from n / t to (n - 1) / t in 2026-08."""
    assert metrics.decode_rate(reply(GOOD | {"predicted_per_second": 128 / 1.27})) == 100.0


@pytest.mark.parametrize(
    ("timings", "reason"),
    [
        (None, "no timings"),
        (GOOD | {"cache_n": 7}, "7 prompt tokens came from the cache"),
        (GOOD | {"prompt_n": 511}, "512 prompt tokens were asked for and the server counted 511"),
        (GOOD | {"predicted_n": 12}, "128 output tokens were asked for and the server counted 12"),
        ({"prompt_n": 512}, "counted None"),
    ],
)
def test_check_voids_what_was_not_asked_for(timings: dict[str, Any] | None, reason: str) -> None:
    with pytest.raises(VoidError, match=reason):
        metrics.check(reply(timings), REQUEST)


def test_check_accepts_what_was_asked_for() -> None:
    metrics.check(reply(), REQUEST)


@pytest.mark.parametrize("value", [0, -1.0])
def test_a_time_that_cannot_be_is_void(value: float) -> None:
    with pytest.raises(VoidError, match="predicted_ms = "):
        metrics.decode_rate(reply(GOOD | {"predicted_ms": value}))


def test_a_missing_time_is_void() -> None:
    with pytest.raises(VoidError, match="no prompt_ms"):
        metrics.prompt_rate(reply({"prompt_n": 512}))


def test_ttft_without_content_is_void() -> None:
    with pytest.raises(VoidError, match="no chunk"):
        metrics.ttft(reply(first=None))


@pytest.mark.parametrize("changes", [{"first": None}, {"ended": 10.5}, {"timings": None}])
def test_the_clients_rate_is_none_where_it_has_no_meaning(changes: dict[str, Any]) -> None:
    assert metrics.client_decode_rate(reply(**changes)) is None
