"""A stack's run as the record of one cell, so that every reporter draws it: each probe and each kill is a test."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import UTC, datetime

import bakehouse
from bakehouse.engine.connection import Engine
from bakehouse.engine.host import describe_host
from bakehouse.machine import detect
from bakehouse.measure.loadgen.replies import Reply
from bakehouse.model.enums import Disturbance, Grade, Verdict, worst
from bakehouse.model.field_types import Unit
from bakehouse.model.report import CellReport, Grading, Measurement, Metric, RunReport, Sample, TestResult
from bakehouse.model.stack import StackLoad
from bakehouse.pipeline.context import Context
from bakehouse.pipeline.project import revision
from bakehouse.pipeline.stack_campaign import Killed
from bakehouse.pipeline.stack_load import Asked
from bakehouse.pipeline.stack_plan import Made
from bakehouse.stacks.plan import Planned

RECIPE = "stack"
_TOGETHER = "all services of the stack share this machine"


def cell_name(stack: str) -> str:
    return f"{RECIPE}-{stack}"


def is_of_stack(run: RunReport) -> bool:
    """Whether it tried a stack, and built no image."""
    return bool(run.cells) and all(cell.recipe == RECIPE for cell in run.cells)


def report_of(
    made: Made,
    context: Context,
    engine: Engine,
    *,
    run: str,
    tests: Sequence[TestResult],
    measurements: Sequence[Measurement],
) -> RunReport:
    """One run with one cell."""
    plan = made.plan
    verdict = worst([test.verdict for test in tests])
    bad = next((test for test in tests if test.verdict is verdict and verdict is not Verdict.PASSED), None)
    now = datetime.now(UTC)
    cell = CellReport(
        name=cell_name(plan.name),
        recipe=RECIPE,
        accelerator="+".join(sorted({service.accelerator for service in plan.services})),
        flag_set="default",
        platform=plan.machine.platform,
        verdict=verdict,
        reason=f"{bad.name}: {bad.message.splitlines()[0] if bad.message else bad.verdict}" if bad else "",
        finished=now,
        tests=list(tests),
        measurements=list(measurements),
    )
    return RunReport(
        run=run,
        bakehouse=bakehouse.__version__,
        command=list(context.command),
        fingerprint="",
        revision=revision(context.root, context.environ),
        started=context.started,
        finished=now,
        verdict=verdict,
        host=describe_host(engine, detect()),
        cells=[cell],
    )


def of_kill(killed: Killed, seconds: float) -> TestResult:
    """A row of the report."""
    said = f"{killed.reason}; {killed.describe()}" if killed.reason else killed.describe()
    return TestResult(
        name=f"kill::{killed.service}", probe="kill", verdict=killed.verdict, seconds=seconds, message=said
    )


def of_load(model: str, asked: Sequence[Asked], how: StackLoad, seconds: float) -> list[Measurement]:
    """Rates and times of one model's requests."""
    replies = [one.result for one in asked if isinstance(one.result, Reply)]
    if not replies or seconds <= 0:
        return []
    settings = how.model_dump(mode="json") | {"kind": "stack"}
    first = [reply.first - reply.sent for reply in replies if reply.first is not None]
    values: list[tuple[Metric, Unit, list[float]]] = [
        ("request_rate", "requests/s", [len(replies) / seconds]),
        ("latency", "seconds", [reply.ended - reply.sent for reply in replies]),
        ("ttft", "seconds", first),
    ]
    return [_measurement(model, metric, unit, found, settings) for metric, unit, found in values if found]


def of_memory(service: Planned, used: int, settings: dict[str, object]) -> Measurement:
    """What a service's container used under load."""
    return _measurement(service.name, "memory", "bytes", [float(used)], settings)


def _measurement(
    workload: str, metric: Metric, unit: Unit, values: Iterable[float], settings: dict[str, object]
) -> Measurement:
    """Right, and not as it would be alone: graded noisy."""
    found = list(values)
    samples = [
        Sample(start=0, repetition=number, value=value, disturbed=Disturbance.OTHER_WORK, reason=_TOGETHER)
        for number, value in enumerate(found)
    ]
    grading = Grading(
        grade=Grade.NOISY,
        low=min(found),
        high=max(found),
        disturbances=[Disturbance.OTHER_WORK],
        reasons=[_TOGETHER],
    )
    return Measurement(workload=workload, metric=metric, unit=unit, samples=samples, settings=settings, grading=grading)
