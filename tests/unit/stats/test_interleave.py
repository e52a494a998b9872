from __future__ import annotations

from bakehouse.stats.interleave import interleave


def test_order() -> None:
    assert "".join(interleave("a", "b", 4)) == "abbabaab"
    assert "".join(interleave("a", "b", 1)) == "ab"
    assert interleave("a", "b", 0) == []


def test_each_comes_as_often_and_drift_cancels() -> None:
    for starts in range(1, 20):
        order = interleave(1, -1, starts)
        assert sum(order) == 0
        assert len(order) == 2 * starts
        if starts % 2 == 0:
            assert sum(place * sign for place, sign in enumerate(order)) == 0
        if starts % 4 == 0:
            assert sum(place**2 * sign for place, sign in enumerate(order)) == 0
