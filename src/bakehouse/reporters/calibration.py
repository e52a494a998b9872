"""The same rate by three clocks: the client's, the server's own, a benchmark program's (docs/measuring.md)."""

from __future__ import annotations

import statistics
from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TypeGuard

from bakehouse.model.enums import Disturbance, Grade
from bakehouse.model.report import SERVER_TO_REFERENCE, CellReport, Measurement
from bakehouse.reporters import grades
from bakehouse.servers import REFERENCE
from bakehouse.stats.ratio import ratio_left

CLIENT, BENCH = "client_to_server", SERVER_TO_REFERENCE
"""Metrics whose samples are ratios of two rates, one for each container start; `raw` holds the two as `first` and
`second`, and `settings` the `gate`. probes/agreements.py records them."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Held:
    """Two clocks side by side."""

    first: float
    second: float
    """Rates: medians over the starts."""
    difference: float
    """As a share of the second: 0.01 is 1 % more. Median over the starts."""
    gate: float | None
    """What may differ; None where it is unknown."""
    left: float
    """What is left of the difference without the time that the first may take beside the computing."""

    @property
    def agrees(self) -> bool:
        return self.gate is None or abs(self.left) <= self.gate


@dataclass(frozen=True, kw_only=True, slots=True)
class Calibration:
    cell: str
    workload: str
    server: float
    """Of streamed answers."""
    unstreamed: float | None
    """Of answers in one piece, where those were held against the benchmark program."""
    client_rate: float | None
    client: Held | None
    bench: Held | None

    @property
    def streaming(self) -> float | None:
        """What sending each token at once costs, as a share of the rate."""
        return 1 - self.server / self.unstreamed if self.unstreamed else None

    @property
    def agrees(self) -> bool:
        return all(held.agrees for held in (self.client, self.bench) if held)


def calibrations(cells: Sequence[CellReport]) -> tuple[Calibration, ...]:
    """A row for each workload whose rates were held side by side; none where nothing was."""
    found = []
    for cell in cells:
        by_workload: dict[str, dict[str, Held]] = defaultdict(dict)
        clients = {
            one.workload: statistics.median(one.counted)
            for one in cell.measurements
            if str(one.metric) in ("client_prompt_rate", "client_decode_rate") and one.counted
        }
        for measurement in cell.measurements:
            name = str(measurement.metric)
            if name in (CLIENT, BENCH) and (held := _held(measurement)):
                by_workload[measurement.workload][name] = held
        whole = {one.workload for one in cell.measurements if one.metric == "unstreamed_decode_rate" and one.counted}
        found += [
            _row(cell.name, workload, held, clients.get(workload), is_whole=workload in whole)
            for workload, held in by_workload.items()
        ]
    return tuple(found)


def shortfalls(cells: Sequence[CellReport]) -> list[str]:
    """In words, each server that is slower than the benchmark program of its image, where its rate counts all the same.

    A rate that is void or noisy for this very difference says so itself.
    """
    doubted = {
        (cell.name, one.workload)
        for cell in cells
        for one in cell.measurements
        if one.metric in grades.RATES and (one.grade is Grade.VOID or Disturbance.CLOCKS in _disturbances(one))
    }
    return [
        f"{row.cell} {row.workload}: the server is {-row.bench.difference:.0%} slower than {REFERENCE} in its image"
        for row in calibrations(cells)
        if row.bench and not row.bench.agrees and row.bench.difference < 0 and (row.cell, row.workload) not in doubted
    ]


def _disturbances(measurement: Measurement) -> list[Disturbance]:
    return measurement.grading.disturbances if measurement.grading else []


def _row(
    cell: str, workload: str, held: Mapping[str, Held], client_rate: float | None, *, is_whole: bool
) -> Calibration:
    client, bench = held.get(CLIENT), held.get(BENCH)
    server = client.second if client else bench.first if bench else 0.0
    return Calibration(
        cell=cell,
        workload=workload,
        server=server,
        unstreamed=bench.first if bench and is_whole else None,
        client_rate=client.first if client else client_rate,
        client=client,
        bench=bench,
    )


def _held(measurement: Measurement) -> Held | None:
    pairs = [(sample.raw.get("first"), sample.raw.get("second"), sample.value) for sample in measurement.samples]
    known = [(one, other, ratio) for one, other, ratio in pairs if _is_rate(one) and _is_rate(other)]
    if not known:
        return None
    gate, allowed = measurement.settings.get("gate"), measurement.settings.get("allowed_s")
    seconds = float(allowed) if _is_rate(allowed) else 0.0
    return Held(
        first=statistics.median(float(one) for one, _, _ in known),
        second=statistics.median(float(other) for _, other, _ in known),
        difference=statistics.median(ratio for _, _, ratio in known) - 1,
        gate=float(gate) if _is_rate(gate) else None,
        left=statistics.median(
            ratio_left(float(one), float(other), seconds) if one and other else 1.0 for one, other, _ in known
        )
        - 1,
    )


def _is_rate(value: object) -> TypeGuard[float]:
    return isinstance(value, int | float) and not isinstance(value, bool)
