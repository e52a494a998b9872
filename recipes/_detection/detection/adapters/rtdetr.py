"""RT-DETRv2: a fixed number of queries, each with class logits and a box. Nothing overlaps by construction: no NMS.

https://huggingface.co/docs/transformers/model_doc/rt_detr_v2 (Apache-2.0): `post_process_object_detection` takes the
best (query, class) pairs by sigmoid; boxes are center, width and height as shares of the picture.
"""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
from service.pictures import Picture

from detection.adapters.base import Array, Choice, Prepared, stretched
from detection.boxes import Found, corners

LOGITS, BOXES = "logits", "pred_boxes"
SCALE = np.full(3, 1 / 255, dtype=np.float32)
SHIFT = np.zeros(3, dtype=np.float32)


class RtDetr:
    def __init__(self, *, width: int, height: int) -> None:
        self.width = width
        self.height = height

    def prepare(self, picture: Picture) -> Prepared:
        return stretched(picture, self.width, self.height, scale=SCALE, shift=SHIFT, bgr=False)

    def found(self, outputs: Mapping[str, Array], row: int, choice: Choice) -> Found:
        logits = outputs[LOGITS][row].astype(np.float32)
        scores = 1 / (1 + np.exp(-logits))
        pairs = np.argsort(-scores, axis=None, kind="stable")[: min(choice.most, len(scores))]
        queries, classes = np.divmod(pairs, scores.shape[1])
        size = np.array([self.width, self.height] * 2, dtype=np.float32)
        boxes = corners(outputs[BOXES][row][queries].astype(np.float32)) * size
        every = Found(boxes=boxes, scores=scores[queries, classes], classes=classes)
        return every[every.scores > choice.confidence]
