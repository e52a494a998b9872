from __future__ import annotations

from pathlib import Path
from typing import Annotated, Literal

from detection.labels import COCO
from pydantic import Field
from service.settings import PictureSettings


class DetectorSettings(PictureSettings):
    port: Annotated[int, Field(ge=1, le=65535)] = 8090
    max_batch: Annotated[int, Field(gt=0)] = 8
    max_wait_ms: Annotated[float, Field(ge=0)] = 0.0
    """Nobody waits for a batch to fill: the next one fills while the last is computed."""
    family: Literal["auto", "nanodet", "rtdetr", "yolo"] = "auto"
    """What the model's outputs mean; `auto` tells by their names and shapes."""
    confidence: Annotated[float, Field(ge=0, le=1)] = 0.35
    """Detections below are left out, unless a request says another."""
    iou: Annotated[float, Field(gt=0, le=1)] = 0.5
    """NanoDet: of two boxes of a class that overlap by more, the better one stays."""
    classes: str = ""
    """Names with commas between them: only these are told. Without any, all."""
    labels: Path | None = None
    """A file with a name on each line, for models of other classes than COCO's 80."""
    max_detections: Annotated[int, Field(gt=0)] = 100
    """Of one picture, the most confident first."""

    def names(self) -> tuple[str, ...]:
        """Raises FileNotFoundError."""
        if self.labels is None:
            return COCO
        if not self.labels.is_file():
            raise FileNotFoundError(f"LABELS: there is no file {self.labels}; mount it, or name another")
        return tuple(self.labels.read_text(encoding="utf-8").splitlines())

    def wanted(self, names: tuple[str, ...]) -> frozenset[str]:
        """Raises ValueError for a class that the model does not know."""
        found = frozenset(one.strip() for one in self.classes.split(",") if one.strip())
        if unknown := found - set(names):
            raise ValueError(f"CLASSES: the model has no {', '.join(sorted(unknown))}")
        return found
