"""What neither a stack nor we used of the machine."""

from __future__ import annotations

import pytest

from bakehouse.pipeline.stack_other_work import Moment, share

BEFORE = Moment(clock=10.0, machine=100.0, own=5.0, containers={1: 50.0, 2: 7.0})


@pytest.mark.parametrize(
    ("after", "expected"),
    [
        (Moment(clock=20.0, machine=110.0, own=6.0, containers={1: 55.0, 2: 7.0}), 4.0 / 20),
        (Moment(clock=20.0, machine=110.0, own=5.0, containers={1: 55.0, 3: 5.0}), 0.0),  # 3 was started meanwhile
        (Moment(clock=20.0, machine=105.0, own=5.0, containers={1: 60.0}), 0.0),  # clocks of two kernels' files
        (Moment(clock=10.0, machine=105.0, own=5.0, containers={}), None),
        (None, None),
    ],
)
def test_the_share_of_others(after: Moment | None, expected: float | None) -> None:
    found = share(BEFORE, after, cores=2)

    assert found == (None if expected is None else pytest.approx(expected))
    assert share(None, after, cores=2) is None
