"""Token ids to embeddings of length 1: the mean over tokens that are no padding. Requests share an inference."""

from __future__ import annotations

import os
from typing import Any

import numpy as np
import onnxruntime as ort
import triton_python_backend_utils as pb


class TritonPythonModel:
    def initialize(self, _: dict[str, Any]) -> None:
        options = ort.SessionOptions()
        options.intra_op_num_threads = len(os.sched_getaffinity(0))
        self._session = ort.InferenceSession(os.environ["WEIGHTS"], options, providers=["CPUExecutionProvider"])
        self._names = [one.name for one in self._session.get_inputs()]

    def execute(self, requests: list[Any]) -> list[Any]:
        batches = [pb.get_input_tensor_by_name(request, "ids").as_numpy() for request in requests]
        ends = np.cumsum([len(batch) for batch in batches])[:-1]
        found = np.split(self._embed(np.concatenate(batches)), ends)
        return [pb.InferenceResponse(output_tensors=[pb.Tensor("embedding", part)]) for part in found]

    def _embed(self, ids: Any) -> Any:
        mask = (ids >= 0).astype(np.int64)
        longest = max(1, int(mask.sum(axis=1).max()))
        ids, mask = np.where(mask, ids, 0)[:, :longest], mask[:, :longest]
        known = {"input_ids": ids, "attention_mask": mask, "token_type_ids": np.zeros_like(ids)}
        (output, *_) = self._session.run(None, {name: known[name] for name in self._names})
        weights = mask[..., None].astype(np.float32)
        mean = (output * weights).sum(axis=1) / np.maximum(weights.sum(axis=1), 1.0)
        return (mean / np.maximum(np.linalg.norm(mean, axis=1, keepdims=True), 1e-12)).astype(np.float32)
