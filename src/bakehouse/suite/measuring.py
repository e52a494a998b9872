"""What a test that measures can ask for: servers to be measured, and the time for it. Loaded by the plugin."""

from __future__ import annotations

import math
import random
import time
from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager
from functools import partial
from pathlib import Path
from typing import Protocol, TypeVar

import pytest

from bakehouse.engine.connection import Engine
from bakehouse.engine.container import Container, Launch, start
from bakehouse.engine.devices import Devices
from bakehouse.measure.workload_runs import output_tokens
from bakehouse.model.report import Measurement
from bakehouse.model.suite import Subject
from bakehouse.probes.series import Series, Turns, take, void_reasons
from bakehouse.servers import SERVERS
from bakehouse.suite.bench import Bench, BenchTool
from bakehouse.suite.budget import LOADS, RATES, WORK
from bakehouse.suite.fixtures import Say
from bakehouse.suite.progress import counter
from bakehouse.suite.served import NOT_RUN
from bakehouse.suite.session import Session
from bakehouse.suite.verdicts import MeasurementVoid
from bakehouse.suite.work_bench import WorkBench

MOST_STARTS = 12
"""Container starts of a measurement whose figures do not get exact."""

Left = Callable[[], float]
"""Seconds."""
B = TypeVar("B", Bench, WorkBench)


class TakeAll(Protocol):
    def __call__(
        self, bench: B, kinds: Sequence[Callable[[B, Left], Series]], *, share: str
    ) -> list[list[Measurement]]:
        """`kinds` make the series of an image under one load each."""


class RecordMeasurement(Protocol):
    def __call__(self, candidate: Sequence[Measurement], baseline: Sequence[Measurement] = ()) -> None: ...


@pytest.fixture
def bench(request: pytest.FixtureRequest, subject: Subject, session: Session, lease: Devices) -> Bench:
    """Starts servers with pinned arguments, to be measured one after the other. Holds the lease."""
    if subject.workload is None:
        pytest.skip("the recipe measures no rates of tokens (probes.throughput)")
    return Bench(
        open_server=session.open_server,
        run=session.suite.run,
        subject=subject,
        workload=subject.workload,
        devices=lease,
        log=lambda: session.log_path(subject.cell, request.node.nodeid),
        kept_samples=session.kept_samples,
        tool=_tool(subject, request, session) if session.suite.calibrate and not subject.workload.is_openai else None,
        is_served=session.suite.served is not None,
    )


def _tool(subject: Subject, request: pytest.FixtureRequest, session: Session) -> BenchTool | None:
    """The family's benchmark program, where the image holds it."""
    tool = SERVERS[subject.server].reference
    if tool is None or tool.program not in request.getfixturevalue("program_folder"):
        return None
    return BenchTool(tool=tool, engine=session.engine)


@pytest.fixture
def work_bench(request: pytest.FixtureRequest, subject: Subject, session: Session, lease: Devices) -> WorkBench:
    """Starts servers to be measured at what their recipe declares. Holds the lease."""
    if subject.work is None:
        pytest.skip("the recipe declares no work")
    has_behind = subject.work.behind is not None
    if has_behind and session.suite.served:
        pytest.skip(NOT_RUN)
    return WorkBench(
        open_server=session.open_server,
        run=session.suite.run,
        subject=subject,
        work=subject.work,
        start_container=partial(_start_with, session.engine) if has_behind else None,
        devices=lease,
        log=lambda: session.log_path(subject.cell, request.node.nodeid),
        kept_samples=session.kept_samples,
    )


def _start_with(engine: Engine, launch: Launch, log: Path) -> AbstractContextManager[Container]:
    return start(engine, launch, log=log)


@pytest.fixture
def take_all(_write_line: Say, session: Session) -> TakeAll:
    """Measure kinds in turn, of the image and, where it has one, of its baseline, in its share of the run's time.

    Says how far it is. Returns all measurements of the image, then those of the baseline.
    """

    def run(bench: B, kinds: Sequence[Callable[[B, Left], Series]], *, share: str) -> list[list[Measurement]]:
        images, starts = bench.with_baseline(), bench.starts
        name = f"{bench.subject.cell} {share}"
        left = session.budget.begin(name)
        turns = Turns(
            wanted=starts,
            most=starts if session.suite.is_fixed else max(starts, MOST_STARTS),
            left=left,
            must_start=share in (RATES, WORK),
            expected=_expected(bench.subject, len(kinds), rate=session.slowest.get(bench.subject.cell))
            if share == LOADS
            else [session.budget.longest(name)] * len(kinds),
        )
        total = starts * len(kinds) if session.suite.is_fixed else None
        tell = counter(bench.subject.cell, _write_line, total=total, left=left)

        latest = time.monotonic()

        def ended(found: Sequence[Measurement]) -> None:
            nonlocal latest
            now = time.monotonic()
            session.budget.note(name, now - latest)
            latest = now
            rates: list[float] = [
                sample.value for one in found if one.metric == "decode_rate" for sample in one.used if sample.value
            ]
            session.slowest[bench.subject.cell] = min(
                [*rates, session.slowest.get(bench.subject.cell, math.inf)], default=math.inf
            )
            tell(found)

        try:
            return take([[kind(each, left) for each in images] for kind in kinds], turns=turns, ended=ended)
        finally:
            session.budget.end(name)

    return run


def _expected(subject: Subject, kinds: int, *, rate: float | None) -> tuple[float, ...]:
    """Seconds that a start of each load may take: its answers one after the other, at the lowest rate that was seen."""
    asked = subject.workload
    if asked is None or rate is None or math.isinf(rate) or kinds != len(asked.loads):
        return ()
    return tuple(output_tokens(load) * (asked.load_repetitions + 1) / rate for load in asked.loads)


@pytest.fixture
def record_measurement(subject: Subject, session: Session) -> RecordMeasurement:
    """Keep measurements, also void ones. Raises MeasurementVoid when a metric has no sample that counts.

    Those of the baseline come second, where there is one; what is void there is said by the comparison.
    """

    def record(candidate: Sequence[Measurement], baseline: Sequence[Measurement] = ()) -> None:
        for measurement in candidate:
            session.writer.measurement(subject.cell, measurement)
        for measurement in baseline:
            session.writer.measurement(subject.cell, measurement, side="baseline")
        reasons = void_reasons(list(candidate))
        if reasons:
            raise MeasurementVoid("; ".join(reasons))

    return record


@pytest.fixture
def random_ids(session: Session, subject: Subject) -> random.Random:
    """Where prompts come from: other ids in each run, so that nothing can have cached them."""
    return random.Random(f"{session.suite.run} {subject.cell}")  # noqa: S311 - no secret
