from __future__ import annotations

import numpy as np
import pytest
from detection.boxes import Found, corners, overlap, suppress
from hypothesis import given
from hypothesis import strategies as st

BOX = st.tuples(*(st.integers(0, 50) for _ in range(4))).map(lambda b: (b[0], b[1], b[0] + b[2] + 1, b[1] + b[3] + 1))


def found(*rows: tuple[float, ...]) -> Found:
    """Rows of left, top, right, bottom, score, class."""
    table = np.array(rows, dtype=np.float32).reshape(-1, 6)
    return Found(boxes=table[:, :4], scores=table[:, 4], classes=table[:, 5].astype(np.int64))


def test_overlap_of_what_is_known() -> None:
    box = np.array([0, 0, 10, 10], np.float32)
    others = np.array([[0, 0, 10, 10], [5, 0, 15, 10], [20, 20, 30, 30], [0, 0, 5, 10]], np.float32)
    assert overlap(box, others) == pytest.approx([1, 1 / 3, 0, 0.5])


def test_corners_of_a_box_by_its_middle() -> None:
    assert corners(np.array([[5, 6, 4, 2]], np.float32)).tolist() == [[3, 5, 7, 7]]


def test_the_better_of_two_that_overlap_stays_and_other_classes_do_too() -> None:
    kept = suppress(
        found((0, 0, 10, 10, 0.5, 1), (1, 0, 11, 10, 0.9, 1), (0, 0, 10, 10, 0.4, 2), (50, 50, 60, 60, 0.3, 1)),
        iou=0.5,
        most=10,
    )
    assert kept.scores.tolist() == pytest.approx([0.9, 0.4, 0.3])


def test_nothing_stays_nothing() -> None:
    assert len(suppress(found(), iou=0.5, most=10)) == 0


@given(st.lists(st.tuples(BOX, st.integers(1, 99), st.integers(0, 2)), max_size=20), st.sampled_from([0.3, 0.5, 0.7]))
def test_what_stays_is_what_the_slow_way_keeps(rows: list[tuple[tuple[int, ...], int, int]], iou: float) -> None:
    every = found(*((*box, score / 100, kind) for box, score, kind in rows))
    kept = suppress(every, iou=iou, most=100)

    slow: list[int] = []
    for index in np.argsort(-every.scores, kind="stable"):
        same = [other for other in slow if every.classes[other] == every.classes[index]]
        if all(overlap(every.boxes[index], every.boxes[[other]])[0] <= iou for other in same):
            slow.append(int(index))
    assert kept.boxes.tolist() == every.boxes[slow].tolist()
