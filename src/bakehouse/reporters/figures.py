"""What every report says about a cell in figures: medians and spreads of its measurements, and their units."""

from __future__ import annotations

import statistics
from collections.abc import Sequence
from dataclasses import dataclass

from bakehouse.model.enums import Verdict
from bakehouse.model.field_types import Unit
from bakehouse.model.report import (
    REFERENCE_DECODE_RATE,
    REFERENCE_PROMPT_RATE,
    SERVER_TO_REFERENCE,
    CellReport,
    Measurement,
    Metric,
    Sample,
)
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
