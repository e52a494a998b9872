"""The server computes the right thing, and how fast. Numbers are recorded; whether they got worse is judged later."""

from __future__ import annotations

import random
from collections.abc import Callable, Sequence

import pytest

from bakehouse.model.report import Measurement
from bakehouse.model.suite import Subject, Suite
from bakehouse.probes import calibrate, loads, throughput
from bakehouse.testing.bench import Bench
from bakehouse.testing.session import Server

Note = Callable[[str], None]


def test_answers_the_question(subject: Subject, server: Server, note: Note) -> None:
    if subject.workload is None or subject.workload.question is None:
        pytest.skip("the recipe asks no question")
    note(f"it answered {throughput.answers_question(server.url, subject.workload.question)!r}")


@pytest.mark.timeout(7200)
def test_rates(
    suite: Suite,
    bench: Bench,
    random_ids: random.Random,
    record_measurement: Callable[[Sequence[Measurement]], None],
    note: Note,
) -> None:
    measurements = throughput.measure(
        bench.start,
        bench.workload,
        settings=bench.settings(),
        random_ids=random_ids,
        quick=suite.mode == "quick",
        reference=bench.reference,
        host_work=bench.host_work,
        image_size=bench.subject.bytes_compressed,
    )
    note(throughput.summary(measurements))
    note(calibrate.summary(measurements) or "not held against llama-bench")
    record_measurement(measurements)


@pytest.mark.timeout(7200)
def test_workloads(
    suite: Suite,
    bench: Bench,
    random_ids: random.Random,
    record_measurement: Callable[[Sequence[Measurement]], None],
    note: Note,
) -> None:
    if not bench.workload.loads:
        pytest.skip("the recipe names no workloads beside pp and tg")
    measurements = loads.measure_loads(
        bench.start,
        bench.workload,
        settings=bench.settings,
        chance=random_ids,
        quick=suite.mode == "quick",
    )
    note(loads.summary(measurements))
    record_measurement(measurements)
