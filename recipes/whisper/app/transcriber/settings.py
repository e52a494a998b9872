from __future__ import annotations

from typing import Annotated

from pydantic import Field
from service.settings import Settings


class TranscriberSettings(Settings):
    """`MODEL` is the file `model.bin`; the model's other files lie beside it."""

    max_body_bytes: Annotated[int, Field(gt=0)] = 26_214_400
    """25 MiB, as OpenAI's service takes."""
    max_batch: Annotated[int, Field(gt=0)] = 1
    """Recordings at a time. The pieces of a long recording share inferences."""
    max_wait_ms: Annotated[float, Field(ge=0)] = 0.0
    max_queue: Annotated[int, Field(gt=0)] = 32
    max_seconds: Annotated[float, Field(gt=0)] = 3600.0
    """Of one recording."""
    max_held_seconds: Annotated[float, Field(gt=0)] = 7200.0
    """Of all recordings that are decoded and wait; an hour of 16-bit samples takes 115 MB."""
    decoders: Annotated[int, Field(gt=0)] = 2
    """Recordings that are decoded at a time."""
    model_name: str = "whisper-1"
    """What clients call the model."""
    compute_type: str = ""
    """CTranslate2's; without it, `int8` on a CPU and `float16` on a card."""
    beam_size: Annotated[int, Field(ge=1, le=16)] = 5

    @property
    def numbers(self) -> str:
        return self.compute_type or ("int8" if self.device == "cpu" else "float16")
