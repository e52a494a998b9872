"""Pictures to what NanoDet is given, as the detector's own service does it: decoded within limits, upright, resized.

A picture is its bytes, or these in base64, since JSON has none. No file of a picture is base64 by chance: each format
begins with, or soon holds, a byte that is no letter.
"""

from __future__ import annotations

import base64
import binascii
import os
from typing import Any

import numpy as np
import triton_python_backend_utils as pb
from detection.adapters.base import Prepared, stretched
from detection.adapters.nanodet import SCALE, SHIFT
from service.pictures import decode
from service.refused import Refused

SIDE = 416
MAX_PIXELS = 40_000_000


class TritonPythonModel:
    def initialize(self, _: dict[str, Any]) -> None:
        self._most = int(os.environ.get("MAX_PIXELS") or MAX_PIXELS)

    def execute(self, requests: list[Any]) -> list[Any]:
        return [self._answer(request) for request in requests]

    def _answer(self, request: Any) -> Any:
        contents = pb.get_input_tensor_by_name(request, "picture").as_numpy().reshape(-1)
        try:
            found = [self._prepared(content) for content in contents]
        except Refused as error:
            return pb.InferenceResponse(error=pb.TritonError(error.detail, pb.TritonError.INVALID_ARG))
        values = np.stack([one.values for one in found])
        size = np.array([[one.width, one.height] for one in found], dtype=np.int64)
        return pb.InferenceResponse(output_tensors=[pb.Tensor("input_1", values), pb.Tensor("size", size)])

    def _prepared(self, content: bytes) -> Prepared:
        picture = decode(_bytes(content), max_pixels=self._most, enough=SIDE)
        return stretched(picture, SIDE, SIDE, scale=SCALE, shift=SHIFT, bgr=True)


def _bytes(content: bytes) -> bytes:
    try:
        return base64.b64decode(content, validate=True)
    except binascii.Error:
        return content
