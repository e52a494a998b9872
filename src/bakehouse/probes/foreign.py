"""Foreign work on the card counts against every sample of the start in which it was seen, however short the sample.

NVML and the kernel's drivers keep accounts of who computed, with steps of a fraction of a second. A prompt of 20 ms
lies between two steps: it can take three times as long, and nothing is seen. So what was seen at any moment of a start,
before, during or after the samples, counts for all of them. Where a driver keeps no such account, its figures are
noisy, however little they scatter.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from bakehouse.measure.cpu_usage import Trouble
from bakehouse.measure.telemetry import OTHERS, UNSUPPORTED
from bakehouse.model.enums import Disturbance
from bakehouse.model.report import Measurement, Sample
from bakehouse.probes.series import troubled, void_if
from bakehouse.stats.grading import graded

SEEN = "card_others"
"""In a sample's `raw`: who else computed on the card at any moment of the start."""
UNWATCHED = Trouble(
    kind=Disturbance.UNWATCHED,
    reason="the driver keeps no account of processes on the card: others may have computed there",
)
_UNTIMED = ("image_size", "memory")
"""Metrics that others on the card do not change."""


def void_beside_others(measurements: Sequence[Measurement]) -> list[Measurement]:
    """Void all samples of the starts in which others computed on the card; grade what changed anew."""
    reasons: dict[int, str] = {}
    for start, names in sorted(_seen(measurements)):
        reasons.setdefault(start, f"other processes computed on the card during this start: {', '.join(names)}")
    return [_unwatched(_judged(one, reasons)) for one in measurements]


def with_others(sample: Sample, names: Sequence[str] | None) -> Sample:
    """The last sample of a start, with who else computed on the card during it. None: there is no card.

    Where nothing tells who computes there, that is said.
    """
    if names is None:
        return sample
    return sample.model_copy(update={"raw": sample.raw | {SEEN: list(names)}})


def _judged(measurement: Measurement, reasons: dict[int, str]) -> Measurement:
    if measurement.metric in _UNTIMED or not any(sample.start in reasons for sample in measurement.samples):
        return measurement
    samples = [void_if(reasons.get(sample.start, ""), sample) for sample in measurement.samples]
    return graded(measurement.model_copy(update={"samples": samples}))


def _unwatched(measurement: Measurement) -> Measurement:
    """The same, noisy where nothing could tell who else computed on the card."""
    if measurement.metric in _UNTIMED or not any(_is_unwatched(sample) for sample in measurement.samples):
        return measurement
    samples = [troubled(UNWATCHED if _is_unwatched(one) else None, one) for one in measurement.samples]
    return graded(measurement.model_copy(update={"samples": samples}))


def _is_unwatched(sample: Sample) -> bool:
    told = [telemetry.get(OTHERS) for telemetry in _telemetries(sample)]
    return sample.disturbed is None and UNSUPPORTED in told


def _telemetries(sample: Sample) -> Iterator[Mapping[str, Any]]:
    """What sensors said during it, or during the requests of its load."""
    machine = sample.raw.get("machine")
    for place in (sample.raw, machine if isinstance(machine, dict) else {}):
        if isinstance(telemetry := place.get("telemetry"), dict):
            yield telemetry


def _seen(measurements: Sequence[Measurement]) -> Iterator[tuple[int, tuple[str, ...]]]:
    """Start, and who computed."""
    for sample in (sample for one in measurements for sample in one.samples):
        if names := others_in(sample):
            yield sample.start, names


def others_in(sample: Sample) -> tuple[str, ...]:
    """Names, from what was recorded of the sample or, in the last of a start, of the whole start."""
    lists = [sample.raw.get(SEEN), *(telemetry.get(OTHERS) for telemetry in _telemetries(sample))]
    return tuple(dict.fromkeys(str(name) for names in lists if isinstance(names, list) for name in names))
