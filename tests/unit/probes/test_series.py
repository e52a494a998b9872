from __future__ import annotations

from dataclasses import dataclass, field

import pytest

from bakehouse.model.report import Measurement, Metric, Sample
from bakehouse.probes import ProbeFailed
from bakehouse.probes.series import Samples, take


@dataclass
class Image:
    """Writes down when it was started."""

    name: str
    order: list[str]
    fails_at: int = -1
    samples: Samples = field(default_factory=Samples)

    def take(self, number: int) -> None:
        self.order.append(f"{self.name}{number}")
        self.samples.add("tg", "decode_rate", Sample(start=number, repetition=0, value=1.0))
        if number == self.fails_at:
            raise ProbeFailed("it went away")

    def measurements(self) -> list[Measurement]:
        return self.samples.measurements({"decode_rate": "tokens/s"}, {})


def test_two_images_are_started_in_turn_so_that_drift_meets_both() -> None:
    order: list[str] = []
    ours, theirs = take([Image("a", order), Image("b", order)], starts=4)
    assert order == ["a0", "b0", "b1", "a1", "b2", "a2", "a3", "b3"]
    assert (
        [sample.start for sample in ours[0].samples] == [sample.start for sample in theirs[0].samples] == [0, 1, 2, 3]
    )


def test_one_image_is_started_one_time_after_the_other() -> None:
    order: list[str] = []
    (found,) = take([Image("a", order)], starts=3)
    assert order == ["a0", "a1", "a2"]
    assert (found[0].unit, len(found[0].samples)) == ("tokens/s", 3)


def test_what_was_cut_off_goes_on_where_it_stopped_and_keeps_what_it_had() -> None:
    order: list[str] = []
    first, second = Image("a", order), Image("b", order, fails_at=1)
    with pytest.raises(ProbeFailed):
        take([first, second], starts=3)
    assert (first.samples.starts, second.samples.starts) == (1, 1)
    order.clear()
    second.fails_at = -1
    ours, theirs = take([first, second], starts=3)
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
        take([image], starts=2)
    assert [sample.start for _, _, sample in kept] == [0, 1]
    assert ended == [0]
