from __future__ import annotations

from pathlib import Path
from typing import Annotated

from pydantic import Field
from service.settings import Settings


class EmbedderSettings(Settings):
    tokenizer: Path | None = None
    """Its tokenizer; without it, `tokenizer.json` beside the model."""
    model_name: str = ""
    """What clients call the model; without it, the name of the model's file."""
    max_tokens: Annotated[int, Field(ge=8, le=8192)] = 256
    """Of one text; the rest is cut off, as sentence transformers do."""
    max_texts: Annotated[int, Field(gt=0)] = 256
    """Texts of one request."""
    max_characters: Annotated[int, Field(gt=0)] = 100_000
    """Of one text."""

    @property
    def tokenizer_file(self) -> Path:
        return self.tokenizer or self.model.parent / "tokenizer.json"

    @property
    def name(self) -> str:
        return self.model_name or self.model.stem
