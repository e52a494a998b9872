"""Two images that were measured in turn: their measurements, as pairs to be judged."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace

from bakehouse.history.terms import of_settings
from bakehouse.model.enums import Grade, Verdict
from bakehouse.model.report import Measurement, Metric
from bakehouse.stats.direction import is_judged
from bakehouse.stats.judge import Pair, Side, group


def pairs(cell: str, candidate: Sequence[Measurement], baseline: Sequence[Measurement]) -> list[Pair]:
    """One for each metric that gets a verdict. What the baseline lacks, or measured otherwise, says so.

    A slower image gets shorter prompts and answers. Where both sides measured the same workload as short, that pair
    is judged as well: without it a slow image would have no baseline to be slower than.
    """
    theirs = {(one.workload, one.metric): one for one in baseline}
    judged = [one for one in candidate if _is_judged(one)]
    found = [_pair(cell, one, theirs) for one in judged if not one.short]
    unpaired = {(kind(pair.workload), pair.metric) for pair in found if pair.missing}
    short = [one for one in judged if one.short and (kind(one.workload), one.metric) in unpaired]
    return found + [pair for one in short if not (pair := _pair(cell, one, theirs)).missing]


def _pair(cell: str, ours: Measurement, theirs: Mapping[tuple[str, Metric], Measurement]) -> Pair:
    other = theirs.get((ours.workload, ours.metric))
    missing = _missing(ours, other)
    return Pair(
        cell=cell,
        workload=ours.workload,
        metric=ours.metric,
        candidate=side(ours),
        baseline=side(other) if other and not missing else Side(starts=()),
        missing=missing,
    )


def kind(workload: str) -> str:
    """`tg` of `tg128`: what a workload has in common with those of another length."""
    return workload.rstrip("0123456789")


def side(measurement: Measurement) -> Side:
    """Its samples that count, by container start."""
    void = [sample for sample in measurement.samples if sample.verdict not in (Verdict.PASSED, Verdict.SKIPPED)]
    counted = group([(sample.start, sample.value) for sample in measurement.used])
    found = Side(starts=counted, void=len(void), reason=void[-1].reason if void else "")
    grading = measurement.grading
    if grading is None or grading.grade is not Grade.NOISY:
        return found
    return replace(found, noisy="; ".join(grading.reasons), low=grading.low, high=grading.high)


def _is_judged(measurement: Measurement) -> bool:
    """Not what nothing on this machine can tell: a metric that it skips is no void one."""
    return is_judged(measurement.metric) and any(
        sample.verdict is not Verdict.SKIPPED for sample in measurement.samples
    )


def _missing(ours: Measurement, theirs: Measurement | None) -> str:
    if theirs is None:
        return f"the baseline has no {ours.workload} {ours.metric}"
    reasons = list(of_settings(ours.settings, theirs.settings))
    if ours.definitions != theirs.definitions:
        reasons.insert(0, f"metric definitions {ours.definitions} and {theirs.definitions}")
    return f"the two cannot be compared: {'; '.join(reasons)}" if reasons else ""
