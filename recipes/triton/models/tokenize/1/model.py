"""Texts to token ids, padded with -1 to 128. The tokenizer lies beside the weights that WEIGHTS names."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import numpy as np
import triton_python_backend_utils as pb
from tokenizers import Tokenizer

LONGEST = 128


class TritonPythonModel:
    def initialize(self, _: dict[str, Any]) -> None:
        self._tokenizer = Tokenizer.from_file(str(Path(os.environ["WEIGHTS"]).with_name("tokenizer.json")))
        self._tokenizer.enable_truncation(max_length=LONGEST)
        self._tokenizer.no_padding()

    def execute(self, requests: list[Any]) -> list[Any]:
        return [self._answer(request) for request in requests]

    def _answer(self, request: Any) -> Any:
        texts = pb.get_input_tensor_by_name(request, "text").as_numpy()
        try:
            words = [text.decode() for text in texts.reshape(-1)]
        except UnicodeDecodeError:
            return pb.InferenceResponse(error=pb.TritonError("text is not UTF-8", pb.TritonError.INVALID_ARG))
        if not all(words):
            return pb.InferenceResponse(error=pb.TritonError("text is empty", pb.TritonError.INVALID_ARG))
        ids = np.full((len(words), LONGEST), -1, dtype=np.int64)
        for row, found in zip(ids, self._tokenizer.encode_batch(words), strict=True):
            row[: len(found.ids)] = found.ids
        return pb.InferenceResponse(output_tensors=[pb.Tensor("ids", ids)])
