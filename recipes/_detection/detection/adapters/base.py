"""What the service needs to know of a family."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np
import numpy.typing as npt
from service.pictures import Picture

from detection.boxes import Found

Array = npt.NDArray[Any]
Floats = npt.NDArray[np.float32]


@dataclass(frozen=True, kw_only=True, slots=True)
class Prepared:
    """A picture as the model wants it, and how to get back to its pixels: `(x - left) * across`."""

    values: Floats
    """3 x height x width."""
    width: int
    height: int
    across: float
    down: float
    left: float = 0.0
    top: float = 0.0

    def placed(self, found: Found) -> Found:
        """Boxes in pixels of the picture, inside it."""
        moved = found.boxes - np.array([self.left, self.top] * 2, dtype=np.float32)
        scaled = moved * np.array([self.across, self.down] * 2, dtype=np.float32)
        limits = np.array([self.width, self.height] * 2, dtype=np.float32)
        return Found(boxes=np.clip(scaled, 0, limits), scores=found.scores, classes=found.classes)


@dataclass(frozen=True, kw_only=True, slots=True)
class Choice:
    """What is told."""

    confidence: float
    iou: float
    most: int


class Adapter(Protocol):
    """A family of detectors. `width` and `height` are those of the model's input."""

    width: int
    height: int

    def prepare(self, picture: Picture) -> Prepared:
        """Runs in a thread of the decoders."""

    def found(self, outputs: Mapping[str, Array], row: int, choice: Choice) -> Found:
        """Detections of one picture of a batch, in pixels of the model's input."""


def stretched(picture: Picture, width: int, height: int, *, scale: Floats, shift: Floats, bgr: bool) -> Prepared:
    """Resized without care for the aspect, as the family was trained: `value * scale + shift`, channels first."""
    pixels = picture.resized(width, height)
    ordered = pixels[..., ::-1] if bgr else pixels
    values = np.multiply(ordered.transpose(2, 0, 1), scale[:, None, None], dtype=np.float32)
    values += shift[:, None, None]
    return Prepared(
        values=values,
        width=picture.width,
        height=picture.height,
        across=picture.width / width,
        down=picture.height / height,
    )
