"""A cell whose work is no tokens."""

from __future__ import annotations

from typing import Any

from bakehouse.model.enums import Disturbance, Verdict
from bakehouse.model.report import CellReport, Measurement, Metric, Sample, TestResult
from bakehouse.stats.grading import graded
from tests.unit.reporters.world import cell


def work_cell(*, scale: float = 1.0, disturbed: bool = False) -> CellReport:
    """An embedder: batches of 1 and 8, 1 and 4 clients, and random arrivals."""
    base = cell("embedder-cpu-amd64", seed=1, rates=(1, 1))
    levels: list[tuple[str, float, dict[str, Any]]] = [
        ("embed-b1-1c", 100.0, {"batch": 1, "clients": 1}),
        ("embed-b8-1c", 400.0, {"batch": 8, "clients": 1}),
        ("embed-b1-4c", 250.0, {"batch": 1, "clients": 4}),
        ("embed-b1-20ps", 20.0, {"batch": 1, "arrivals": 20.0}),
    ]
    found = [
        one
        for workload, rate, how in levels
        for one in (
            measured(workload, "work_rate", "embeddings/s", rate * scale, how, disturbed=disturbed),
            measured(workload, "latency", "seconds", 1 / rate, how),
            measured(workload, "latency_p90", "seconds", 1.2 / rate, how),
        )
    ]
    tests = [TestResult(name="test_throughput.py::test_work", probe="throughput", verdict=Verdict.PASSED, seconds=9.0)]
    return base.model_copy(update={"recipe": "embedder", "measurements": found, "tests": tests, "model": None})


def measured(
    workload: str, metric: Metric, unit: str, middle: float, how: dict[str, Any], *, disturbed: bool = False
) -> Measurement:
    """Three starts of three repetitions."""
    why = Disturbance.OTHER_WORK if disturbed else None
    samples = [
        Sample(start=start, repetition=number, value=middle * (1 + 0.001 * (start + number)), disturbed=why)
        for start in range(3)
        for number in range(3)
    ]
    settings = {"task": {"name": "embed", "unit": "embeddings"}, "device": "cpu", **how}
    return graded(Measurement(workload=workload, metric=metric, unit=unit, samples=samples, settings=settings))
