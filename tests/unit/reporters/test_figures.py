from __future__ import annotations

from typing import get_args

from bakehouse.model.enums import Verdict
from bakehouse.model.report import Metric, Sample
from bakehouse.reporters import figures
from tests.unit.reporters.world import world_run


def samples(*values: float, void: float | None = None) -> list[Sample]:
    found = [Sample(start=0, repetition=index, value=value) for index, value in enumerate(values)]
    if void is not None:
        found.append(Sample(start=0, repetition=len(found), value=void, verdict=Verdict.VOID, reason="busy"))
    return found


def test_void_samples_are_counted_and_never_averaged_in() -> None:
    summary = figures.summarize(samples(100, 102, 101, void=4))
    assert summary
    assert (summary.median, summary.low, summary.high) == (101, 100, 102)
    assert (summary.counted, summary.void, summary.quartiles) == (3, 1, None)


def test_quartiles_from_four_samples_on() -> None:
    summary = figures.summarize(samples(1, 2, 3, 4, 5))
    assert summary
    assert summary.quartiles == (2, 4)


def test_nothing_counted_gives_no_summary() -> None:
    assert figures.summarize([]) is None
    assert figures.summarize(samples(void=4)) is None


def test_every_metric_has_a_name_and_the_unit_it_is_recorded_with() -> None:
    assert set(figures.METRICS) == set(get_args(Metric))
    recorded = {one.metric: one.unit for cell in world_run().cells for one in cell.measurements}
    assert {metric: figures.unit_of(metric) for metric in recorded} == recorded
    assert figures.unit_of("image_size") == "bytes"
    assert figures.unit_of("energy_per_token") == "joules/token"
