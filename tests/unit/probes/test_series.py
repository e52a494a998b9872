from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

import pytest

from bakehouse.model.report import Measurement, Metric, Sample
from bakehouse.probes import ProbeFailed
from bakehouse.probes.series import Samples, Turns, take


def fixed(starts: int) -> Turns:
    return Turns(wanted=starts, most=starts)


@dataclass
class Image:
    """Writes down when it was started."""

    name: str
    order: list[str]
    fails_at: int = -1
    values: Sequence[float] = (1.0,)
    """Of each start in turn, the last again and again."""
    clock: list[float] = field(default_factory=lambda: [0.0])
    takes: float = 0.0
    """Seconds."""
    samples: Samples = field(default_factory=Samples)

    def take(self, number: int) -> None:
        self.order.append(f"{self.name}{number}")
        value = self.values[min(number, len(self.values) - 1)]
        self.samples.add("tg", "decode_rate", Sample(start=number, repetition=0, value=value))
        self.clock[0] += self.takes
        if number == self.fails_at:
            raise ProbeFailed("it went away")

    def measurements(self) -> list[Measurement]:
        return self.samples.measurements({"decode_rate": "tokens/s"}, {})


def test_two_images_are_started_in_turn_so_that_drift_meets_both() -> None:
    order: list[str] = []
    ours, theirs = take([[Image("a", order), Image("b", order)]], turns=fixed(4))
    assert order == ["a0", "b0", "b1", "a1", "b2", "a2", "a3", "b3"]
    assert (
        [sample.start for sample in ours[0].samples] == [sample.start for sample in theirs[0].samples] == [0, 1, 2, 3]
    )


def test_one_image_is_started_one_time_after_the_other() -> None:
    order: list[str] = []
    (found,) = take([[Image("a", order)]], turns=fixed(3))
    assert order == ["a0", "a1", "a2"]
    assert (found[0].unit, len(found[0].samples)) == ("tokens/s", 3)


def test_what_was_cut_off_goes_on_where_it_stopped_and_keeps_what_it_had() -> None:
    order: list[str] = []
    first, second = Image("a", order), Image("b", order, fails_at=1)
    with pytest.raises(ProbeFailed):
        take([[first, second]], turns=fixed(3))
    assert (first.samples.starts, second.samples.starts) == (1, 1)
    order.clear()
    second.fails_at = -1
    ours, theirs = take([[first, second]], turns=fixed(3))
    assert order == ["b2", "a1", "b3", "a2"]
    assert [sample.start for sample in ours[0].samples] == [0, 1, 2]
    assert [sample.start for sample in theirs[0].samples] == [0, 1, 2, 3], "the start that was cut off counts, too"


def test_every_sample_is_kept_at_once() -> None:
    kept: list[tuple[str, Metric, Sample]] = []
    ended: list[int] = []
    image = Image("a", [], fails_at=1)
    image.samples.keep = lambda workload, metric, sample: kept.append((workload, metric, sample))
    image.samples.keep_start = ended.append
    with pytest.raises(ProbeFailed):
        take([[image]], turns=fixed(2))
    assert [sample.start for _, _, sample in kept] == [0, 1]
    assert ended == [0]


def test_starts_end_as_soon_as_figures_are_exact() -> None:
    image = Image("a", [], values=(100.0, 100.5, 100.2))
    take([[image]], turns=Turns(wanted=5, most=12))
    assert len(image.order) == 3


def test_starts_go_on_while_they_narrow_the_interval_and_no_longer() -> None:
    values = (90.0, 110.0, 100.0, 99.0, 101.0, 100.0, 100.5, 99.5, 100.0, 100.0, 100.0, 100.0)
    narrowing, wild = Image("a", [], values=values), Image("b", [], values=(50.0, 100.0, 70.0, 130.0, 20.0, 160.0, 9.0))
    take([[narrowing]], turns=Turns(wanted=3, most=12))
    take([[wild]], turns=Turns(wanted=3, most=12))
    assert 3 < len(narrowing.order) < 12
    assert 3 < len(wild.order) < 12


def test_no_start_begins_that_would_not_end_in_time() -> None:
    clock = [0.0]
    image = Image("a", [], clock=clock, takes=10.0, values=(50.0, 100.0))
    take([[image]], turns=Turns(wanted=5, most=5, left=lambda: 35.0 - clock[0]), clock=lambda: clock[0])
    assert len(image.order) == 3


def test_without_time_the_first_start_is_taken_only_where_it_must_be() -> None:
    must, may = Image("a", []), Image("b", [])
    take([[must]], turns=Turns(wanted=3, most=12, left=lambda: 0.0))
    take([[may]], turns=Turns(wanted=3, most=12, left=lambda: 0.0, must_start=False))
    assert (must.order, may.order) == (["a0"], [])


def test_each_kind_gets_a_start_before_one_gets_its_second() -> None:
    order: list[str] = []
    take([[Image("chat", order)], [Image("sweep", order)]], turns=fixed(2))
    assert order == ["chat0", "sweep0", "chat1", "sweep1"]


def test_a_kind_that_would_take_longer_than_is_left_does_not_begin() -> None:
    order: list[str] = []
    turns = Turns(wanted=1, most=1, left=lambda: 30.0, must_start=False, expected=(200.0, 10.0))
    take([[Image("chat", order)], [Image("sweep", order)]], turns=turns)
    assert order == ["sweep0"]
