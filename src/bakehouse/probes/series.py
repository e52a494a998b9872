"""A measurement while it is taken: one container start after the other, alone or in turn with another image's.

What drifts on a machine within an hour is no difference between two images that are started in turn.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any, Protocol

from bakehouse.measure.cpu_usage import Trouble
from bakehouse.model.enums import Unit, Verdict
from bakehouse.model.report import Measurement, Metric, Sample
from bakehouse.stats.grading import graded
from bakehouse.stats.interleave import interleave


def _not_kept(*_: Any) -> None:
    """Nobody takes notes."""


@dataclass(kw_only=True, slots=True)
class Samples:
    """Of one series, in the order they came. Those of an earlier attempt at the same series may stand there already."""

    by_metric: dict[tuple[str, Metric], list[Sample]] = field(default_factory=dict)
    """By (workload, metric)."""
    starts: int = 0
    """Container starts that were taken to their end."""
    keep: Callable[[str, Metric, Sample], None] = _not_kept
    """Called with the workload as soon as a sample is there: whatever happens next, it is not lost."""
    keep_start: Callable[[int], None] = _not_kept

    def add(self, workload: str, metric: Metric, sample: Sample) -> None:
        self.by_metric.setdefault((workload, metric), []).append(sample)
        self.keep(workload, metric, sample)

    @property
    def next_start(self) -> int:
        """Its number. One that was cut off keeps its own: its repetitions count as well."""
        return max((sample.start + 1 for taken in self.by_metric.values() for sample in taken), default=0)

    def end_start(self, number: int) -> None:
        self.starts += 1
        self.keep_start(number)

    def measurements(self, units: dict[Metric, Unit], settings: dict[str, Any]) -> list[Measurement]:
        """One for each workload and metric; a metric that `units` lacks is a time."""
        return [
            graded(
                Measurement(
                    workload=workload,
                    metric=metric,
                    unit=units.get(metric, "seconds"),
                    samples=taken,
                    settings=settings,
                )
            )
            for (workload, metric), taken in self.by_metric.items()
        ]


def void_if(reason: str, sample: Sample) -> Sample:
    """The sample, void where there is a reason. One that is void already, or skipped, keeps its own."""
    if not reason or sample.verdict is not Verdict.PASSED:
        return sample
    return sample.model_copy(update={"verdict": Verdict.VOID, "reason": reason})


def troubled(trouble: Trouble | None, sample: Sample) -> Sample:
    """The sample with what took part in it: void or noisy. One that is void already, or skipped, keeps its reason."""
    if trouble is None or sample.verdict is not Verdict.PASSED:
        return sample
    if trouble.kind is None:
        return void_if(trouble.reason, sample)
    return sample.model_copy(update={"disturbed": trouble.kind, "reason": trouble.reason})


class Series(Protocol):
    """One image under one load, or several that share a server."""

    @property
    def samples(self) -> Samples: ...

    def take(self, number: int) -> None:
        """Start a container, measure, remove it. Raises ProbeFailed when it answers nothing at all."""

    def measurements(self) -> list[Measurement]: ...


def take(
    all_series: Sequence[Series], *, starts: int, ended: Callable[[], None] = lambda: None
) -> list[list[Measurement]]:
    """Take so many starts of one, or of two in turn; what an earlier attempt took is not taken again.

    Returns the measurements of each. `ended` is called after each start, and for each that was taken before.
    """
    turns = interleave(all_series[0], all_series[-1], starts) if all_series[1:] else [*all_series] * starts
    before = {id(each): each.samples.starts for each in all_series}
    for each in turns:
        if before[id(each)]:
            before[id(each)] -= 1
        else:
            number = each.samples.next_start
            each.take(number)
            each.samples.end_start(number)
        ended()
    return [each.measurements() for each in all_series]
