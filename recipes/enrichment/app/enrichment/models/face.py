"""BlazeFace (back camera, 256 x 256): where faces are. Google, Apache-2.0.

https://github.com/google-ai-edge/mediapipe: `ssd_anchors_calculator`; two anchors at each point of a grid of 16 x 16,
six at each of 8 x 8, all of size 1. Offsets are in pixels of the input.
"""

from __future__ import annotations

from functools import cache

import numpy as np
from service.pictures import Picture

from enrichment.models.base import Facts, Floats, Outputs, scaled

SIZE = 256
GRIDS = ((16, 2), (8, 6))
"""Points a side, and anchors at each."""
LEAST = 0.5
KEYPOINTS = ("right_eye", "left_eye", "nose", "mouth", "right_ear", "left_ear")


def prepare(picture: Picture) -> Floats:
    return scaled(picture, SIZE, low=-1, high=1)


def read(outputs: Outputs, picture: Picture) -> Facts:
    """The best face, in pixels of the picture; none below a score of 0.5."""
    scores, values = _joined(outputs)
    best = int(scores.argmax())
    if scores[best] < LEAST:
        return {"found": False, "confidence": round(float(scores[best]), 4)}
    middle = _anchors()[best] + values[best, :2] / SIZE
    half = values[best, 2:4] / SIZE / 2
    points = _anchors()[best] + values[best, 4:].reshape(-1, 2) / SIZE
    size = np.array([picture.width, picture.height], dtype=np.float32)
    (left, top), (right, bottom) = (middle - half) * size, (middle + half) * size
    places = {name: [_r(x), _r(y)] for name, (x, y) in zip(KEYPOINTS, points * size, strict=True)}
    return {
        "found": True,
        "confidence": round(float(scores[best]), 4),
        "bbox": {"x": _r(left), "y": _r(top), "width": _r(right - left), "height": _r(bottom - top)},
        "keypoints": places,
    }


def box_of(facts: Facts, picture: Picture, *, margin: float = 0.2) -> tuple[float, float, float, float] | None:
    """Left, top, right, bottom with some room around, inside the picture. None: there is no face."""
    if not facts["found"]:
        return None
    box = facts["bbox"]
    across, down = box["width"] * margin, box["height"] * margin
    left, top = max(0.0, box["x"] - across), max(0.0, box["y"] - down)
    right = min(float(picture.width), box["x"] + box["width"] + across)
    bottom = min(float(picture.height), box["y"] + box["height"] + down)
    return (left, top, right, bottom) if right - left >= 1 and bottom - top >= 1 else None


def _joined(outputs: Outputs) -> tuple[Floats, Floats]:
    """Scores and offsets of both grids, in the order of the anchors."""
    by_shape = {value.shape[1:]: np.asarray(value[0], dtype=np.float32) for value in outputs.values()}
    counts = [side * side * each for side, each in GRIDS]
    logits = np.concatenate([by_shape[count, 1] for count in counts])[:, 0]
    values = np.concatenate([by_shape[count, 16] for count in counts])
    scores = 1 / (1 + np.exp(-np.clip(logits, -80, 80)))
    return scores, values


@cache
def _anchors() -> Floats:
    """Middles as shares of the picture, row by row."""
    found = []
    for side, each in GRIDS:
        places = (np.arange(side, dtype=np.float32) + 0.5) / side
        grid = np.stack(np.meshgrid(places, places), axis=-1).reshape(-1, 2)
        found.append(np.repeat(grid, each, axis=0))
    return np.concatenate(found)


def _r(value: float) -> float:
    return round(float(value), 1)
