"""Runs of a task: what each asks, how many requests it takes, and its results. See docs/metrics.md."""

from __future__ import annotations

import math
import random
import statistics
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

import jmespath

from bakehouse.measure.loadgen.answers import Answer
from bakehouse.measure.loadgen.percentiles import percentile, supports
from bakehouse.measure.loadgen.replies import Failure
from bakehouse.measure.metrics import VoidError
from bakehouse.measure.task_requests import Call
from bakehouse.model.report import Metric
from bakehouse.model.work import Task, WorkLimits

EACH = 2
"""Requests of each client in the shortest run."""
MOST = 20_000
"""Requests of one run."""
MOST_BYTES = 64 << 20
"""Of the answers of one run, which are kept until it is over and then held against what is expected."""
ARRIVALS = 20
"""Requests of the shortest run with random arrivals: fewer are no random moments."""
KEPT = 500
"""Requests of a run whose times a sample keeps."""
_SEED = 1
_SHOWN = 5
_PERCENTILES: dict[int, Metric] = {90: "latency_p90", 99: "latency_p99"}

Wrong = Callable[[Answer], str]
"""What of an answer is not as the recipe expects it; empty where all is."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Level:
    """What runs at a time."""

    name: str
    """`embed-b8-1c`: eight inputs a request, one client. `embed-b1-20ps`: 20 requests a second."""
    batch: int
    clients: int | None = None
    """None: requests come when they come."""
    arrivals: float | None = None
    """Requests a second."""


Replies = Sequence[Answer | Failure]
"""In the order of the requests."""


@dataclass(frozen=True, kw_only=True, slots=True)
class TaskFigures:
    """What came of one run, by metric; or why it may not count."""

    values: dict[Metric, float] = field(default_factory=dict)
    reason: str = ""
    shortest: float = 0.0
    """The median latency, in seconds."""
    units: float = 0.0
    """Pieces of work in all answers."""


def levels(task: Task) -> list[Level]:
    """Each batch with one client; then the first batch with more of them, and as it comes."""
    first = task.batches[0]
    pairs = dict.fromkeys([*((batch, 1) for batch in task.batches), *((first, clients) for clients in task.clients)])
    closed = [Level(name=f"{task.name}-b{batch}-{clients}c", batch=batch, clients=clients) for batch, clients in pairs]
    opened = [Level(name=f"{task.name}-b{first}-{rate:g}ps", batch=first, arrivals=rate) for rate in task.arrivals]
    return [*closed, *opened]


def least(level: Level) -> int:
    """Requests of the shortest run."""
    return ARRIVALS if level.arrivals else EACH * (level.clients or 1)


def enough(level: Level, replies: Replies, *, seconds: float) -> int:
    """Requests that take about so many seconds, from how long some of them took."""
    if level.arrivals:
        return min(MOST, max(ARRIVALS, math.ceil(level.arrivals * seconds)))
    answers = [one for one in replies if isinstance(one, Answer)]
    wall = wall_time(answers) if answers else 0.0
    if wall <= 0:
        return least(level)
    clients = level.clients or 1
    largest = max(len(one.content) for one in answers)
    most = min(MOST, MOST_BYTES // max(1, largest))
    rounds = math.ceil(min(most, len(answers) / wall * seconds) / clients)
    return max(EACH, rounds) * clients


def moments(level: Level, count: int) -> tuple[float, ...]:
    """Seconds at which requests come: a Poisson process, the same each time. Empty: as soon as a client is free."""
    if not level.arrivals:
        return ()
    chance = random.Random(_SEED)  # noqa: S311 - no secret
    at, found = 0.0, [0.0]
    for _ in range(count - 1):
        at += chance.expovariate(level.arrivals)
        found.append(at)
    return tuple(found)


def wall_time(answers: Sequence[Answer]) -> float:
    """Seconds from the first request to the last answer."""
    return max(one.ended for one in answers) - min(one.sent for one in answers)


def figures(task: Task, calls: Sequence[Call], replies: Replies, limits: WorkLimits, *, wrong: Wrong) -> TaskFigures:
    """A run's figures. One request that failed makes all of it void: the others had the server to themselves."""
    if failed := _failures(replies):
        return TaskFigures(reason=f"{len(failed)} of {len(replies)} requests failed; the first: {failed[0]}")
    answers = [one for one in replies if isinstance(one, Answer)]
    if bad := [said for one in answers if (said := wrong(one))]:
        words = f"{len(bad)} of {len(replies)} requests were not answered as expected; the first: {bad[0]}"
        return TaskFigures(reason=words)
    try:
        units = sum(units_of(task, call, one) for call, one in zip(calls, answers, strict=True))
    except VoidError as error:
        return TaskFigures(reason=str(error))
    wall = wall_time(answers)
    if wall <= 0:
        return TaskFigures(reason="all answers came at one moment")
    if not units:
        return TaskFigures(reason=f"there were no {task.unit} in any answer")
    times = [one.latency for one in answers]
    values: dict[Metric, float] = {"work_rate": units / wall, "latency": statistics.median(times)}
    if task.unit != "requests":
        values["request_rate"] = len(answers) / wall
    if limits.latency:
        values["goodput"] = sum(time <= limits.latency for time in times) / wall
    values |= {
        metric: percentile(times, share) for share, metric in _PERCENTILES.items() if supports(len(times), share)
    }
    return TaskFigures(values=values, shortest=values["latency"], units=units)


def units_of(task: Task, call: Call, answer: Answer) -> float:
    """Pieces of work in one answer. Raises VoidError where it does not say."""
    if task.count is None:
        return task.units if task.units is not None else call.inputs
    try:
        found = jmespath.search(task.count, answer.json())
    except (ValueError, jmespath.exceptions.JMESPathError) as error:
        raise VoidError(f"{task.count} counts nothing in an answer: {str(error).splitlines()[0]}") from None
    if isinstance(found, bool) or not isinstance(found, int | float) or not 0 <= found < math.inf:
        raise VoidError(f"{task.count} is {found!r} in an answer, and no number of {task.unit}")
    return found


def raw(calls: Sequence[Call], replies: Replies) -> dict[str, Any]:
    """Keep what came, compactly: times in microseconds from the first request on."""
    begun = min((one.sent for one in replies if one.sent), default=0.0)
    answers = [one for one in replies if isinstance(one, Answer)]
    kept = answers[:KEPT]
    return {
        "requests": len(calls),
        "sent_us": [round((one.sent - begun) * 1e6) for one in kept],
        "latency_us": [round(one.latency * 1e6) for one in kept],
        "answer_bytes": statistics.median([len(one.content) for one in answers]) if answers else 0,
        "failed": _failures(replies)[:_SHOWN],
    }


def _failures(replies: Replies) -> list[str]:
    return [one.reason for one in replies if isinstance(one, Failure)]
