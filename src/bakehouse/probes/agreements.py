"""Agreements of clocks as measurements: written to a report, and read back."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from bakehouse.measure.calibration import Agreement, ClockPair
from bakehouse.measure.request_cost import RequestCost
from bakehouse.model.report import Measurement, Sample
from bakehouse.stats.grading import graded

_SIDES = ("first", "second")
_RANGES, _DISTURBED = "ranges", "disturbed"


def recorded_costs(costs: Mapping[int, RequestCost], settings: dict[str, Any]) -> list[Measurement]:
    """What a request costs beside the computing, a sample for each start. Empty where nothing could be held."""
    samples = [
        Sample(
            start=start, repetition=0, value=max(0.0, one.constant), raw={"share": one.share, "lengths": one.lengths}
        )
        for start, one in costs.items()
    ]
    if not samples:
        return []
    found = Measurement(workload="pp", metric="request_overhead", unit="seconds", samples=samples, settings=settings)
    return [graded(found)]


def recorded(found: Sequence[Agreement], settings: dict[str, Any]) -> list[Measurement]:
    """A row for each pair, with a ratio for each start. `settings["gate"]` is what it was held against, with
    `settings["allowed_s"]` a token, and a sample's `raw` has the two rates, also where they are void elsewhere.
    """
    return [
        Measurement(
            workload=one.workload,
            metric=one.pair.value,
            unit="ratio",
            samples=[
                Sample(start=start, repetition=0, value=ratio, raw=_sides(one, start))
                for start, ratio in one.ratios.items()
            ],
            settings=settings | {"gate": one.gate, "allowed_s": one.allowed},
        )
        for one in found
        if one.ratios
    ]


def read(measurements: Sequence[Measurement]) -> list[Agreement]:
    """What `recorded` wrote."""
    return [
        Agreement(
            workload=one.workload,
            pair=ClockPair(one.metric),
            gate=one.settings["gate"],
            allowed=one.settings["allowed_s"],
            sides={sample.start: (sample.raw[_SIDES[0]], sample.raw[_SIDES[1]]) for sample in one.samples},
            ranges={sample.start: sample.raw[_RANGES] for sample in one.samples if _RANGES in sample.raw},
            is_disturbed=any(sample.raw.get(_DISTURBED) for sample in one.samples),
        )
        for one in measurements
        if one.metric in tuple(ClockPair) and not one.short
    ]


def _sides(one: Agreement, start: int) -> dict[str, Any]:
    """Of a start: both medians, both ranges where they say something, and whether anything else was at work."""
    raw: dict[str, Any] = dict(zip(_SIDES, one.sides[start], strict=True))
    if start in one.ranges:
        raw[_RANGES] = one.ranges[start]
    return raw | ({_DISTURBED: True} if one.is_disturbed else {})
