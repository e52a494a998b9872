"""YOLO26, exported end to end: up to 300 rows of box, score and class. No NMS.

https://docs.ultralytics.com/models/yolo26: its ONNX gives n x 300 x 6 (left, top, right, bottom, score, class), in
pixels of a picture that was fitted into the input with grey at the sides. Ultralytics' own code is AGPL-3.0, and not
used here.
"""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
from service.pictures import Picture

from detector.adapters.base import Array, Choice, Prepared
from detector.boxes import Found

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
        rows = every[row].astype(np.float32)
        rows = rows[rows[:, 4] > choice.confidence]
        return Found(boxes=rows[:, :4], scores=rows[:, 4], classes=rows[:, 5].astype(np.int64)).best(choice.most)
