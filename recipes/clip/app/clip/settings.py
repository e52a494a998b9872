from __future__ import annotations

from pathlib import Path
from typing import Annotated

from pydantic import Field
from service.settings import PictureSettings


class ClipSettings(PictureSettings):
    """`model` is the part that sees; the part that reads, and its tokenizer, lie beside it."""

    port: Annotated[int, Field(ge=1, le=65535)] = 8093
    max_batch: Annotated[int, Field(gt=0)] = 16
    text_model: Path | None = None
    """Without it, `text_model.onnx` beside MODEL."""
    tokenizer: Path | None = None
    """Without it, `tokenizer.json` beside MODEL."""
    max_tokens: Annotated[int, Field(ge=3, le=4096)] = 77
    """Of one text; the rest is cut off, as CLIP was trained."""
    max_texts: Annotated[int, Field(gt=0)] = 256
    max_characters: Annotated[int, Field(gt=0)] = 100_000
    logit_scale: Annotated[float, Field(gt=0)] = 100.0
    """What products are multiplied with before the softmax of /classify: CLIP's own, exp(4.6052)."""

    @property
    def text_model_file(self) -> Path:
        return self.text_model or self.model.parent / "text_model.onnx"

    @property
    def tokenizer_file(self) -> Path:
        return self.tokenizer or self.model.parent / "tokenizer.json"
