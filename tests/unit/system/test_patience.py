from __future__ import annotations

import pytest

from bakehouse.system.patience import Patience


@pytest.mark.parametrize(
    ("failures", "asked", "rested"),
    [(0, 0, 1.0), (1, 0, 1.0), (2, 0, 2.0), (4, 0, 8.0), (10, 0, 20.0), (1, 7, 7.0), (1, 3600, 20.0)],
)
def test_pauses_double_follow_the_server_and_end(failures: int, asked: float, rested: float) -> None:
    pauses: list[float] = []
    Patience(pause=1.0, longest=20.0, sleep=pauses.append).rest(failures, asked=asked)
    assert pauses == [rested]
