from __future__ import annotations

from typing import Annotated

from pydantic import Field
from service.settings import Settings


class ChatSettings(Settings):
    """`MODEL` is a GGUF, or the file `openvino_model.xml` in a folder that was exported for OpenVINO."""

    device: str = "CPU"
    """As OpenVINO calls it: `CPU`, `GPU`. Nothing else may silently compute instead."""
    model_name: str = ""
    """What clients call the model; without it, the name of the model's file."""
    max_context: Annotated[int, Field(ge=16)] = 8192
    """Tokens of a prompt and its answer together."""
    cache_gib: Annotated[int, Field(ge=1)] = 1
    """Of the KV cache, which all requests share."""
    max_batch: Annotated[int, Field(gt=0)] = 16
    """Answers that are written at the same time: each step writes one token of all of them."""
    max_queue: Annotated[int, Field(gt=0)] = 128

    @property
    def name(self) -> str:
        return self.model_name or self.model.stem
