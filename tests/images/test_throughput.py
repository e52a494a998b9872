"""The server computes the right thing, and how fast. Numbers are recorded; whether they got worse is judged later."""

from __future__ import annotations

import random
from collections.abc import Callable
from functools import partial

import pytest

from bakehouse.model.recipe import Load
from bakehouse.model.suite import Subject
from bakehouse.probes import calibrate, loads, question, throughput, work_rates
from bakehouse.probes.external import Profiled, loads_of
from bakehouse.probes.pace import Pace
from bakehouse.servers import REFERENCE
from bakehouse.suite.bench import Bench
from bakehouse.suite.budget import LOADS, RATES, WORK
from bakehouse.suite.measuring import Left, RecordMeasurement, TakeAll
from bakehouse.suite.served import NOT_RUN
from bakehouse.suite.session import Server
from bakehouse.suite.work_bench import WorkBench

Note = Callable[[str], None]
LONGEST = 6 * 3600
"""Seconds. Seven starts of two images in turn, with a model that takes a minute to answer, last hours."""


def test_answers_the_question(subject: Subject, server: Server, note: Note) -> None:
    asked = subject.workload
    if asked is None or asked.question is None:
        pytest.skip(question.why_not_asked(asked))
    said = question.answers_question(server.url, asked.question, openai=asked.is_openai)
    note(f"it answered {said!r}")


@pytest.mark.timeout(LONGEST)
@pytest.mark.client("bakehouse")
def test_rates(
    bench: Bench, take_all: TakeAll, random_ids: random.Random, record_measurement: RecordMeasurement, note: Note
) -> None:
    lengths = bench.lengths

    def rates(of: Bench, left: Left) -> throughput.Rates:
        return throughput.Rates(
            start=of.start,
            asked=of.workload,
            settings=of.settings(),
            random_ids=random_ids,
            samples=of.samples("rates"),
            reference=of.reference,
            host_work=of.host_work,
            image_size=of.subject.bytes_compressed,
            pace=Pace(starts=of.workload.starts, left=left),
            lengths=lengths,
            warm_ups=of.warm_ups,
        )

    found = take_all(bench, [rates], share=RATES)
    note(throughput.summary(found[0]))
    note(calibrate.summary(found[0]) or f"not held against {REFERENCE}")
    record_measurement(*found)


@pytest.mark.timeout(LONGEST)
@pytest.mark.client("bakehouse")
def test_workloads(
    bench: Bench, take_all: TakeAll, random_ids: random.Random, record_measurement: RecordMeasurement, note: Note
) -> None:
    if not bench.workload.loads:
        pytest.skip("the recipe names no workloads beside pp and tg")
    _refuse_software(bench)
    if bench.is_served:
        pytest.skip(f"{NOT_RUN}: each load has slots and a context of its own")

    def loaded(of: Bench, left: Left, load: Load) -> loads.Loaded:
        return loads.Loaded(
            start=of.start,
            load=load,
            asked=of.workload,
            settings=of.settings(load),
            chance=random_ids,
            samples=of.samples(load.kind, load),
            left=left,
        )

    found = take_all(bench, [partial(loaded, load=load) for load in bench.workload.loads], share=LOADS)
    note(loads.summary(found[0]))
    record_measurement(*found)


@pytest.mark.timeout(LONGEST)
@pytest.mark.client("bakehouse")
def test_work(
    work_bench: WorkBench,
    take_all: TakeAll,
    random_ids: random.Random,
    record_measurement: RecordMeasurement,
    note: Note,
) -> None:
    """What the recipe declares in probes.work, in its own units."""
    counts = work_rates.Counts()

    def rates(of: WorkBench, left: Left) -> work_rates.WorkRates:
        return work_rates.WorkRates(
            start=of.start,
            asked=of.work,
            settings=of.settings(),
            chance=random_ids,
            read=of.read,
            wrong=of.wrong,
            counts=counts,
            samples=of.samples(),
            left=left,
            image_size=of.subject.bytes_compressed,
        )

    found = take_all(work_bench, [rates], share=WORK)
    note(work_rates.summary(found[0]))
    record_measurement(*found)


@pytest.mark.timeout(LONGEST)
@pytest.mark.client("aiperf")
def test_with_aiperf(
    profiled: Callable[[Bench, Load], Profiled],
    bench: Bench,
    take_all: TakeAll,
    record_measurement: RecordMeasurement,
    note: Note,
) -> None:
    _refuse_software(bench)

    def under(load: Load) -> Callable[[Bench, Left], Profiled]:
        return lambda of, _: profiled(of, load)

    found = take_all(bench, [under(load) for load in loads_of(bench.workload)], share=LOADS)
    note(f"{found[0][0].client}: {loads.summary(found[0])}")
    record_measurement(*found)


def _refuse_software(bench: Bench) -> None:
    if bench.devices.is_software:
        pytest.skip("its driver computes on the processor: how that bears many users says nothing of the image")
