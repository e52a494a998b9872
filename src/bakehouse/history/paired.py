"""Two images that were measured in turn: their measurements, as pairs to be judged."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from bakehouse.history.terms import of_settings
from bakehouse.model.enums import Grade, Verdict
from bakehouse.model.report import Measurement
from bakehouse.stats.direction import is_judged
from bakehouse.stats.judge import Pair, Side, group


def pairs(cell: str, candidate: Sequence[Measurement], baseline: Sequence[Measurement]) -> list[Pair]:
    """One for each metric that gets a verdict. What the baseline lacks, or measured otherwise, says so."""
    theirs = {(one.workload, one.metric): one for one in baseline}
    found = []
    for ours in (one for one in candidate if _is_judged(one)):
        other = theirs.get((ours.workload, ours.metric))
        missing = _missing(ours, other)
        found.append(
            Pair(
                cell=cell,
                workload=ours.workload,
                metric=ours.metric,
                candidate=side(ours),
                baseline=side(other) if other and not missing else Side(starts=()),
                missing=missing,
            )
        )
    return found


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
    """Not what is short; nor what nothing on this machine can tell: a metric that it skips is no void one."""
    if measurement.short or not is_judged(measurement.metric):
        return False
    return any(sample.verdict is not Verdict.SKIPPED for sample in measurement.samples)


def _missing(ours: Measurement, theirs: Measurement | None) -> str:
    if theirs is None:
        return f"the baseline has no {ours.workload} {ours.metric}"
    reasons = list(of_settings(ours.settings, theirs.settings))
    if ours.definitions != theirs.definitions:
        reasons.insert(0, f"metric definitions {ours.definitions} and {theirs.definitions}")
    return f"the two cannot be compared: {'; '.join(reasons)}" if reasons else ""
