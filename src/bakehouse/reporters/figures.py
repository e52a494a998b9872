"""What every report says about a cell: the figures of its row, and what went wrong."""

from __future__ import annotations

import re
import statistics
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Protocol

from bakehouse.formatting import count
from bakehouse.model.enums import SEVERITY, Verdict
from bakehouse.model.field_types import Unit
from bakehouse.model.report import (
    REFERENCE_DECODE_RATE,
    REFERENCE_PROMPT_RATE,
    SERVER_TO_REFERENCE,
    BuildResult,
    CellReport,
    Measurement,
    Metric,
    RunReport,
    Sample,
)
from bakehouse.reporters import grades, logs
from bakehouse.servers import REFERENCE

METRICS: dict[Metric, tuple[str, str]] = {
    "prompt_rate": ("Prompt rate", "prompt tokens / prompt time, with the cache empty"),
    "decode_rate": ("Decode rate", "(tokens - 1) / (end - first token), one request at a time"),
    "system_rate": ("System rate", "output tokens of all users / time from the first request to the last answer"),
    "system_prompt_rate": ("System prompt rate", "prompt tokens of all users / the same time"),
    "request_rate": ("Request rate", "answers / the same time"),
    "work_rate": ("Rate", "units of work of all answers / time from the first request to the last answer"),
    "goodput": ("Goodput", "answers that kept the recipe's limits / the same time"),
    "ttft": ("Time to first token", "from the request's first byte sent to the first chunk with generated content"),
    "ttft_p90": ("Time to first token, 90 %", "90 % of the requests waited less"),
    "ttft_p99": ("Time to first token, 99 %", "99 % of the requests waited less"),
    "itl": ("Time between tokens", "gap between two chunks of one token each"),
    "itl_p90": ("Time between tokens, 90 %", "90 % of the gaps were shorter"),
    "itl_p99": ("Time between tokens, 99 %", "99 % of the gaps were shorter"),
    "tpot": ("Time per output token", "(end - first token) / (tokens - 1)"),
    "tpot_p90": ("Time per output token, 90 %", "less in 90 % of the answers"),
    "tpot_p99": ("Time per output token, 99 %", "less in 99 % of the answers"),
    "latency": ("Time to the whole answer", "from the request's first byte sent to the last chunk"),
    "latency_p90": ("Time to the whole answer, 90 %", "90 % of the requests were done sooner"),
    "latency_p99": ("Time to the whole answer, 99 %", "99 % of the requests were done sooner"),
    "added_latency": (
        "Added to an answer",
        "the median time to the whole answer, less that of as many requests sent to what is behind the server",
    ),
    "port_open": ("Time to an open port", "from the container's start to the first answer of any kind"),
    "time_to_healthy": ("Time to healthy", "from the container's start to the first healthy answer"),
    "first_token": ("Time to the first token of all", "from the container's start to a token of the first request"),
    "first_answer": ("Time to the first answer of all", "from the container's start to the first answer's end"),
    "steady": ("Time to a steady rate", "from the container's start to the first answer as quick as later ones"),
    "memory": ("Memory", "the most the container used"),
    "create": ("Time to create", "the engine's time to make the container, before it is started"),
    "image_size": ("Size to pull", "compressed bytes of all layers"),
    "energy_per_token": ("Energy per token", "what the device used while it decoded / output tokens"),
    "energy_per_prompt_token": ("Energy per prompt token", "what the device used while it read prompts / their tokens"),
    "energy_per_unit": ("Energy per unit", "what the device used while it worked / units of work of all answers"),
    "client_prompt_rate": ("Prompt rate by the client", "prompt tokens / time to first token"),
    "client_decode_rate": ("Decode rate by the client", "(tokens - 1) / (end - first token), on the client's clock"),
    REFERENCE_PROMPT_RATE: (f"Prompt rate by {REFERENCE}", "in the same image, with the same settings"),
    "unstreamed_decode_rate": ("Decode rate in one piece", "the server's, of answers that it does not stream"),
    REFERENCE_DECODE_RATE: (f"Decode rate by {REFERENCE}", "in the same image, with the same settings"),
    "client_to_server": ("Client against server", "the client's decode rate / the server's"),
    "request_overhead": (
        "Beside the computing",
        f"what a request takes longer by the server than by {REFERENCE}",
    ),
    SERVER_TO_REFERENCE: (f"Server against {REFERENCE}", f"the server's rate / {REFERENCE}'s"),
}
"""Metric to its name and its definition (docs/reports.md says more)."""

_UNITS: dict[Metric, Unit] = {
    "work_rate": "units/s",
    "request_rate": "requests/s",
    "goodput": "requests/s",
    "energy_per_token": "joules/token",
    "energy_per_prompt_token": "joules/token",
    "energy_per_unit": "joules/unit",
    "client_to_server": "ratio",
    SERVER_TO_REFERENCE: "ratio",
    "memory": "bytes",
    "image_size": "bytes",
}
"""Of metrics that are neither times nor rates of tokens."""
LARGEST = 1e18
"""No quantity of ours comes near."""
_QUARTILES_NEED = 4
_BOOKKEEPING = re.compile(r"^\[(\S+ )?(internal|context [^]]*|auth)\]|^(\[\S+\] )?exporting to")


class Judged(Protocol):
    @property
    def verdict(self) -> Verdict: ...


@dataclass(frozen=True, kw_only=True, slots=True)
class Summary:
    """Counted samples of one metric, in its unit."""

    median: float
    low: float
    high: float
    quartiles: tuple[float, float] | None
    """First and third, from four samples on."""
    counted: int
    void: int

    @property
    def spread(self) -> float:
        """(highest - lowest) / median; 0 where the median is 0."""
        return (self.high - self.low) / self.median if self.median else 0.0


@dataclass(frozen=True, kw_only=True, slots=True)
class Problem:
    """Something of a cell that is not passed, with what one needs to understand it."""

    what: str
    """`build`, `proof linkage`, `test_health.py::test_becomes_healthy`."""
    verdict: Verdict
    message: str
    lines: tuple[str, ...] = ()
    log: str = ""
    """Path relative to the run's folder; empty where there is none."""


def summarize(samples: Sequence[Sample]) -> Summary | None:
    """None where no sample counts: a void sample is never averaged in, nor is what can be no measurement."""
    values = sorted(
        sample.value for sample in samples if sample.verdict is Verdict.PASSED and abs(sample.value) < LARGEST
    )
    if not values:
        return None
    quartiles = None
    if len(values) >= _QUARTILES_NEED:
        first, _, third = statistics.quantiles(values, n=4, method="inclusive")
        quartiles = (first, third)
    return Summary(
        median=statistics.median(values),
        low=values[0],
        high=values[-1],
        quartiles=quartiles,
        counted=len(values),
        void=sum(sample.verdict is Verdict.VOID for sample in samples),
    )


def of_measurement(measurement: Measurement) -> Summary | None:
    """Of the samples that its figures are made of: see `Measurement.used`."""
    void = [sample for sample in measurement.samples if sample.verdict is Verdict.VOID]
    return summarize([*measurement.used, *void])


def void_because(measurement: Measurement) -> str:
    """Why samples do not count, each reason once; empty where none says one."""
    return "; ".join(dict.fromkeys(sample.reason for sample in measurement.samples if sample.reason))


def find(cell: CellReport, metric: Metric) -> Measurement | None:
    """The cell's first measurement of a metric that is not short: the one its row shows."""
    found = [measurement for measurement in cell.measurements if measurement.metric == metric]
    return next((one for one in found if not one.short), found[0] if found else None)


def short_of(cell: CellReport, metric: Metric) -> Measurement | None:
    """What `find` was measured in the stead of."""
    return next((one for one in cell.measurements if one.metric == metric and one.short), None)


def summary_of(cell: CellReport, metric: Metric) -> Summary | None:
    measurement = find(cell, metric)
    return of_measurement(measurement) if measurement else None


def median_of(cell: CellReport, metric: Metric) -> float | None:
    summary = summary_of(cell, metric)
    return summary.median if summary else None


def units(cells: Sequence[CellReport]) -> dict[tuple[str, str, str], Unit]:
    """By cell, workload and metric: what was measured says its own unit."""
    return {(cell.name, one.workload, str(one.metric)): one.unit for cell in cells for one in cell.measurements}


def unit_of(metric: Metric) -> Unit:
    """Where no measurement says it."""
    if metric in _UNITS:
        return _UNITS[metric]
    return "tokens/s" if metric.endswith("_rate") else "seconds"


def passed(parts: Sequence[Judged]) -> int:
    return sum(part.verdict is Verdict.PASSED for part in parts)


def proved(checks: Sequence[Judged]) -> tuple[int, int]:
    """How many proofs passed, of those that have something to prove on this image."""
    asked = [check for check in checks if check.verdict is not Verdict.SKIPPED]
    return passed(asked), len(asked)


def proof_words(checks: Sequence[Judged]) -> str:
    """`13 of 13`. Empty where nothing was looked at."""
    good, asked = proved(checks)
    return f"{good} of {asked}" if asked else ""


def together(cells: Sequence[CellReport], *, folder: Path) -> list[tuple[list[CellReport], list[Problem]]]:
    """Cells that are not passed, with their problems. Those that have the same to say, and no evidence, are one."""
    found: dict[object, tuple[list[CellReport], list[Problem]]] = {}
    for number, cell in enumerate(cells):
        if cell.verdict is Verdict.PASSED:
            continue
        here = problems(cell, folder=folder)
        is_plain = all(problem.what == "cell" for problem in here)
        key = (cell.verdict, *(problem.message for problem in here)) if is_plain else number
        found.setdefault(key, ([], here))[0].append(cell)
    return list(found.values())


def verdict_words(parts: Sequence[Judged]) -> str:
    """`13 passed, 1 skipped`."""
    return ", ".join(f"{number} {verdict}" for verdict, number in _counts(parts))


def cached_share(build: BuildResult) -> float | None:
    """How many of the steps came from the cache, 0 to 1; None where there were no steps that can.

    BuildKit never caches its own bookkeeping: reading files from us, writing the image.
    """
    steps = [step for step in build.steps if not _BOOKKEEPING.search(step.name)]
    return sum(step.cached for step in steps) / len(steps) if steps else None


def tally(run: RunReport) -> list[tuple[Verdict, int]]:
    """How many cells have each verdict; verdicts that no cell has are left out; passed first."""
    return _counts(run.cells)


def headline(run: RunReport) -> str:
    """One sentence for the top of every report."""
    if not run.cells:
        words = "No cell was built"
    elif (good := passed(run.cells)) == len(run.cells):
        words = "The only cell passed" if good == 1 else f"All {good} cells passed"
    else:
        rest = ", ".join(f"{number} {verdict}" for verdict, number in tally(run) if verdict is not Verdict.PASSED)
        words = f"{good} of {count(len(run.cells), 'cell')} passed, {rest}"
    if remark := grades.remark(run.cells):
        words += f", {remark}"
    return words if run.finished else f"{words}; the run is not finished"


def short_reason(reason: str) -> str:
    """Without the places that were tried: `no base rocm-7.2 for linux/amd64`."""
    return reason.partition(" (tried")[0]


def run_seconds(run: RunReport) -> float | None:
    return _between(run.started, run.finished) if run.finished else None


def problems(cell: CellReport, *, folder: Path) -> list[Problem]:
    """Everything of a cell that is failed or errored; a reason that nothing else explains comes first."""
    found: list[Problem] = []
    if cell.build and _is_bad(cell.build):
        step = next((step for step in cell.build.steps if step.error), None)
        message = cell.build.reason or (step.error if step else "")
        lines = tuple(cell.build.tail) or logs.tail(folder, cell.build.log)
        found.append(
            Problem(what="build", verdict=cell.build.verdict, message=message, lines=lines, log=cell.build.log),
        )
    found += [
        Problem(what=f"proof {check.name}", verdict=check.verdict, message=check.message, lines=tuple(check.details))
        for check in cell.checks
        if _is_bad(check)
    ]
    found += [
        Problem(
            what=test.name,
            verdict=test.verdict,
            message=test.message,
            lines=logs.tail(folder, test.container_log),
            log=test.container_log,
        )
        for test in cell.tests
        if _is_bad(test)
    ]
    if not found and cell.verdict is not Verdict.PASSED:
        found = [Problem(what="cell", verdict=cell.verdict, message=cell.reason or "no reason was recorded")]
    return found


def _counts(parts: Sequence[Judged]) -> list[tuple[Verdict, int]]:
    order = [Verdict.PASSED, *(verdict for verdict in SEVERITY if verdict is not Verdict.PASSED)]
    counts = [(verdict, sum(part.verdict is verdict for part in parts)) for verdict in order]
    return [(verdict, number) for verdict, number in counts if number]


def _is_bad(part: Judged) -> bool:
    return part.verdict in (Verdict.FAILED, Verdict.ERRORED)


def _between(start: datetime, end: datetime) -> float:
    """Seconds; a file that mixes times with and without a zone still gives a number."""
    if (start.tzinfo is None) != (end.tzinfo is None):
        start, end = start.replace(tzinfo=None), end.replace(tzinfo=None)
    return max(0.0, (end - start).total_seconds())
