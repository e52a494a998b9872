from __future__ import annotations

from pathlib import Path
from typing import Annotated

from pydantic import Field
from service.settings import PictureSettings

EYES = "vision_encoder"
OTHERS = ("embed_tokens", "encoder_model", "decoder_model_merged")


class FlorenceSettings(PictureSettings):
    """`model` is the part that sees. The other three lie beside it, and end as its name does: `_fp16.onnx`."""

    port: Annotated[int, Field(ge=1, le=65535)] = 8092
    max_batch: Annotated[int, Field(gt=0)] = 4
    max_wait_ms: Annotated[float, Field(ge=0)] = 0.0
    max_queue: Annotated[int, Field(gt=0)] = 64
    tokenizer: Path | None = None
    """Without it, `tokenizer.json` beside MODEL, or one folder above, where exports have it."""
    max_tokens: Annotated[int, Field(ge=4, le=4096)] = 1024
    """Of one answer."""
    max_characters: Annotated[int, Field(gt=0)] = 1000
    """Of the text that a task asks for."""

    def part(self, name: str) -> Path:
        """The file of another part."""
        return self.model.with_name(self.model.name.replace(EYES, name))

    @property
    def tokenizer_file(self) -> Path:
        beside, above = (folder / "tokenizer.json" for folder in (self.model.parent, self.model.parent.parent))
        return self.tokenizer or (above if above.is_file() and not beside.is_file() else beside)
