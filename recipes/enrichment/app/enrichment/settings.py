from __future__ import annotations

from pathlib import Path
from typing import Annotated

from pydantic import Field
from service.settings import PictureSettings

GIB = 1 << 30


class EnrichmentSettings(PictureSettings):
    port: Annotated[int, Field(ge=1, le=65535)] = 8094
    max_pictures: Annotated[int, Field(gt=0)] = 1
    budget_gb: Annotated[float, Field(gt=0)] = 6.8
    """GiB that loaded models may take together: of the card's memory, or of this process's on a CPU."""
    workers: Annotated[int, Field(ge=0)] = 0
    """Requests that are computed at a time; 0: as many as there are CPUs for this process."""
    patience_s: Annotated[float, Field(ge=0)] = 10.0
    """How long a request waits for a model that cannot be put away because others still use it."""

    @property
    def folder(self) -> Path:
        """Where the models lie: MODEL names the folder, or a file in it."""
        return self.model if self.model.is_dir() else self.model.parent

    @property
    def budget(self) -> int:
        """Bytes."""
        return int(self.budget_gb * GIB)
