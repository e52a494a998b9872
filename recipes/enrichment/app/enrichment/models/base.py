"""What the zoo's models have in common."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
from service.pictures import Picture
from service.sessions import Array

from enrichment.zoo import Priority

Floats = npt.NDArray[np.float32]
Outputs = Mapping[str, Array]
Facts = dict[str, Any]


@dataclass(frozen=True, kw_only=True, slots=True)
class Model:
    """`prepare` makes the input, without the batch; `read` says what the outputs mean for this picture."""

    name: str
    file: Path
    priority: Priority
    prepare: Callable[[Picture], Array]
    read: Callable[[Outputs, Picture], Facts]
    of_face: bool = False
    """Whether it wants a face that fills the picture."""


def scaled(picture: Picture, size: int, *, low: float, high: float) -> Floats:
    """Height x width x RGB, 0 to 255 as `low` to `high`."""
    pixels = picture.resized(size, size).astype(np.float32)
    pixels *= np.float32((high - low) / 255)
    pixels += np.float32(low)
    return pixels


def only(outputs: Outputs) -> Floats:
    """The one output, without the batch."""
    (value,) = outputs.values()
    return np.asarray(value[0], dtype=np.float32)


def unit(vector: Floats) -> list[float]:
    """Of length 1, six digits."""
    length = float(np.linalg.norm(vector)) or 1.0
    return [round(float(one) / length, 6) for one in vector]
