from __future__ import annotations

from bakehouse.model.enums import Verdict
from bakehouse.model.report import CellReport, Sample
from bakehouse.reporters.voids import voids
from tests.unit.reporters.sample import errored_cell
from tests.unit.reporters.world import measured


def cell(name: str, *reasons: str, verdict: Verdict = Verdict.VOID) -> CellReport:
    samples = [
        Sample(start=0, repetition=number, value=1, verdict=verdict, reason=reason)
        for number, reason in enumerate(reasons)
    ]
    counted = Sample(start=1, repetition=0, value=1)
    found = measured("tg128", "decode_rate", "tokens/s", [*samples, counted], {})
    return errored_cell().model_copy(update={"name": name, "measurements": [found]})


def test_reasons_that_differ_in_their_figures_are_one() -> None:
    (group,) = voids([cell("a", "others used 41.5 %", "others used 93 %"), cell("b", "others used 12 %")])
    assert (group.reason, group.samples, group.is_one) == ("others used 41.5 %", 3, False)
    assert group.where == (("a", "tg128 decode_rate 2 of 3"), ("b", "tg128 decode_rate 1 of 2"))


def test_the_most_frequent_reason_is_first_and_a_missing_one_is_said() -> None:
    found = voids([cell("a", "", "slow", "slow")])
    assert [(group.reason, group.samples) for group in found] == [("slow", 2), ("no reason was recorded", 1)]


def test_left_out_is_not_void() -> None:
    found = voids([cell("a", "chunks hold 3 tokens"), cell("b", "chunks hold 3 tokens", verdict=Verdict.SKIPPED)])
    assert [group.verdict for group in found] == [Verdict.VOID, Verdict.SKIPPED]


def test_nothing_void() -> None:
    assert voids([cell("a"), errored_cell()]) == ()
