"""MoveNet Lightning (192 x 192): 17 points of a body. Google, Apache-2.0. https://www.tensorflow.org/hub/tutorials/movenet"""

from __future__ import annotations

import numpy as np
from service.pictures import Picture
from service.sessions import Array

from enrichment.models.base import Facts, Outputs, only

SIZE = 192
SEEN = 0.3
NAMES = (
    *("nose", "left_eye", "right_eye", "left_ear", "right_ear", "left_shoulder", "right_shoulder", "left_elbow"),
    *("right_elbow", "left_wrist", "right_wrist", "left_hip", "right_hip", "left_knee", "right_knee", "left_ankle"),
    "right_ankle",
)


def prepare(picture: Picture) -> Array:
    return picture.resized(SIZE, SIZE).astype(np.int32)


def read(outputs: Outputs, picture: Picture) -> Facts:
    """Rows of the output are y, x and score, as shares of the picture."""
    rows = only(outputs)[0]
    points = {
        name: {
            "x": round(float(x) * picture.width, 1),
            "y": round(float(y) * picture.height, 1),
            "confidence": round(float(score), 4),
        }
        for name, (y, x, score) in zip(NAMES, rows, strict=True)
    }
    seen = [name for name, point in points.items() if point["confidence"] >= SEEN]
    return {"keypoints": points, "visible": len(seen), "posture": _posture(points, seen)}


def _posture(points: dict[str, dict[str, float]], seen: list[str]) -> str:
    """By where shoulders, hips and knees lie to each other; `unknown` where they are not seen."""
    needed = ("left_shoulder", "right_shoulder", "left_hip", "right_hip")
    if not all(name in seen for name in needed):
        return "unknown"
    shoulders = (points["left_shoulder"]["y"] + points["right_shoulder"]["y"]) / 2
    hips = (points["left_hip"]["y"] + points["right_hip"]["y"]) / 2
    across = abs(points["left_shoulder"]["x"] - points["left_hip"]["x"])
    torso = hips - shoulders
    if abs(torso) < across:
        return "lying"
    knees = [points[name]["y"] for name in ("left_knee", "right_knee") if name in seen]
    if not knees:
        return "upright"
    return "standing" if sum(knees) / len(knees) - hips > torso / 2 else "crouching"
