"""YOLO26, in the two forms that it is exported in. Both are in pixels of the input.

https://docs.ultralytics.com/models/yolo26: a picture is fitted into the input with grey at the sides. Exported end to
end (`nms=False`), the model gives up to 300 rows of left, top, right, bottom, score and class, and needs no NMS.
Otherwise, as older YOLOs, it gives a column for each point: center x and y, width, height, and a score for each class.
Ultralytics' own code is AGPL-3.0, and not used here.
"""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
from service.pictures import Picture

from detection.adapters.base import Array, Choice, Floats, Prepared
from detection.boxes import Found, corners, suppress

COLUMNS = 6
GREY = 114


class Yolo:
    def __init__(self, *, width: int, height: int) -> None:
        self.width = width
        self.height = height

    def prepare(self, picture: Picture) -> Prepared:
        """Fitted with its aspect, in the middle."""
        ratio = min(self.width / picture.width, self.height / picture.height)
        width, height = max(1, round(picture.width * ratio)), max(1, round(picture.height * ratio))
        left, top = round((self.width - width) / 2 - 0.1), round((self.height - height) / 2 - 0.1)
        canvas = np.full((self.height, self.width, 3), GREY, dtype=np.uint8)
        canvas[top : top + height, left : left + width] = picture.resized(width, height)
        return Prepared(
            values=np.multiply(canvas.transpose(2, 0, 1), np.float32(1 / 255), dtype=np.float32),
            width=picture.width,
            height=picture.height,
            across=picture.width / width,
            down=picture.height / height,
            left=left,
            top=top,
        )

    def found(self, outputs: Mapping[str, Array], row: int, choice: Choice) -> Found:
        (every,) = outputs.values()
        one = every[row].astype(np.float32)
        if one.shape[1] != COLUMNS:
            return suppress(_of_points(one, choice.confidence), iou=choice.iou, most=choice.most)
        rows = one[one[:, 4] > choice.confidence]
        return Found(boxes=rows[:, :4], scores=rows[:, 4], classes=rows[:, 5].astype(np.int64)).best(choice.most)


def _of_points(columns: Floats, confidence: float) -> Found:
    """The best class of each point, where it counts. `columns`: (4 + classes) x points."""
    scores = columns[4:]
    best = scores.max(axis=0)
    points = np.flatnonzero(best > confidence)
    classes = scores[:, points].argmax(axis=0).astype(np.int64)
    return Found(boxes=corners(columns[:4, points].T), scores=best[points], classes=classes)
