"""NanoDet-plus: class scores and distances to the four sides, at each point of three or four grids.

https://github.com/RangiLyu/nanodet (Apache-2.0): mean and deviation of its configuration `nanodet-plus-m_416.yml`, and
`nanodet/model/head/nanodet_plus_head.py`: a distance is the expected value of a distribution over bins, in strides.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cache

import numpy as np
from service.pictures import Picture

from detection.adapters.base import Array, Choice, Floats, Prepared, stretched
from detection.boxes import Found, suppress

MEAN = np.array([103.53, 116.28, 123.675], dtype=np.float32)
DEVIATION = np.array([57.375, 57.12, 58.395], dtype=np.float32)
"""Of blue, green and red."""
SCALE: Floats = (1 / DEVIATION).astype(np.float32)
SHIFT: Floats = -MEAN / DEVIATION
SIDES = 4
STRIDES = (8, 16, 32, 64)


@dataclass(frozen=True, kw_only=True, slots=True)
class Level:
    """One grid: the names of its two outputs, and pixels between its points."""

    scores: str
    distances: str
    stride: int


class NanoDet:
    """`outputs`: name to shape, of which there are two for each grid: points x classes, points x 4 bins."""

    def __init__(self, *, width: int, height: int, outputs: Mapping[str, Sequence[int]], classes: int) -> None:
        self.width = width
        self.height = height
        self._levels = tuple(_levels(width, height, outputs, classes))

    def prepare(self, picture: Picture) -> Prepared:
        return stretched(picture, self.width, self.height, scale=SCALE, shift=SHIFT, bgr=True)

    def found(self, outputs: Mapping[str, Array], row: int, choice: Choice) -> Found:
        levels = [self._level(one, outputs, row, choice.confidence) for one in self._levels]
        every = Found(
            boxes=np.concatenate([one.boxes for one in levels]),
            scores=np.concatenate([one.scores for one in levels]),
            classes=np.concatenate([one.classes for one in levels]),
        )
        return suppress(every, iou=choice.iou, most=choice.most)

    def _level(self, level: Level, outputs: Mapping[str, Array], row: int, confidence: float) -> Found:
        """Distances are worked out for the few points that count."""
        scores = outputs[level.scores][row]
        best = scores.max(axis=1)
        points = np.flatnonzero(best > confidence)
        bins = outputs[level.distances][row][points]
        distances = _expected(bins.reshape(len(points), SIDES, bins.shape[1] // SIDES)) * level.stride
        centers = _centers(self.width, self.height, level.stride)[points]
        boxes = np.concatenate([centers - distances[:, :2], centers + distances[:, 2:]], axis=1)
        return Found(boxes=boxes, scores=best[points], classes=scores[points].argmax(axis=1))


def _levels(width: int, height: int, outputs: Mapping[str, Sequence[int]], classes: int) -> list[Level]:
    """Raises ValueError where an output is missing."""
    found = []
    for stride in STRIDES:
        points = -(-width // stride) * -(-height // stride)
        of_grid = {name: shape for name, shape in outputs.items() if shape[1] == points}
        scores = [name for name, shape in of_grid.items() if shape[2] == classes]
        distances = [name for name, shape in of_grid.items() if shape[2] != classes and shape[2] % SIDES == 0]
        if scores and distances:
            found.append(Level(scores=scores[0], distances=distances[0], stride=stride))
    if len(found) * 2 != len(outputs):
        raise ValueError(f"these are not the outputs of NanoDet with {classes} classes: {dict(outputs)}")
    return found


def _expected(bins: Floats) -> Floats:
    """The mean of a distribution over 0, 1, 2, ... whose logarithms are given in the last axis."""
    weights = np.exp(bins - bins.max(axis=-1, keepdims=True))
    values = np.arange(bins.shape[-1], dtype=np.float32)
    return np.asarray(weights @ values / weights.sum(axis=-1), dtype=np.float32)


@cache
def _centers(width: int, height: int, stride: int) -> Floats:
    """Points of a grid, row by row. The first lies in the middle of the first cell."""
    across, down = -(-width // stride), -(-height // stride)
    places = np.stack(np.meshgrid(np.arange(across), np.arange(down)), axis=-1).reshape(-1, 2)
    return ((places + 0.5) * stride).astype(np.float32)
