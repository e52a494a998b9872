"""What NanoDet says, to boxes in pixels of the picture, as the detector's own service does it.

A batch needs as many rows for each picture: after the last box come zeros, with -1 for a class.
"""

from __future__ import annotations

import os
from typing import Any

import numpy as np
import triton_python_backend_utils as pb
from detection.adapters.base import Choice, Prepared
from detection.adapters.nanodet import NanoDet
from detection.labels import COCO

SIDE = 416
MOST = 100
POINTS, BINS = (2704, 676, 169), 44
OUTPUTS = ("Identity", "Identity_1", "Identity_2", "Identity_3", "Identity_4", "Identity_5")
SHAPES = [*((1, points, len(COCO)) for points in POINTS), *((1, points, BINS) for points in POINTS)]
NOTHING = np.empty(0, dtype=np.float32)


class TritonPythonModel:
    def initialize(self, _: dict[str, Any]) -> None:
        shapes = dict(zip(OUTPUTS, SHAPES, strict=True))
        self._adapter = NanoDet(width=SIDE, height=SIDE, outputs=shapes, classes=len(COCO))
        self._choice = Choice(
            confidence=float(os.environ.get("CONFIDENCE") or 0.35), iou=float(os.environ.get("IOU") or 0.5), most=MOST
        )

    def execute(self, requests: list[Any]) -> list[Any]:
        return [self._answer(request) for request in requests]

    def _answer(self, request: Any) -> Any:
        outputs = {name: pb.get_input_tensor_by_name(request, name).as_numpy() for name in OUTPUTS}
        sizes = pb.get_input_tensor_by_name(request, "size").as_numpy()
        boxes = np.zeros((len(sizes), MOST, 4), dtype=np.float32)
        scores = np.zeros((len(sizes), MOST), dtype=np.float32)
        classes = np.full((len(sizes), MOST), -1, dtype=np.int64)
        for row, (width, height) in enumerate(sizes.tolist()):
            across, down = width / SIDE, height / SIDE
            prepared = Prepared(values=NOTHING, width=width, height=height, across=across, down=down)
            found = prepared.placed(self._adapter.found(outputs, row, self._choice))
            boxes[row, : len(found)] = found.boxes
            scores[row, : len(found)] = found.scores
            classes[row, : len(found)] = found.classes
        tensors = [pb.Tensor("boxes", boxes), pb.Tensor("scores", scores), pb.Tensor("classes", classes)]
        return pb.InferenceResponse(output_tensors=tensors)
