from __future__ import annotations

from typing import Any

import pytest

from bakehouse.model.enums import Disturbance, Grade
from bakehouse.model.report import CellReport, Grading, Measurement, Sample
from bakehouse.reporters.calibration import calibrations, shortfalls
from tests.unit.reporters.sample import errored_cell, sample_run
from tests.unit.reporters.world import measured


def held(metric: str, pairs: list[tuple[Any, Any]], *, gate: Any = 0.03, allowed: float = 0.0) -> Measurement:
    samples = [
        Sample(start=number, repetition=0, value=one / other if other else 0, raw={"first": one, "second": other})
        for number, (one, other) in enumerate(pairs)
    ]
    return measured("tg128", metric, "ratio", samples, {"gate": gate, "allowed_s": allowed})


def cell(*measurements: Measurement) -> CellReport:
    return errored_cell().model_copy(update={"measurements": list(measurements)})


def test_three_clocks_in_a_row() -> None:
    both = cell(
        held("client_to_server", [(99.9, 100), (100, 100), (100.1, 100)], gate=0.01),
        held("server_to_llama_bench", [(100, 96), (100, 96), (100, 96)]),
    )
    (row,) = calibrations([both])
    assert row.client
    assert row.bench
    assert (row.client_rate, row.server, row.bench.second) == (100, 100, 96)
    assert (row.client.agrees, row.bench.agrees, row.agrees) == (True, False, False)
    assert row.bench.difference == pytest.approx(0.0417, abs=1e-4)


def test_what_streaming_costs_is_told_where_it_is_known() -> None:
    rate = measured("tg128", "unstreamed_decode_rate", "tokens/s", [Sample(start=0, repetition=0, value=100)], {})
    pairs = [held("client_to_server", [(95, 95)]), held("server_to_llama_bench", [(100, 101)])]
    (row,) = calibrations([cell(rate, *pairs)])
    assert (row.server, row.unstreamed) == (95, 100)
    assert row.streaming == pytest.approx(0.05)
    (plain,) = calibrations([cell(*pairs)])
    assert (plain.unstreamed, plain.streaming) == (None, None)


def test_one_pair_is_enough() -> None:
    (row,) = calibrations([cell(held("client_to_server", [(99, 100)]))])
    assert (row.bench, row.server) == (None, 100)


def test_the_clients_rate_is_shown_where_no_gate_holds_it() -> None:
    rate = measured("tg128", "client_decode_rate", "tokens/s", [Sample(start=0, repetition=0, value=98)], {})
    (row,) = calibrations([cell(rate, held("server_to_llama_bench", [(100, 99)]))])
    assert (row.client, row.client_rate) == (None, 98)


@pytest.mark.parametrize("raw", [{}, {"first": "x", "second": None}, {"first": True, "second": True}])
def test_what_has_no_rates_is_left_out(raw: dict[str, Any]) -> None:
    broken = measured("tg128", "client_to_server", "ratio", [Sample(start=0, repetition=0, value=1, raw=raw)], {})
    assert calibrations([cell(broken)]) == ()


def test_a_run_without_a_calibration_has_none() -> None:
    assert calibrations(sample_run().cells) == ()


def test_what_a_request_may_cost_beside_the_computing_is_no_disagreement() -> None:
    pairs = [(400.0, 450.0)] * 3
    (strict,), (mild,) = (
        calibrations([cell(held("server_to_llama_bench", pairs, allowed=each))]) for each in (0.0, 5e-4)
    )
    assert strict.bench
    assert mild.bench
    assert (strict.agrees, mild.agrees) == (False, True)
    assert strict.bench.difference == mild.bench.difference


@pytest.mark.parametrize(
    ("pairs", "grading", "is_said"),
    [
        ([(81, 100)] * 3, Grading(grade=Grade.EXACT), True),
        ([(81, 100)] * 3, Grading(grade=Grade.NOISY, disturbances=[Disturbance.OTHER_WORK]), True),
        ([(81, 100)] * 3, Grading(grade=Grade.NOISY, disturbances=[Disturbance.CLOCKS]), False),
        ([(81, 100)] * 3, Grading(grade=Grade.VOID), False),
        ([(99, 100)] * 3, Grading(grade=Grade.EXACT), False),
    ],
    ids=["exact", "noisy", "both scatter", "void", "agree"],
)
def test_a_server_that_falls_short_is_said_where_its_rate_counts(
    pairs: list[tuple[Any, Any]], grading: Grading, is_said: bool
) -> None:
    rate = measured("tg128", "decode_rate", "tokens/s", [Sample(start=0, repetition=0, value=81)], {})
    found = shortfalls([cell(rate.model_copy(update={"grading": grading}), held("server_to_llama_bench", pairs))])
    said = f"{errored_cell().name} tg128: the server is 19% slower than llama-bench in its image"
    assert found == ([said] if is_said else [])
