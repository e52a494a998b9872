"""Boxes as arrays: corners, overlap, and which of several that overlap stays."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.float32]
Ints = npt.NDArray[np.int64]


@dataclass(frozen=True, kw_only=True, slots=True)
class Found:
    """Detections of one picture. `boxes`: n x 4 (left, top, right, bottom); `scores` and `classes`: n."""

    boxes: Floats
    scores: Floats
    classes: Ints

    def __len__(self) -> int:
        return len(self.scores)

    def __getitem__(self, index: npt.NDArray[np.intp] | npt.NDArray[np.bool_]) -> Found:
        return Found(boxes=self.boxes[index], scores=self.scores[index], classes=self.classes[index])

    def best(self, most: int) -> Found:
        """The most confident, best first."""
        return self[np.argsort(-self.scores, kind="stable")[:most]]


def corners(centers: Floats) -> Floats:
    """N x (center x, center y, width, height) to n x (left, top, right, bottom)."""
    middle, half = centers[:, :2], centers[:, 2:] / 2
    return np.concatenate([middle - half, middle + half], axis=1)


def overlap(box: Floats, others: Floats) -> Floats:
    """Intersection over union of one box with n others."""
    low, high = np.maximum(box[:2], others[:, :2]), np.minimum(box[2:], others[:, 2:])
    shared = np.prod(np.clip(high - low, 0, None), axis=1)
    areas = np.prod(others[:, 2:] - others[:, :2], axis=1)
    return np.asarray(shared / np.maximum(np.prod(box[2:] - box[:2]) + areas - shared, 1e-9), dtype=np.float32)


def suppress(found: Found, *, iou: float, most: int) -> Found:
    """Without boxes that overlap a better one of their class by more than `iou`. The most confident first.

    Boxes of different classes are moved apart instead of being looked at class by class.
    """
    if not len(found):
        return found
    span = float(found.boxes.max() - found.boxes.min()) + 1
    apart = found.boxes + (found.classes * span)[:, None].astype(np.float32)
    order = np.argsort(-found.scores, kind="stable")
    kept: list[int] = []
    while len(order) and len(kept) < most:
        first, order = order[0], order[1:]
        kept.append(int(first))
        order = order[overlap(apart[first], apart[order]) <= iou]
    return found[np.asarray(kept, dtype=np.intp)]
