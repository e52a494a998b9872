"""NanoDet itself, in onnxruntime. Requests share an inference. Its file lies beside the one that WEIGHTS names."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import numpy as np
import onnxruntime as ort
import triton_python_backend_utils as pb


class TritonPythonModel:
    def initialize(self, _: dict[str, Any]) -> None:
        options = ort.SessionOptions()
        options.intra_op_num_threads = len(os.sched_getaffinity(0))
        file = Path(os.environ["WEIGHTS"]).with_name("nanodet.onnx")
        self._session = ort.InferenceSession(str(file), options, providers=["CPUExecutionProvider"])
        self._names = [one.name for one in self._session.get_outputs()]

    def execute(self, requests: list[Any]) -> list[Any]:
        batches = [pb.get_input_tensor_by_name(request, "input_1").as_numpy() for request in requests]
        ends = np.cumsum([len(batch) for batch in batches])[:-1]
        outputs = self._session.run(None, {"input_1": np.concatenate(batches)})
        parts = zip(*(np.split(output, ends) for output in outputs), strict=True)
        return [pb.InferenceResponse(output_tensors=list(map(pb.Tensor, self._names, part))) for part in parts]
