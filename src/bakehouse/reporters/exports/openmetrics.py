"""`openmetrics.txt`: gauges for Prometheus, for example through node_exporter's textfile collector.

OpenMetrics 1.0 (https://prometheus.io/docs/specs/om/open_metrics_spec/), with nothing in it that Prometheus' older
text format lacks: no `info` type, no time stamps.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator
from pathlib import Path

from bakehouse.model.report import RunReport
from bakehouse.reporters import figures
from bakehouse.reporters.exports.measured import FOLDER, measured
from bakehouse.reporters.text import one_line

file = f"{FOLDER}/openmetrics.txt"

_Sample = tuple[dict[str, str], float]


def render(run: RunReport, *, folder: Path) -> str:  # noqa: ARG001 - a Reporter
    return "\n".join([*_lines(run), "# EOF"]) + "\n"


def _lines(run: RunReport) -> Iterator[str]:
    about = {"run": run.run, "host": run.host.name, "bakehouse": run.bakehouse, "revision": run.revision}
    yield from _family("bakehouse_run_info", "The run that measured", [(about, 1)])
    verdicts = [({"cell": cell.name, "verdict": str(cell.verdict)}, 1.0) for cell in run.cells]
    yield from _family("bakehouse_cell_verdict", "1 for the verdict that a cell has", verdicts)
    found: dict[str, list[_Sample]] = {}
    texts: dict[str, str] = {}
    counts: list[_Sample] = []
    worth: list[_Sample] = []
    for cell, one, summary in measured(run):
        unit = one.unit.replace("/s", "_per_second").replace("/", "_per_")
        name = f"bakehouse_{one.metric}_{unit}"
        labels = {"cell": cell.name, "workload": one.workload} | ({"client": one.client} if one.client else {})
        texts[name] = figures.METRICS.get(one.metric, ("", one.metric))[1]
        for statistic, value in (("median", summary.median), ("lowest", summary.low), ("highest", summary.high)):
            found.setdefault(name, []).append(({**labels, "statistic": statistic}, value))
        if one.grading and one.grading.low is not None and one.grading.high is not None:
            for end, value in (("low", one.grading.low), ("high", one.grading.high)):
                found[name].append(({**labels, "statistic": end}, value))
        labels["metric"] = one.metric
        counts += [({**labels, "verdict": "passed"}, summary.counted), ({**labels, "verdict": "void"}, summary.void)]
        worth.append(({**labels, "grade": str(one.grade)}, 1.0))
    for name, samples in found.items():
        yield from _family(name, texts[name], samples)
    yield from _family("bakehouse_samples", "Samples, by whether they count", counts)
    yield from _family("bakehouse_grade", "1 for the grade that a measurement has: exact or noisy", worth)


def _family(name: str, text: str, samples: Iterable[_Sample]) -> Iterator[str]:
    yield f"# TYPE {name} gauge"
    yield f"# HELP {name} {_escape(text)}"
    for labels, value in samples:
        inside = ",".join(f'{label}="{_escape(said)}"' for label, said in labels.items())
        yield f"{name}{{{inside}}} {_number(value)}"


def _number(value: float) -> str:
    if math.isfinite(value):
        return repr(float(value))
    return "NaN" if math.isnan(value) else "+Inf" if value > 0 else "-Inf"


def _escape(text: str) -> str:
    return one_line(text, most=1000).replace("\\", r"\\").replace('"', r"\"")
