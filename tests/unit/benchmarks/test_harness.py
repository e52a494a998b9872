from __future__ import annotations

import pytest
from harness import Comparison


@pytest.mark.parametrize(
    ("limit", "higher_is_better", "met", "target"),
    [
        (0.5, False, True, "at most 0.5"),
        (0.4, False, False, "at most 0.4"),
        (0.4, True, True, "at least 0.4"),
        (None, False, None, ""),
    ],
)
def test_a_ratio_is_held_against_its_target(
    limit: float | None, higher_is_better: bool, met: bool | None, target: str
) -> None:
    one = Comparison(what="x", ours=[1, 2, 9], theirs=[4], unit="s", limit=limit, higher_is_better=higher_is_better)
    assert (one.ratio, one.met, one.target) == (0.5, met, target)
